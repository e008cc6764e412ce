// Points in time, as Kubernetes and users write them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::kit {

// Milliseconds since 1970 of a time of RFC 3339, "2026-11-22T05:00:00.25+01:00"; nullopt if it is
// malformed, no date, before 1970, or finer than microseconds. T and Z are capitals.
std::optional<int64_t> TimeMs(std::string_view text);
// "2026-11-22T05:00:00.250000Z", as Kubernetes writes a MicroTime; of a time since 1970.
std::string MicroTime(int64_t unix_ms);

}  // namespace slipway::kit
