#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace slipway::kube {

enum class WatchPhase {
  kEmpty,      // the cache knows nothing
  kStreaming,  // an open watch brings all objects first
  kListing,    // some pages have arrived
  kListed,     // there is a resourceVersion to watch from
  kWatching,   // a watch is open
};

enum class WatchEnd {
  kClosed,   // by the server, in order
  kLost,     // a broken connection, or a line that is no event
  kSilent,   // no byte for too long; the connection may hang
  kGone,     // 410, in the status or in an ERROR event
  kMissing,  // 404: the server no longer serves the kind
  kRefused,  // the server refuses such a request
  kFailed,   // any other answer
};

// The next step of a watch's owner, after `delay_ms`.
struct WatchStep {
  enum class Do { kList, kStream, kWatch };
  Do what = Do::kList;
  int64_t delay_ms = 0;
  bool start_over = false;  // forget the pages so far
  bool commit = false;      // the pages are the whole list
  bool absent = false;      // the server does not serve the kind: an empty list
};

struct WatchTiming {
  int64_t backoff_ms = 800, backoff_cap_ms = 10'000;
  int64_t absent_ms = 10'000;
  int64_t healthy_ms = 5'000;  // a watch that lived so long, or brought an event, was good
};

// The life of one watch as a state machine, after kube-rs. It has no network, clock or cache.
//   Empty → Streaming → Watching(rv), if the server can stream all objects; else
//   Empty → Listing(page) → Listed(rv) → Watching(rv); dropped → Listed; 410 → Empty.
// The next watch follows a good one at once. Failures back off; a good watch resets the back-off.
class WatchMachine {
 public:
  // With `stream` it tries to stream first, until the server shows that it cannot.
  explicit WatchMachine(WatchTiming timing, bool stream = false)
      : timing_(timing), stream_(stream) {}

  WatchStep Start() const { return StartOver(0); }

  WatchStep OnPage(const std::string& resource_version, const std::string& next_page);
  WatchStep OnListFailed(const Error& error);

  void OnStreamStarted() { phase_ = WatchPhase::kStreaming; }

  // All objects of this version have come; the watch goes on.
  void OnStreamed(const std::string& resource_version, int64_t now_ms);
  void OnWatchStarted(int64_t now_ms);
  // An event or bookmark brought this version. False when the version is not new.
  bool OnProgress(const std::string& resource_version);
  WatchStep OnWatchEnded(WatchEnd end, int64_t now_ms, int64_t retry_after_ms = 0);

  WatchPhase phase() const { return phase_; }

  const std::string& resource_version() const { return resource_version_; }

  const std::string& page() const { return page_; }  // continue token, "" for the first

  int failures() const { return failures_; }

 private:
  int64_t Backoff(int64_t floor_ms);
  WatchStep StartOver(int64_t delay_ms) const;
  WatchStep OnStreamingEnded(WatchEnd end, int64_t retry_after_ms);

  const WatchTiming timing_;
  bool stream_;
  WatchPhase phase_ = WatchPhase::kEmpty;
  std::string resource_version_, page_;
  int failures_ = 0;
  int64_t started_ms_ = 0;
  bool progressed_ = false;
};

}  // namespace slipway::kube
