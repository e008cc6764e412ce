#include "devcluster/watch_hub.h"

#include <algorithm>

#include "devcluster/go_decode.h"

namespace slipway::sim {

namespace {

constexpr size_t kBatch = 500;
constexpr int64_t kTickMs = 1000;  // how often we look for closed clients and ends, at least

std::string Line(const char* type, std::string_view object) {
  std::string out;
  out.reserve(object.size() + 40);
  out.append("{\"type\":\"").append(type).append("\",\"object\":").append(object).append("}\n");
  return out;
}

}  // namespace

WatchHub::WatchHub(ObjectStore& store, const Clock& clock, int64_t bookmark_ms)
    : store_(store),
      clock_(clock),
      bookmark_interval_ms_(bookmark_ms),
      thread_([this] { Run(); }) {}

WatchHub::~WatchHub() {
  Stop();
}

void WatchHub::Add(WatchSpec spec, std::shared_ptr<http::Stream> stream) {
  auto watch = std::make_unique<Watch>();
  const int64_t now = clock_.SteadyMs();
  watch->after = spec.after;
  watch->ends_ms = now + spec.timeout_ms;
  watch->bookmark_ms = now + bookmark_interval_ms_;
  watch->spec = std::move(spec);
  watch->stream = std::move(stream);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      watch->stream->Close();
      return;
    }
    incoming_.push_back(std::move(watch));
  }
  store_.Wake();
}

void WatchHub::DropAll() {
  {
    const std::lock_guard lock(mutex_);
    drop_all_ = true;
  }
  store_.Wake();
}

void WatchHub::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  store_.Wake();
  if (thread_.joinable()) thread_.join();
}

void WatchHub::Run() {
  while (true) {
    // Read the version before the changes, so that everything a bookmark promises has been sent.
    const uint64_t seen = store_.version();
    bool stopping = false, drop_all = false;
    {
      const std::lock_guard lock(mutex_);
      for (auto& watch : incoming_) watches_.push_back(std::move(watch));
      incoming_.clear();
      stopping = stopping_;
      drop_all = std::exchange(drop_all_, false);
    }
    std::erase_if(watches_, [&](const std::unique_ptr<Watch>& watch) {
      if (drop_all) watch->stream->Abort();
      if (stopping) watch->stream->Close();
      return stopping || drop_all || !Pump(*watch, seen);
    });
    count_ = watches_.size();
    if (stopping) return;
    int64_t next = clock_.SteadyMs() + kTickMs;
    for (const auto& watch : watches_) next = std::min({next, watch->ends_ms, watch->bookmark_ms});
    const int64_t wait = std::max<int64_t>(1, next - clock_.SteadyMs());
    store_.WaitBeyond(seen, std::chrono::milliseconds(wait));
  }
}

bool WatchHub::Selected(const Watch& watch, const StoredObject& object) const {
  return (watch.spec.ns.empty() || object.ns == watch.spec.ns) &&
         watch.spec.labels.Matches(object.labels) && watch.spec.fields.Matches(object.fields);
}

bool WatchHub::Pump(Watch& watch, uint64_t seen) {
  if (watch.stream->closed()) return false;
  if (!watch.started) {
    watch.started = true;
    if (watch.spec.fault && watch.spec.fault->action == WatchFault::Action::kGone) {
      SendGone(watch, store_.version());
      return false;
    }
    if (watch.spec.fault && watch.spec.fault->action == WatchFault::Action::kDrop &&
        watch.spec.fault->after_events == 0) {
      watch.stream->Abort();
      return false;
    }
    if (watch.spec.from_now && !SendInitial(watch)) return false;
  }
  bool drained = true;
  if (!SendChanges(watch, drained)) return false;
  const int64_t now = clock_.SteadyMs();
  if (drained) watch.after = std::max(watch.after, seen);
  if (now >= watch.ends_ms) {
    watch.stream->Close();
    return false;
  }
  if (now < watch.bookmark_ms) return true;
  watch.bookmark_ms = now + bookmark_interval_ms_;
  return !watch.spec.bookmarks || !drained || SendBookmark(watch, false);
}

bool WatchHub::SendInitial(Watch& watch) {
  const ObjectStore::Page page = store_.List(watch.spec.kind->collection(), watch.spec.ns, "", 0);
  watch.after = page.version;
  for (const ObjectPtr& object : page.items)
    if (Selected(watch, *object) && !Send(watch, "ADDED", *object)) return false;
  return !watch.spec.initial_end || SendBookmark(watch, true);
}

bool WatchHub::SendChanges(Watch& watch, bool& drained) {
  while (true) {
    std::vector<StoreEvent> events;
    uint64_t oldest = 0;
    if (!store_.EventsAfter(watch.spec.kind->collection(), watch.after, kBatch, events, oldest)) {
      SendGone(watch, oldest);
      return false;
    }
    for (const StoreEvent& event : events) {
      watch.after = event.object->version;
      const bool was = event.previous != nullptr && Selected(watch, *event.previous);
      const bool is = event.type != EventType::kDeleted && Selected(watch, *event.object);
      if (!was && !is) continue;
      // An object that is no longer selected goes in the state in which it was last seen.
      if (!is && event.type != EventType::kDeleted) {
        const auto seen = CopyForVersion(*event.previous);
        SetVersion(*seen, event.object->version);
        if (!Send(watch, "DELETED", *seen)) return false;
        continue;
      }
      if (!Send(watch, !is ? "DELETED" : was ? "MODIFIED" : "ADDED", *event.object)) return false;
    }
    if (events.size() < kBatch) break;
  }
  drained = true;
  return true;
}

bool WatchHub::Send(Watch& watch, const char* type, const StoredObject& object) {
  std::string line;
  if (watch.spec.render) {
    std::string text;
    watch.spec.render(object, text);
    line = Line(type, text);
  } else {
    line = Line(type, object.text);
  }
  const auto& fault = watch.spec.fault;
  if (fault && watch.events++ >= fault->after_events) {
    if (fault->action == WatchFault::Action::kHalfLine)
      watch.stream->Write(std::string_view(line).substr(0, line.size() / 2));
    watch.stream->Abort();
    return false;
  }
  return watch.stream->Write(line);
}

bool WatchHub::SendBookmark(Watch& watch, bool initial_end) {
  Json metadata = Json::Obj({{"resourceVersion", std::to_string(watch.after)}});
  if (initial_end) metadata.Set("annotations", Json::Obj({{"k8s.io/initial-events-end", "true"}}));
  Json object = Json::Obj({{"kind", watch.spec.kind->kind},
                           {"apiVersion", watch.spec.kind->api_version()},
                           {"metadata", std::move(metadata)}});
  if (!watch.spec.kind->custom) DecodeAsGo(*watch.spec.kind->schema, object);
  return watch.stream->Write(Line("BOOKMARK", object.Dump()));
}

void WatchHub::SendGone(Watch& watch, uint64_t oldest) {
  const Failure gone = Expired("too old resource version: " + std::to_string(watch.after) + " (" +
                               std::to_string(oldest) + ")");
  watch.stream->Write(Line("ERROR", gone.ToStatus().Dump()));
  watch.stream->Close();
}

}  // namespace slipway::sim
