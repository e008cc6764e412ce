#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway {

// A YAML document as JSON. It knows the place of every value, so that a later check can name line
// and column. Plain scalars follow YAML 1.2: null, true and false, decimal integers and floats; all
// others are strings, "yes" and "0x10" among them. "<<" merges mappings, as in YAML 1.1.
struct YamlDocument {
  struct Mark {
    int line = 0, column = 0;  // from 1
  };

  Json value;
  std::map<std::string, Mark> marks;  // by JSON Pointer

  // "file:3:7", the place of a value; of its nearest known ancestor when the value is absent.
  std::string Where(const std::string& file, std::string_view pointer) const;
};

// Reads all documents of a stream. Refuses duplicate keys, unknown tags, and aliases that multiply
// a text beyond reason. Error kInvalid "BadYaml", message "line:column: text".
Result<std::vector<YamlDocument>> ParseYaml(const std::string& text);
// Reads one document. An empty text is null; two documents are kInvalid unless the second is empty.
Result<YamlDocument> ParseYamlDocument(const std::string& text);

// The whole file. Error kNotFound or kInternal; the message names the path.
Result<std::string> ReadFile(const std::string& path);
// Writes a temporary file with the given mode, syncs it and renames it.
Result<void> WriteFileAtomically(const std::string& path, std::string_view data, unsigned mode);

}  // namespace slipway
