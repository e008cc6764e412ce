#include "base/clock.h"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace slipway {
namespace {

std::string Format(int64_t unix_ms, bool millis) {
  const time_t seconds = static_cast<time_t>(unix_ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text, n);
  if (millis) {
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(unix_ms % 1000));
    out += fraction;
  }
  return out + "Z";
}

}  // namespace

int64_t SystemClock::NowMs() const {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

int64_t SystemClock::SteadyMs() const {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string FormatTime(int64_t unix_ms) {
  return Format(unix_ms, true);
}

std::string FormatSeconds(int64_t unix_ms) {
  return Format(unix_ms, false);
}

int64_t ParseTime(const std::string& text) {
  tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return -1;
  int64_t ms = 0;
  if (*rest == '.') {
    int64_t scale = 100;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) ms += (*rest - '0') * scale;
  }
  int64_t offset_s = 0;
  if (*rest == 'Z' && rest[1] == '\0') {
    offset_s = 0;
  } else {
    int hours = 0, minutes = 0, used = 0;
    char sign = 0;
    if (std::sscanf(rest, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 ||
        rest[used] != '\0' || (sign != '+' && sign != '-'))
      return -1;
    offset_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
  }
  return (static_cast<int64_t>(timegm(&parts)) - offset_s) * 1000 + ms;
}

}  // namespace slipway
