// The settings of this engine in its file in engines.d.
#pragma once
#include <string>
#include <string_view>

namespace cnpg {

struct Settings {
  std::string operator_namespace;  // empty: any
  std::string image;               // empty: the operator's default
  std::string storage_class;       // empty: the cluster's default

  // Throws slipway::Error INVALID with the setting at fault.
  static Settings Parse(std::string_view config);
};

}  // namespace cnpg
