#include "devcluster/operators/cron.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <vector>

namespace slipway::sim::operators {

namespace {

struct Range {
  int first, last;
};

constexpr std::array<Range, 6> kRanges{{{0, 59}, {0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}}};

// True when `value` is in a list such as "1,5-9,*/15"; false for text that is no list.
bool Matches(const std::string& field, int value, Range range) {
  std::istringstream items(field);
  for (std::string item; std::getline(items, item, ',');) {
    int step = 1;
    if (const size_t slash = item.find('/'); slash != std::string::npos) {
      step = std::max(1, std::atoi(item.c_str() + slash + 1));
      item.resize(slash);
    }
    Range part = range;
    if (item != "*" && item != "?") {
      part.first = part.last = std::atoi(item.c_str());
      if (const size_t dash = item.find('-'); dash != std::string::npos)
        part.last = std::atoi(item.c_str() + dash + 1);
    }
    if (value >= part.first && value <= part.last && (value - part.first) % step == 0) return true;
  }
  return false;
}

std::string Expand(const std::string& schedule) {
  if (schedule == "@hourly") return "0 0 * * * *";
  if (schedule == "@daily" || schedule == "@midnight") return "0 0 0 * * *";
  if (schedule == "@weekly") return "0 0 0 * * 0";
  if (schedule == "@monthly") return "0 0 0 1 * *";
  return schedule;
}

}  // namespace

int64_t NextSchedule(const std::string& schedule, int64_t after_ms) {
  std::istringstream words(Expand(schedule));
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  if (fields.size() == 5) fields.insert(fields.begin(), "0");
  if (fields.size() != 6) return -1;
  int second = -1;
  for (int s = 59; s >= 0; --s)
    if (Matches(fields[0], s, kRanges[0])) second = s;
  if (second < 0) return -1;
  constexpr int64_t kMinuteMs = 60'000;
  int64_t minute = after_ms / kMinuteMs;
  if (after_ms >= minute * kMinuteMs + second * 1000) ++minute;
  for (int i = 0; i < 366 * 24 * 60; ++i, ++minute) {
    const std::time_t seconds = static_cast<std::time_t>(minute * 60);
    std::tm at{};
    gmtime_r(&seconds, &at);
    const bool month =
        Matches(fields[4], at.tm_mon + 1, kRanges[4]) && Matches(fields[3], at.tm_mday, kRanges[3]);
    const bool day = month && Matches(fields[5], at.tm_wday, kRanges[5]);
    if (day && Matches(fields[2], at.tm_hour, kRanges[2]) &&
        Matches(fields[1], at.tm_min, kRanges[1]))
      return minute * kMinuteMs + second * 1000;
  }
  return -1;
}

}  // namespace slipway::sim::operators
