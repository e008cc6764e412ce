#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <slipway/engine.h>

#include "base/result.h"

namespace slipway::engine {

// The host's side of one call. It takes the engine's document, failures and log lines. It owns all
// its data, so a thread that never returns can keep it. Confined to the thread that runs the call,
// except Cancel(); read it after that thread is done.
class CallState {
 public:
  struct LogLine {
    int level;
    std::string message, fields;
  };

  CallState(int64_t now_ms, int64_t deadline_ms, size_t max_result_bytes);
  CallState(const CallState&) = delete;
  CallState& operator=(const CallState&) = delete;

  const slipway_call* raw() const { return &call_; }

  void Cancel() { cancelled_ = true; }  // any thread

  // Returns the document or the error. kInternal Unexplained, ResultTooLarge.
  Result<std::string> Finish(int32_t code);

  const std::vector<Error>& failures() const { return failures_; }

  const std::vector<LogLine>& log() const { return log_; }

 private:
  static int32_t Write(const slipway_call* call, slipway_bytes bytes);
  static int32_t Fail(const slipway_call* call, const slipway_failure* failure);
  static void Log(const slipway_call* call, int32_t level, slipway_bytes message,
                  slipway_bytes fields);
  static int32_t Cancelled(const slipway_call* call);

  slipway_call call_{};
  const size_t max_result_bytes_;
  std::atomic<bool> cancelled_{false};
  bool too_large_ = false;
  std::string output_;
  std::vector<Error> failures_;
  std::vector<LogLine> log_;
};

}  // namespace slipway::engine
