#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "devcluster/object_store.h"
#include "devcluster/selectors.h"
#include "http/server.h"

namespace slipway::sim {

// A fault of one watch.
struct WatchFault {
  enum class Action { kDrop, kHalfLine, kGone };
  Action action = Action::kDrop;
  int64_t after_events = 0;  // 0: at once
};

struct WatchSpec {
  KindPtr kind;
  std::string ns;
  LabelSelector labels;
  FieldSelector fields;
  bool from_now = false;     // start with the present objects as ADDED events
  bool initial_end = false;  // a bookmark marks the end of the initial events
  uint64_t after = 0;        // otherwise: resume after this version
  bool bookmarks = false;
  int64_t timeout_ms = 0;
  // Appends an object in the form that the client asked for; empty when that is the object's text.
  std::function<void(const StoredObject&, std::string&)> render;
  std::optional<WatchFault> fault;
};

// Writes the events of every watch, from one thread of its own.
class WatchHub {
 public:
  WatchHub(ObjectStore& store, const Clock& clock, int64_t bookmark_ms);
  ~WatchHub();  // Stop()

  void Add(WatchSpec spec, std::shared_ptr<http::Stream> stream);
  // Cuts all connections, as a server does that goes away.
  void DropAll();
  // Ends all watches properly and joins the thread. Idempotent.
  void Stop();

  size_t watches() const { return count_; }

 private:
  struct Watch {
    WatchSpec spec;
    std::shared_ptr<http::Stream> stream;
    uint64_t after = 0;
    bool started = false;
    int64_t events = 0;
    int64_t ends_ms = 0, bookmark_ms = 0;
  };

  void Run();
  // False when the watch is over.
  bool Pump(Watch& watch, uint64_t seen);
  bool SendInitial(Watch& watch);
  bool SendChanges(Watch& watch, bool& drained);
  bool Send(Watch& watch, const char* type, const StoredObject& object);
  bool SendBookmark(Watch& watch, bool initial_end);
  void SendGone(Watch& watch, uint64_t oldest);
  bool Selected(const Watch& watch, const StoredObject& object) const;

  ObjectStore& store_;
  const Clock& clock_;
  const int64_t bookmark_interval_ms_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Watch>> incoming_;  // guarded by mutex_
  bool drop_all_ = false, stopping_ = false;      // guarded by mutex_
  std::vector<std::unique_ptr<Watch>> watches_;   // only the thread uses it
  std::atomic<size_t> count_ = 0;
  std::thread thread_;
};

}  // namespace slipway::sim
