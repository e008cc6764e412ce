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

// One frame of server-sent events; `id` 0 leaves the reader's last event id as it is.
std::string SseFrame(const std::string& type, const Json& data, int64_t id);

// Whether a long poll need not wait any longer: the operation is over, or a person must act.
bool EndsWait(const store::OperationRecord& operation);

// Everyone who follows an operation: event streams and long polls. One thread serves them all: it
// sleeps until the store reports events or a heartbeat or deadline is due. Guarded by one mutex,
// which covers no reading and no writing; a subscriber's own fields belong to that thread.
class EventHub {
 public:
  // Where operations and events are read; called on the hub's thread.
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
  // Streams get a last event "goaway", long polls their answer. Idempotent.
  void Stop();

  // A place for one subscriber; false when all are taken or the hub is draining. Give it back with
  // Release unless it is used by Add….
  bool Reserve();
  void Release();
  // Sends the stored events after `after`, then new ones; "done" and the end when it is over.
  void AddStream(const std::string& operation_id, std::shared_ptr<http::Stream> stream,
                 int64_t after);
  // Answers once: when EndsWait, or at the deadline.
  void AddWaiter(const std::string& operation_id, int64_t deadline_steady_ms, Gone gone,
                 Answer answer);

  // Something of this operation was stored. Any thread, does not block.
  void Notify(const std::string& operation_id);
  // Ends all that is open: streams with an event of this type, long polls with their answer.
  void EndAll(const std::string& type);
  // EndAll("goaway"), and nobody new is let in.
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
