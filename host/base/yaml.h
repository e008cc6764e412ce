#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway {

// A YAML document as JSON, with the place of every value so that a later check can name line and
// column. Plain scalars follow YAML 1.2 core: null, true/false, integers, floats, else strings.
struct YamlDocument {
  struct Mark {
    int line = 0, column = 0;  // from 1
  };

  Json value;
  std::map<std::string, Mark> marks;  // by JSON Pointer

  // "file:3:7" of a value, of its nearest known ancestor when absent.
  std::string Where(const std::string& file, std::string_view pointer) const;
};

// All documents of a stream. Duplicate keys and anchors that loop are refused.
// Error kInvalid "BadYaml", message "line:column: text".
Result<std::vector<YamlDocument>> ParseYaml(const std::string& text);
// One document; kInvalid when there are several. An empty text is null.
Result<YamlDocument> ParseYamlDocument(const std::string& text);

// kNotFound/kInternal with the path in the message.
Result<std::string> ReadFile(const std::string& path);
// Temp file, fsync, rename. Mode as given.
Result<void> WriteFileAtomically(const std::string& path, std::string_view data, unsigned mode);

}  // namespace slipway
