// Kubernetes quantities and PostgreSQL's units.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cnpg {

// Bytes of "512Mi", "50Gi", "1G", "1024"; nothing when malformed, negative or over 2^60.
std::optional<int64_t> Bytes(std::string_view quantity);
// Thousandths of "2", "0.5", "500m".
std::optional<int64_t> Millis(std::string_view quantity);
// The shortest exact quantity: "16Gi", "2560Mi", "1500m", "8".
std::string FromBytes(int64_t bytes);
std::string FromMillis(int64_t millis);

// Kilobytes of "128MB"; the unit (kB, MB, GB, TB) is required except for 0 and -1.
std::optional<int64_t> PgKilobytes(std::string_view value);
// The largest exact unit: 1048576 is "1GB".
std::string FromPgKilobytes(int64_t kb);
// Milliseconds of "5s", "10min"; a bare number counts in `base_ms`. Only -1 may be negative.
std::optional<int64_t> PgMillis(std::string_view value, int64_t base_ms);

std::optional<int64_t> Integer(std::string_view text);
std::optional<double> Real(std::string_view text);

}  // namespace cnpg
