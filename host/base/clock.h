#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace slipway {

// Code takes its time from a Clock, so that a test decides it. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMs() const = 0;     // Unix time, may jump
  virtual int64_t SteadyMs() const = 0;  // never goes back
};

class SystemClock final : public Clock {
 public:
  int64_t NowMs() const override;
  int64_t SteadyMs() const override;
};

// A test's clock. It stands still until the test advances it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 1'790'000'000'000) : now_ms_(now_ms) {}

  int64_t NowMs() const override { return now_ms_; }

  int64_t SteadyMs() const override { return now_ms_; }

  void Advance(int64_t ms) { now_ms_ += ms; }

 private:
  std::atomic<int64_t> now_ms_;
};

// "2026-11-22T06:00:01.123Z"
std::string FormatTime(int64_t unix_ms);
// "2026-11-22T06:00:01Z", Kubernetes' form.
std::string FormatSeconds(int64_t unix_ms);
// Reads RFC 3339 with a zone; -1 for any other text.
int64_t ParseTime(const std::string& text);

}  // namespace slipway
