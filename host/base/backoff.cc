#include "base/backoff.h"

#include <algorithm>
#include <random>

namespace slipway {

int64_t Jitter(int64_t n) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return n <= 0 ? 0 : std::uniform_int_distribution<int64_t>(0, n - 1)(random);
}

int64_t BackoffMs(const BackoffPolicy& policy, int attempt, int64_t floor_ms) {
  const int64_t ceiling = std::min(policy.cap_ms, policy.base_ms << std::clamp(attempt, 0, 20));
  // Half fixed, half random: a retry is never immediate, and never in step with the others.
  return std::max(floor_ms, ceiling / 2 + Jitter(ceiling / 2 + 1));
}

}  // namespace slipway
