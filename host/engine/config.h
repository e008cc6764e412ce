#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::engine {

// One file of engines.d.
struct EngineConfig {
  std::string name;
  std::string path;    // relative paths start at the file's directory
  std::string sha256;  // "": not pinned
  bool enabled = true;
  std::string takes_over;  // the engine that hands over its database type; "": none
  Json settings;           // an object
};

struct ParsedConfig {
  EngineConfig config;                // the valid part
  std::vector<std::string> problems;  // "file:line:col: text"; empty when the file is valid
};

// `file` gives the directory, and the name in `problems`.
ParsedConfig ParseEngineConfig(const std::string& file, const std::string& text);

// The *.yaml and *.yml files of a directory, sorted. Empty when the directory does not exist.
std::vector<std::string> ListConfigFiles(const std::string& dir);

}  // namespace slipway::engine
