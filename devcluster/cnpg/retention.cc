#include "devcluster/cnpg/retention.h"

#include <cstdlib>

namespace slipway::sim::operators::cnpg {

namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kTimelineDigits = 8, kSegmentDigits = 24;

}  // namespace

int64_t RetentionWindow(const std::string& policy) {
  if (policy.empty()) return 0;
  const int64_t count = std::atoll(policy.c_str());
  switch (policy.back()) {
    case 'd':
      return count * kDayMs;
    case 'w':
      return count * 7 * kDayMs;
    case 'm':
      return count * 31 * kDayMs;
    default:
      return 0;
  }
}

Retention WhatToRemove(const std::vector<BaseBackup>& bases, int64_t now_ms, int64_t window_ms) {
  Retention out;
  if (window_ms <= 0) return out;
  const int64_t start = now_ms - window_ms;
  size_t first = 0;
  while (first + 1 < bases.size() && bases[first + 1].end_ms <= start) ++first;
  for (size_t i = 0; i < first; ++i) out.bases.push_back(bases[i].id);
  for (size_t i = first; i < bases.size(); ++i) {
    if (bases[i].begin_wal.size() != kSegmentDigits) return {out.bases, ""};
    const std::string begin = bases[i].begin_wal.substr(kTimelineDigits);
    if (out.first_segment.empty() || begin < out.first_segment) out.first_segment = begin;
  }
  return out;
}

bool BeforeSegment(const std::string& file, const std::string& first_segment) {
  return !first_segment.empty() && file.size() >= kSegmentDigits &&
         file.substr(kTimelineDigits, kSegmentDigits - kTimelineDigits) < first_segment;
}

}  // namespace slipway::sim::operators::cnpg
