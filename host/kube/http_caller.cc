#include "kube/http_caller.h"

#include <chrono>
#include <condition_variable>

#include "base/clock.h"
#include "kube/http_easy.h"

namespace slipway::kube {
namespace {

struct Collector final : HttpEasy::Sink {
  bool OnBytes(std::string_view bytes) override { return easy->Collect(bytes, max_bytes, body); }

  HttpEasy* easy = nullptr;
  size_t max_bytes = 0;
  std::string body;
};

HttpOptions OneAtATime(HttpOptions options) {
  options.multiplex = false;
  return options;
}

}  // namespace

// A waiting caller, on its own stack. A returned handle goes to it and not to a later caller, for a
// wake-up in vain costs as much as a request.
struct HttpCaller::Waiter {
  std::condition_variable given;
  std::unique_ptr<HttpEasy> easy;
};

HttpCaller::HttpCaller(HttpOptions options) : options_(OneAtATime(std::move(options))) {
  InitHttpLibrary();
  idle_.reserve(static_cast<size_t>(options_.max_connections));
}

HttpCaller::~HttpCaller() = default;

std::unique_ptr<HttpEasy> HttpCaller::Take(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  if (!idle_.empty()) {
    auto easy = std::move(idle_.back());
    idle_.pop_back();
    return easy;
  }
  if (made_ < options_.max_connections) {
    ++made_;
    lock.unlock();
    return std::make_unique<HttpEasy>(options_, nullptr);
  }
  Waiter self;
  waiting_.push_back(&self);
  const bool given = self.given.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                                         [&self] { return self.easy != nullptr; });
  if (!given) std::erase(waiting_, &self);
  return std::move(self.easy);
}

void HttpCaller::GiveBack(std::unique_ptr<HttpEasy> easy) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    idle_.push_back(std::move(easy));
    return;
  }
  Waiter* first = waiting_.front();
  waiting_.pop_front();
  first->easy = std::move(easy);
  first->given.notify_one();  // under the lock, for afterwards it may be gone
}

HttpAnswer HttpCaller::Send(const HttpRequest& request) {
  const SystemClock clock;
  const int64_t start = clock.SteadyMs();
  HttpAnswer answer;
  auto easy = Take(request.timeout_ms);
  const int64_t left = request.timeout_ms - (clock.SteadyMs() - start);
  if (!easy || left <= 0) {
    if (easy) GiveBack(std::move(easy));
    answer.outcome = HttpOutcome::kNotSent;
    answer.detail = "no connection became free in time";
    return answer;
  }
  Collector collector;
  collector.easy = easy.get();
  collector.max_bytes = options_.max_response_bytes;
  easy->Prepare(request, left, &collector, nullptr);
  easy->Finish(easy->Perform(), answer);
  answer.body = std::move(collector.body);
  GiveBack(std::move(easy));
  return answer;
}

}  // namespace slipway::kube
