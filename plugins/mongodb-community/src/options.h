// The allow-list of mongod's settings and the list of refused ones.
#pragma once
#include <span>
#include <string_view>

#include "kit.h"

namespace mongodb {

// Beside mongod's settings: `version`, of which only those are offered whose images are known.
inline constexpr std::string_view kVersions = "7.0.24|8.0.21|8.0.32";
inline constexpr char kDefaultVersion[] = "8.0.21";

std::span<const Parameter> AllowedOptions();
// The reason why the operator or the platform owns `name`; empty when neither does.
std::string_view WhyRefused(std::string_view name);

}  // namespace mongodb
