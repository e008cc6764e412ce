#include "engine/config.h"

#include <algorithm>
#include <filesystem>

#include "base/yaml.h"

namespace slipway::engine {
namespace {

bool IsName(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 31 && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool IsSha256(const std::string& text) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), hex);
}

}  // namespace

ParsedConfig ParseEngineConfig(const std::string& file, const std::string& text) {
  ParsedConfig out;
  out.config.settings = Json::MakeObject();
  const auto document = ParseYamlDocument(text);
  if (!document) {
    out.problems.push_back(file + ":" + document.error().message);
    return out;
  }
  const auto complain = [&](const std::string& pointer, const std::string& what) {
    out.problems.push_back(document->Where(file, pointer) + ": " + what);
  };
  const Json& root = document->value;
  if (!root.is_object()) {
    complain("", "an engine's configuration must be a mapping with name and path");
    return out;
  }
  for (const auto& [key, value] : root.members()) {
    const std::string at = "/" + Json::EscapePointer(key);
    if (key == "name") {
      if (IsName(value.AsString())) {
        out.config.name = value.AsString();
      } else {
        complain(at, "name must match [a-z][a-z0-9-]* and have at most 31 characters");
      }
    } else if (key == "path") {
      const std::filesystem::path path(value.AsString());
      if (path.empty()) {
        complain(at, "path must be a file name");
      } else {
        const std::filesystem::path dir = std::filesystem::path(file).parent_path();
        out.config.path = (path.is_absolute() ? path : dir / path).lexically_normal().string();
      }
    } else if (key == "sha256") {
      if (IsSha256(value.AsString())) {
        out.config.sha256 = value.AsString();
      } else {
        complain(at, "sha256 must be a string of 64 lower-case hexadecimal digits");
      }
    } else if (key == "enabled") {
      if (!value.is_bool()) complain(at, "enabled must be true or false");
      out.config.enabled = value.AsBool(true);
    } else if (key == "takes_over") {
      if (IsName(value.AsString())) {
        out.config.takes_over = value.AsString();
      } else {
        complain(at, "takes_over must be the name of an engine");
      }
    } else if (key == "settings") {
      if (value.is_object()) {
        out.config.settings = value;
      } else if (!value.is_null()) {
        complain(at, "settings must be a mapping");
      }
    } else {
      complain(at, "unknown key " + Json::Quote(key));
    }
  }
  for (const char* key : {"name", "path"}) {
    if (!root.Has(key)) complain("", std::string(key) + " is required");
  }
  return out;
}

std::vector<std::string> ListConfigFiles(const std::string& dir) {
  std::vector<std::string> out;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec)) {
    const std::filesystem::path& path = it->path();
    if (path.filename().string().starts_with(".")) continue;
    if (path.extension() == ".yaml" || path.extension() == ".yml") out.push_back(path.string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace slipway::engine
