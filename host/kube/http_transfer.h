#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "kube/http_easy.h"
#include "kube/http_loop.h"

namespace slipway::kube {

// A transfer of the loop, from its submission to its answer. Only the loop's thread uses it.
struct Transfer final : HttpEasy::Sink {
  enum class Kind { kFetch, kStream };
  static constexpr int64_t kNever = INT64_MAX;

  Kind kind = Kind::kFetch;
  HttpLoop::Id id = 0;
  HttpRequest request;
  HttpAnswer answer;
  HttpLoop::Done done;
  HttpLoop::StreamEvents events;
  size_t max_bytes = 0;
  int64_t deadline_ms = kNever, last_byte_ms = 0;
  std::unique_ptr<HttpEasy> easy;  // while curl has it
  void* pool = nullptr;            // the loop's pool that it runs on
  size_t* opening = nullptr;       // the pool's count of transfers without an answer
  bool cancelled = false;
  bool head_told = false;  // the owner of a stream knows the status
  const Clock* clock = nullptr;

  bool OnBytes(std::string_view bytes) override {
    if (cancelled) return false;
    if (kind == Kind::kFetch) return easy->Collect(bytes, max_bytes, answer.body);
    last_byte_ms = clock->SteadyMs();
    events.on_data(easy->status(), bytes);
    return !cancelled;
  }

  void OnHead() override {
    Opened();
    if (kind != Kind::kStream || head_told || cancelled || easy->status() < 200) return;
    head_told = true;
    last_byte_ms = clock->SteadyMs();
    events.on_data(easy->status(), {});
  }

  void Opened() {
    if (opening != nullptr) --*opening;
    opening = nullptr;
  }

  void Deliver() {
    kind == Kind::kFetch ? done(std::move(answer)) : events.on_end(std::move(answer));
  }
};

using TransferPtr = std::shared_ptr<Transfer>;

}  // namespace slipway::kube
