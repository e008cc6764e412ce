#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::engine {

// One file of engines.d.
struct EngineConfig {
  std::string name;
  std::string path;    // resolved against the directory of the file
  std::string sha256;  // "" when not pinned
  bool enabled = true;
  Json settings;  // an object
};

struct ParsedConfig {
  EngineConfig config;                // what could be understood
  std::vector<std::string> problems;  // "file:line:col: text"; empty when all is well
};

// `file` gives the directory and the name in problems.
ParsedConfig ParseEngineConfig(const std::string& file, const std::string& text);

// The *.yaml and *.yml of a directory, sorted. Empty when there is no such directory.
std::vector<std::string> ListConfigFiles(const std::string& dir);

}  // namespace slipway::engine
