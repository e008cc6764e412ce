// How PostgreSQL writes memory and time.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit.h"

namespace cnpg {

// Kilobytes of "128MB"; the unit (kB, MB, GB, TB) is required except for 0 and -1.
std::optional<int64_t> PgKilobytes(std::string_view value);
// The largest exact unit: 1048576 is "1GB".
std::string FromPgKilobytes(int64_t kb);
// Milliseconds of "5s", "10min"; a bare number counts in `base_ms`. Only -1 may be negative.
std::optional<int64_t> PgMillis(std::string_view value, int64_t base_ms);

}  // namespace cnpg
