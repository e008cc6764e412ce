// The host's checker for the documents that engines write, line by line.
// In:  KIND <tab> DOCUMENT      Out: "good", or the pointer and the words.
#include <iostream>
#include <string>

#include "engine/documents.h"

namespace {

using slipway::Json;
using slipway::Result;

Result<void> Check(const std::string& kind, const std::string& text) {
  namespace engine = slipway::engine;
  Result<Json> parsed = Json();
  if (kind == "describe") {
    const auto document = Json::Parse(text);  // so that its names are those of the file
    const Json& d = document ? *document : *parsed;
    parsed = engine::ParseDescribe(text, d["engine"].AsString(), d["version"].AsString());
  } else {
    parsed = kind == "validate" ? engine::ParseValidate(text)
             : kind == "plan"   ? engine::ParsePlan(text)
                                : engine::ParseStep(text);
  }
  return parsed ? Result<void>() : Result<void>(parsed.error());
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    const auto checked = Check(line.substr(0, tab), line.substr(tab + 1));
    std::cout << (checked ? "good" : checked.error().field + " " + checked.error().message)
              << std::endl;
  }
}
