#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "kube/http_easy.h"
#include "kube/http_loop.h"

namespace slipway::kube {

// A transfer from its submission to its answer. The loop's thread owns it from then on; a blocked
// caller shares the answer, once `is_finished`.
struct Transfer final : HttpEasy::Sink {
  enum class Kind { kSend, kFetch, kStream };
  static constexpr int64_t kNever = INT64_MAX;

  Kind kind = Kind::kSend;
  HttpLoop::Id id = 0;
  HttpRequest request;
  HttpAnswer answer;
  HttpLoop::Done done;
  HttpLoop::StreamEvents events;
  size_t max_bytes = 0;
  int64_t deadline_ms = kNever, last_byte_ms = 0;
  std::unique_ptr<HttpEasy> easy;  // while curl has it
  bool cancelled = false;
  const Clock* clock = nullptr;

  std::mutex mutex;
  std::condition_variable finished;
  bool is_finished = false;

  bool OnBytes(std::string_view bytes) override {
    if (cancelled) return false;
    if (kind == Kind::kStream) {
      last_byte_ms = clock->SteadyMs();
      events.on_data(easy->status(), bytes);
      return !cancelled;
    }
    if (answer.body.size() + bytes.size() > max_bytes) return false;
    if (answer.body.empty()) {
      const int64_t length = easy->content_length();
      if (length > 0) answer.body.reserve(std::min(max_bytes, static_cast<size_t>(length)));
    }
    answer.body.append(bytes);
    return true;
  }

  void Deliver() {
    switch (kind) {
      case Kind::kFetch:
        return done(std::move(answer));
      case Kind::kStream:
        return events.on_end(std::move(answer));
      case Kind::kSend:
        break;
    }
    const std::lock_guard lock(mutex);
    is_finished = true;
    finished.notify_one();
  }
};

using TransferPtr = std::shared_ptr<Transfer>;

}  // namespace slipway::kube
