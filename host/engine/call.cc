#include "engine/call.h"

#include <algorithm>
#include <exception>

#include "engine/text.h"

namespace slipway::engine {
namespace {

constexpr size_t kMaxFailures = 100;
constexpr size_t kMaxLogLines = 100;
constexpr size_t kMaxReason = 64;

std::string_view View(slipway_bytes bytes) {
  return bytes.data == nullptr ? std::string_view() : std::string_view(bytes.data, bytes.size);
}

Code FromAbi(int32_t code) {
  switch (code) {
    case SLIPWAY_INVALID:
      return Code::kInvalid;
    case SLIPWAY_UNSUPPORTED:
      return Code::kUnsupported;
    case SLIPWAY_PRECONDITION:
      return Code::kPrecondition;
    case SLIPWAY_CANCELLED:
      return Code::kCancelled;
    case SLIPWAY_EXHAUSTED:
      return Code::kExhausted;
    default:
      return Code::kInternal;
  }
}

// Makes a stable word of `text`: a capital letter, then letters and digits.
std::string Reason(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxReason)) {
    const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
    if (out.empty() && lower)
      out += static_cast<char>(c - 'a' + 'A');
    else if (upper || (!out.empty() && (lower || (c >= '0' && c <= '9'))))
      out += c;
  }
  return out.empty() ? "Unexplained" : out;
}

CallState* Self(const slipway_call* call) {
  return static_cast<CallState*>(call->host);
}

}  // namespace

CallState::CallState(int64_t now_ms, int64_t deadline_ms, size_t max_result_bytes)
    : max_result_bytes_(max_result_bytes) {
  call_.struct_size = sizeof call_;
  call_.host = this;
  call_.now_ms = now_ms;
  call_.deadline_ms = deadline_ms;
  call_.write = &CallState::Write;
  call_.fail = &CallState::Fail;
  call_.log = &CallState::Log;
  call_.cancelled = &CallState::Cancelled;
}

int32_t CallState::Write(const slipway_call* call, slipway_bytes bytes) {
  CallState& self = *Self(call);
  if (bytes.size > self.max_result_bytes_ - self.output_.size() || self.too_large_) {
    self.too_large_ = true;
    return SLIPWAY_EXHAUSTED;
  }
  try {
    self.output_.append(View(bytes));
  } catch (const std::exception&) {  // no exception may reach the engine's frames
    self.too_large_ = true;
    return SLIPWAY_EXHAUSTED;
  }
  return SLIPWAY_OK;
}

int32_t CallState::Fail(const slipway_call* call, const slipway_failure* failure) {
  if (failure == nullptr || !SLIPWAY_HAS(failure, field)) return SLIPWAY_INTERNAL;
  CallState& self = *Self(call);
  try {
    if (self.failures_.size() < kMaxFailures) {
      Error error{FromAbi(failure->code), Reason(View(failure->reason)),
                  Printable(View(failure->message)), Printable(View(failure->field), 512)};
      error.retryable = (failure->flags & SLIPWAY_RETRYABLE) != 0;
      error.retry_after_ms = std::clamp<int64_t>(failure->retry_after_ms, 0, 3'600'000);
      self.failures_.push_back(std::move(error));
    }
  } catch (const std::exception&) {
    return SLIPWAY_EXHAUSTED;
  }
  return failure->code == SLIPWAY_OK ? SLIPWAY_INTERNAL : failure->code;
}

void CallState::Log(const slipway_call* call, int32_t level, slipway_bytes message,
                    slipway_bytes fields) {
  CallState& self = *Self(call);
  if (self.log_.size() >= kMaxLogLines) return;
  try {
    self.log_.push_back({std::clamp<int>(level, SLIPWAY_LOG_DEBUG, SLIPWAY_LOG_ERROR),
                         Printable(View(message)), Printable(View(fields), 8192)});
  } catch (const std::exception&) {
    return;  // drops the line
  }
}

int32_t CallState::Cancelled(const slipway_call* call) {
  return Self(call)->cancelled_ ? 1 : 0;
}

Result<std::string> CallState::Finish(int32_t code) {
  if (too_large_) {
    return Error{Code::kInternal, "ResultTooLarge",
                 "the engine's answer is over " + std::to_string(max_result_bytes_) + " bytes"};
  }
  if (!failures_.empty()) return failures_.front();
  if (code != SLIPWAY_OK) {
    return Error{Code::kInternal, "Unexplained",
                 "the engine failed with code " + std::to_string(code) + " and did not say why"};
  }
  return std::move(output_);
}

}  // namespace slipway::engine
