// The allow-list of mongod's settings, and the settings that nobody may set.
#pragma once
#include <span>
#include <string_view>

#include "kit.h"

namespace mongodb {

// Beside mongod's settings: `version`. It offers only versions whose images are known.
inline constexpr std::string_view kVersions = "7.0.24|8.0.21|8.0.32";
inline constexpr char kDefaultVersion[] = "8.0.21";

std::span<const Parameter> AllowedOptions();
std::span<const Refused> RefusedOptions();

}  // namespace mongodb
