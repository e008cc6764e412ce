// Kubernetes quantities and numbers in text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::kit {

inline constexpr int64_t kKi = int64_t{1} << 10;
inline constexpr int64_t kMi = int64_t{1} << 20;
inline constexpr int64_t kGi = int64_t{1} << 30;

// Bytes of "512Mi", "50Gi", "1G", "1024"; nullopt if it is malformed, negative or over 2^60.
std::optional<int64_t> Bytes(std::string_view quantity);
// Thousandths of "2", "0.5", "500m".
std::optional<int64_t> Millis(std::string_view quantity);
// The shortest exact quantity: "16Gi", "2560Mi", "1500m", "8".
std::string FromBytes(int64_t bytes);
std::string FromMillis(int64_t millis);

std::optional<int64_t> Integer(std::string_view text);
std::optional<double> Real(std::string_view text);

}  // namespace slipway::kit
