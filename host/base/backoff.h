#pragma once

#include <cstdint>

namespace slipway {

// Exponential back-off with jitter: attempt n (from 0) waits between half and all of min(cap,
// base·2ⁿ). A hint from the other side (Retry-After) is a floor.
struct BackoffPolicy {
  int64_t base_ms = 1000;
  int64_t cap_ms = 60'000;
};

int64_t BackoffMs(const BackoffPolicy& policy, int attempt, int64_t floor_ms = 0);

// Uniform in [0, n); not for secrets.
int64_t Jitter(int64_t n);

}  // namespace slipway
