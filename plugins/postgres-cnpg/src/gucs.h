// The allow-list of PostgreSQL settings, and the settings that nobody may set.
#pragma once
#include <cstdint>
#include <span>

#include "kit.h"

namespace cnpg {

constexpr int64_t kMB = 1024, kGB = 1024 * kMB;  // in kB

// Memory counts in kB, time in ms.
std::span<const Parameter> AllowedGucs();
std::span<const Refused> RefusedGucs();
// Is it read by a server that starts, and only then? (PostgreSQL's context "postmaster".)
bool NeedsRestart(std::string_view name);

}  // namespace cnpg
