#include "settings.h"

#include "kit.h"

namespace cnpg {

Settings Settings::Parse(std::string_view config) {
  Settings out;
  ParseSettings(config, {{"operator_namespace", &out.operator_namespace},
                         {"image", &out.image},
                         {"storage_class", &out.storage_class}});
  return out;
}

}  // namespace cnpg
