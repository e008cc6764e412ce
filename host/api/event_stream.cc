#include "api/event_stream.h"

#include <algorithm>
#include <chrono>

#include "api/render.h"

namespace slipway::api {
namespace {

constexpr size_t kBatch = 200;
constexpr int64_t kNothingDueMs = 60'000;

}  // namespace

// A stream or a long poll.
struct EventHub::Subscriber {
  std::string operation_id;
  std::shared_ptr<http::Stream> stream;  // null: a long poll
  int64_t after = 0;
  int64_t due_ms = 0;  // next heartbeat, or the deadline
  Gone gone;
  Answer answer;
};

std::string SseFrame(const std::string& type, const Json& data, int64_t id) {
  std::string out;
  if (id > 0) out += "id: " + std::to_string(id) + "\n";
  return out + "event: " + type + "\ndata: " + data.Dump() + "\n\n";
}

bool EndsWait(const store::OperationRecord& operation) {
  return store::IsTerminal(operation.state) || operation.state == store::OperationState::kBlocked;
}

EventHub::EventHub(Source source, const Clock& clock, int64_t heartbeat_ms, size_t max_subscribers)
    : source_(std::move(source)),
      clock_(clock),
      heartbeat_ms_(heartbeat_ms),
      limit_(max_subscribers) {}

EventHub::~EventHub() {
  Stop();
}

void EventHub::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EventHub::Stop() {
  SetDraining();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  Poll();  // serves subscribers that were added meanwhile
}

bool EventHub::Reserve() {
  const std::lock_guard lock(mutex_);
  if (draining_ || taken_ >= limit_) return false;
  ++taken_;
  return true;
}

void EventHub::Release() {
  const std::lock_guard lock(mutex_);
  --taken_;
}

void EventHub::Add(std::shared_ptr<Subscriber> subscriber) {
  {
    const std::lock_guard lock(mutex_);
    // It may have missed an event since its first look.
    changed_.insert(subscriber->operation_id);
    if (draining_) ending_ = "goaway";
    std::string id = subscriber->operation_id;
    subscribers_.emplace(std::move(id), std::move(subscriber));
  }
  wake_.notify_all();
}

void EventHub::AddStream(const std::string& operation_id, std::shared_ptr<http::Stream> stream,
                         int64_t after) {
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->operation_id = operation_id;
  subscriber->stream = std::move(stream);
  subscriber->after = after;
  subscriber->due_ms = clock_.SteadyMs() + heartbeat_ms_;
  Add(std::move(subscriber));
}

void EventHub::AddWaiter(const std::string& operation_id, int64_t deadline_steady_ms, Gone gone,
                         Answer answer) {
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->operation_id = operation_id;
  subscriber->due_ms = deadline_steady_ms;
  subscriber->gone = std::move(gone);
  subscriber->answer = std::move(answer);
  Add(std::move(subscriber));
}

void EventHub::Notify(const std::string& operation_id) {
  {
    const std::lock_guard lock(mutex_);
    if (!subscribers_.contains(operation_id)) return;
    changed_.insert(operation_id);
  }
  wake_.notify_all();
}

void EventHub::EndAll(const std::string& type) {
  {
    const std::lock_guard lock(mutex_);
    ending_ = type;
  }
  wake_.notify_all();
}

void EventHub::SetDraining() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    ending_ = "goaway";
  }
  wake_.notify_all();
}

size_t EventHub::subscribers() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

int64_t EventHub::Poll() {
  std::vector<std::pair<std::shared_ptr<Subscriber>, bool>> work;
  std::string ending;
  const int64_t now = clock_.SteadyMs();
  {
    const std::lock_guard lock(mutex_);
    ending.swap(ending_);
    for (const auto& [id, subscriber] : subscribers_) {
      const bool changed = changed_.contains(id);
      if (changed || !ending.empty() || subscriber->due_ms <= now) {
        work.emplace_back(subscriber, changed);
      }
    }
    changed_.clear();
  }
  std::set<const Subscriber*> over;
  for (const auto& [subscriber, changed] : work) {
    if (!Serve(*subscriber, changed, ending)) over.insert(subscriber.get());
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [subscriber, changed] : work) {
    if (!over.contains(subscriber.get())) continue;
    const auto [from, to] = subscribers_.equal_range(subscriber->operation_id);
    const auto it =
        std::find_if(from, to, [&s = subscriber](const auto& e) { return e.second == s; });
    if (it != to) subscribers_.erase(it);
    --taken_;
  }
  if (!changed_.empty() || !ending_.empty()) return 0;
  int64_t due = now + kNothingDueMs;
  for (const auto& [id, subscriber] : subscribers_) due = std::min(due, subscriber->due_ms);
  return std::max<int64_t>(due - clock_.SteadyMs(), 0);
}

bool EventHub::Serve(Subscriber& subscriber, bool changed, const std::string& ending) {
  return subscriber.stream ? ServeStream(subscriber, changed, ending)
                           : ServeWaiter(subscriber, changed, ending);
}

bool EventHub::ServeStream(Subscriber& subscriber, bool changed, const std::string& ending) {
  http::Stream& stream = *subscriber.stream;
  if (stream.closed()) return false;
  const bool due = subscriber.due_ms <= clock_.SteadyMs();
  const int64_t before = subscriber.after;
  // Each heartbeat reads, too, so that a failed read loses no event. The operation comes first: if
  // it is over now, all its events are stored.
  if (changed || due) {
    const auto operation = source_.operation(subscriber.operation_id);
    while (operation) {
      const auto events = source_.events(subscriber.operation_id, subscriber.after, kBatch);
      if (!events) break;
      for (const auto& event : *events) {
        if (!stream.Write(SseFrame(event.type, RenderEvent(event), event.seq))) return false;
        subscriber.after = event.seq;
      }
      if (events->size() == kBatch) continue;
      if (!store::IsTerminal(operation->state)) break;
      stream.Write(SseFrame("done", RenderOperation(*operation), 0));
      stream.Close();
      return false;
    }
  }
  if (due && subscriber.after == before && !stream.Write(": hb\n\n")) return false;
  if (due || subscriber.after != before) subscriber.due_ms = clock_.SteadyMs() + heartbeat_ms_;
  if (ending.empty()) return true;
  stream.Write(SseFrame(ending, Json::MakeObject(), 0));
  stream.Close();
  return false;
}

bool EventHub::ServeWaiter(Subscriber& subscriber, bool changed, const std::string& ending) {
  if (subscriber.gone && subscriber.gone()) return false;
  const bool due = subscriber.due_ms <= clock_.SteadyMs() || !ending.empty();
  if (!changed && !due) return true;
  const auto operation = source_.operation(subscriber.operation_id);
  if (operation && !due && !EndsWait(*operation)) return true;
  subscriber.answer(operation);
  return false;
}

void EventHub::Run() {
  while (true) {
    const int64_t wait_ms = Poll();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    wake_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                   [this] { return stopping_ || !changed_.empty() || !ending_.empty(); });
    if (stopping_) return;
  }
}

}  // namespace slipway::api
