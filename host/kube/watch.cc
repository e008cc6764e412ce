#include "kube/watch.h"

#include "base/backoff.h"

namespace slipway::kube {

int64_t WatchMachine::Backoff(int64_t floor_ms) {
  return BackoffMs({timing_.backoff_ms, timing_.backoff_cap_ms}, failures_++, floor_ms);
}

WatchStep WatchMachine::StartOver(int64_t delay_ms) const {
  return {.what = stream_ ? WatchStep::Do::kStream : WatchStep::Do::kList,
          .delay_ms = delay_ms,
          .start_over = true};
}

WatchStep WatchMachine::OnPage(const std::string& resource_version, const std::string& next_page) {
  page_ = next_page;
  if (!next_page.empty()) {
    phase_ = WatchPhase::kListing;
    return {};
  }
  phase_ = WatchPhase::kListed;
  resource_version_ = resource_version;
  return {.what = WatchStep::Do::kWatch, .commit = true};
}

WatchStep WatchMachine::OnListFailed(const Error& error) {
  if (error.code == Code::kNotFound) {
    phase_ = WatchPhase::kEmpty;
    page_.clear();
    failures_ = 0;
    const int64_t spread = timing_.absent_ms / 4;
    WatchStep step = StartOver(timing_.absent_ms - spread / 2 + Jitter(spread + 1));
    step.absent = true;
    return step;
  }
  // After a temporary failure ask for the same page again; an expired token starts the list over.
  const bool start_over = error.code == Code::kGone || page_.empty();
  const bool at_once = error.code == Code::kGone && failures_ == 0;
  if (start_over) {
    phase_ = WatchPhase::kEmpty;
    page_.clear();
  }
  int64_t delay = Backoff(error.retry_after_ms);
  if (at_once) delay = 0;
  return start_over ? StartOver(delay) : WatchStep{.delay_ms = delay};
}

void WatchMachine::OnStreamed(const std::string& resource_version, int64_t now_ms) {
  OnWatchStarted(now_ms);
  OnProgress(resource_version);
}

WatchStep WatchMachine::OnStreamingEnded(WatchEnd end, int64_t retry_after_ms) {
  phase_ = WatchPhase::kEmpty;
  // A server without streaming refuses the request, or it opens a common watch and never sends the
  // bookmark that ends the initial objects.
  const bool cannot =
      end == WatchEnd::kRefused || end == WatchEnd::kClosed || end == WatchEnd::kSilent;
  if (cannot) stream_ = false;
  return StartOver(cannot ? 0 : Backoff(retry_after_ms));
}

void WatchMachine::OnWatchStarted(int64_t now_ms) {
  phase_ = WatchPhase::kWatching;
  started_ms_ = now_ms;
  progressed_ = false;
}

bool WatchMachine::OnProgress(const std::string& resource_version) {
  if (resource_version.empty() || resource_version == resource_version_) return false;
  resource_version_ = resource_version;
  progressed_ = true;
  return true;
}

WatchStep WatchMachine::OnWatchEnded(WatchEnd end, int64_t now_ms, int64_t retry_after_ms) {
  if (phase_ == WatchPhase::kStreaming) return OnStreamingEnded(end, retry_after_ms);
  const bool good = progressed_ || now_ms - started_ms_ >= timing_.healthy_ms;
  if (good) failures_ = 0;
  WatchStep step{.what = WatchStep::Do::kWatch};
  bool at_once = good && retry_after_ms == 0;
  phase_ = WatchPhase::kListed;
  switch (end) {
    case WatchEnd::kClosed:
    case WatchEnd::kLost:
    case WatchEnd::kSilent:
      break;
    case WatchEnd::kRefused:
    case WatchEnd::kFailed:
      at_once = false;
      break;
    case WatchEnd::kGone:
      // The first relist is due now; further ones wait, for a server may forget at once every time.
      at_once = failures_ == 0;
      if (at_once) ++failures_;
      [[fallthrough]];
    case WatchEnd::kMissing:
      phase_ = WatchPhase::kEmpty;
      resource_version_.clear();
      page_.clear();
      step = StartOver(0);
      break;
  }
  step.delay_ms = at_once ? 0 : Backoff(retry_after_ms);
  return step;
}

}  // namespace slipway::kube
