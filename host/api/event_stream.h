#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "http/server.h"
#include "store/records.h"

namespace slipway::api {

// One frame of server-sent events; `id` 0 keeps the reader's last event id.
std::string SseFrame(const std::string& type, const Json& data, int64_t id);

// True when a long poll may end: the operation is over, or a person must act.
bool EndsWait(const store::OperationRecord& operation);

// Serves the followers of operations: event streams and long polls. One thread serves them all. It
// sleeps until the store reports events or a heartbeat or deadline is due. One mutex guards the
// hub; it covers no read or write. A subscriber's own fields belong to that thread.
class EventHub {
 public:
  // Reads operations and events. Called on the hub's thread.
  struct Source {
    std::function<Result<store::OperationRecord>(const std::string& id)> operation;
    std::function<Result<std::vector<store::EventRecord>>(const std::string& id, int64_t after,
                                                          size_t limit)>
        events;
  };

  using Answer = std::function<void(const Result<store::OperationRecord>&)>;
  using Gone = std::function<bool()>;

  EventHub(Source source, const Clock& clock, int64_t heartbeat_ms, size_t max_subscribers);
  ~EventHub();  // Stop()
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  void Start();
  // Streams get a last event "goaway"; long polls get their answer. Idempotent.
  void Stop();

  // Reserves a place for one subscriber; false when all are taken or the hub is draining. Add… uses
  // the place; otherwise return it with Release.
  bool Reserve();
  void Release();
  // Sends the stored events after `after`, then new ones. When the operation is over, sends "done"
  // and ends.
  void AddStream(const std::string& operation_id, std::shared_ptr<http::Stream> stream,
                 int64_t after);
  // Answers once: when EndsWait is true, or at the deadline.
  void AddWaiter(const std::string& operation_id, int64_t deadline_steady_ms, Gone gone,
                 Answer answer);

  // Call it after a write for this operation. Any thread; does not block.
  void Notify(const std::string& operation_id);
  // Ends all subscribers: streams with an event of this type, long polls with their answer.
  void EndAll(const std::string& type);
  // EndAll("goaway"); then the hub takes no new subscriber.
  void SetDraining();
  size_t subscribers() const;

  // One round of the thread's work; returns the milliseconds until something is due. For tests.
  int64_t Poll();

 private:
  struct Subscriber;

  void Run();
  bool Serve(Subscriber& subscriber, bool changed, const std::string& ending);
  bool ServeStream(Subscriber& subscriber, bool changed, const std::string& ending);
  bool ServeWaiter(Subscriber& subscriber, bool changed, const std::string& ending);
  void Add(std::shared_ptr<Subscriber> subscriber);

  const Source source_;
  const Clock& clock_;
  const int64_t heartbeat_ms_;
  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<std::string, std::shared_ptr<Subscriber>> subscribers_;  // by operation
  std::set<std::string> changed_;
  std::string ending_;
  size_t taken_ = 0;
  bool draining_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace slipway::api
