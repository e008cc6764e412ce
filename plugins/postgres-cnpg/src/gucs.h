// The allow-list of PostgreSQL settings and the list of refused ones.
#pragma once
#include <span>
#include <string_view>

#include "kit.h"

namespace cnpg {

// Memory counts in kB, time in ms.
std::span<const Parameter> AllowedGucs();
// The reason why the operator or the platform owns `name`; empty when neither does.
std::string_view WhyRefused(std::string_view name);

}  // namespace cnpg
