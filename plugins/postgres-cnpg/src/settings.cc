#include "settings.h"

#include <map>

#include <slipway/engine.hpp>

#include "json.h"

namespace cnpg {

Settings Settings::Parse(std::string_view config) {
  Settings out;
  if (config.empty()) return out;
  const Json settings = Json::Parse(config);
  if (settings.IsNull()) return out;
  if (!settings.IsObject())
    throw slipway::Error(SLIPWAY_INVALID, "WrongType", "the settings must be an object");
  const std::map<std::string, std::string*> known = {
      {"operator_namespace", &out.operator_namespace},
      {"image", &out.image},
      {"storage_class", &out.storage_class}};
  for (const std::string& key : settings.keys()) {
    const auto found = known.find(key);
    if (found == known.end() || !settings[key].IsString()) {
      throw slipway::Error(SLIPWAY_INVALID, "UnknownSetting",
                           "the settings are operator_namespace, image and storage_class, strings",
                           "/" + key);
    }
    *found->second = settings[key].AsString();
  }
  return out;
}

}  // namespace cnpg
