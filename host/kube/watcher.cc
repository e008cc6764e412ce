#include "kube/watcher.h"

#include <condition_variable>

#include "base/backoff.h"
#include "kube/paths.h"

namespace slipway::kube {
namespace {

constexpr size_t kMaxLine = 64u << 20;

WatchTiming TimingOf(const ClientOptions& options) {
  return {options.watch_backoff_ms, options.watch_backoff_cap_ms, options.absent_retry_ms};
}

}  // namespace

Watcher::Watcher(WatchContext context, InformerSpec spec, Informer::OnChange on_change)
    : context_(context),
      spec_(std::move(spec)),
      decoder_(spec_),
      what_("watch of " + spec_.kind),
      on_change_(std::move(on_change)),
      machine_(TimingOf(context_.options), context_.options.watch_streams) {
  const Metrics::Labels labels{{"kind", spec_.kind}};
  events_ = context_.metrics.GetCounter("slipway_kube_watch_events_total", "Watch events taken in.",
                                        labels);
  lists_ = context_.metrics.GetCounter("slipway_kube_lists_total",
                                       "Full lists that watches have read.", labels);
  failures_ = context_.metrics.GetCounter("slipway_kube_watch_failures_total",
                                          "Lists and watches that failed.", labels);
}

void Watcher::Start() {
  context_.loop.Post([self = shared_from_this()] {
    if (!self->stopped_) self->Run(self->machine_.Start());
  });
}

void Watcher::StopNow() {
  stopped_ = true;
  context_.loop.Cancel(pending_);
  pending_ = 0;
}

void Watcher::Stop() {
  if (context_.loop.on_loop_thread()) return StopNow();
  std::mutex mutex;
  std::condition_variable done;
  bool stopped = false;
  context_.loop.Post([&, self = shared_from_this()] {
    self->StopNow();
    const std::lock_guard lock(mutex);
    stopped = true;
    done.notify_one();
  });
  // Without a deadline: an early return would break the promise. The loop never blocks.
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return stopped; });
}

void Watcher::Run(WatchStep step) {
  pending_ = 0;
  if (step.start_over) pages_.clear();
  if (step.commit || step.absent) {
    served_ = !step.absent;
    Commit();
    if (stopped_) return;
  }
  if (step.delay_ms <= 0) return Act(step);
  pending_ =
      context_.loop.After(step.delay_ms, [self = shared_from_this(), step] { self->Act(step); });
}

void Watcher::Act(WatchStep step) {
  pending_ = 0;
  auth_ = context_.credentials.Peek();
  auth_ ? Begin(step) : RenewCredentials(step);
}

void Watcher::Begin(WatchStep step) {
  if (machine_.phase() == WatchPhase::kEmpty && !resource_known_) return Discover(step);
  step.what == WatchStep::Do::kList ? FetchPage() : OpenWatch(step);
}

// A plugin takes up to half a minute, so it runs on another thread.
void Watcher::RenewCredentials(WatchStep step) {
  const bool posted = context_.plugin_runner->Post([self = shared_from_this(), step] {
    auto got = self->context_.credentials.Get();
    self->context_.loop.Post([self, step, got = std::move(got)] {
      if (self->stopped_) return;
      if (got) {
        self->auth_ = *got;
        return self->Begin(step);
      }
      if (step.what != WatchStep::Do::kWatch) return self->ListFailed(got.error());
      self->EndWatch(WatchEnd::kFailed, got.error());
    });
  });
  if (!posted)
    ListFailed(
        Error{Code::kUnavailable, "PluginBusy", "too many requests wait for the exec plugin"});
}

HttpRequest Watcher::MakeRequest(std::string path, int64_t timeout_ms) const {
  HttpRequest request;
  request.path = std::move(path);
  request.timeout_ms = timeout_ms;
  request.auth = auth_;
  return request;
}

void Watcher::Note(const HttpAnswer& answer) {
  context_.warnings.Note(answer.warnings);
  if (answer.status == 401 || answer.outcome == HttpOutcome::kTls)
    context_.credentials.Reject(auth_);
}

void Watcher::Discover(WatchStep step) {
  if (auto known = context_.discovery.Find(spec_.api_version, spec_.kind)) {
    resource_ = *std::move(known);
    resource_known_ = true;
    return Begin(step);
  }
  FetchDiscovery([self = shared_from_this(), step](const Result<void>& taken) {
    taken ? self->Begin(step) : self->ListFailed(taken.error());
  });
}

void Watcher::FetchDiscovery(std::function<void(const Result<void>&)> then) {
  pending_ = context_.loop.Fetch(
      MakeRequest(GroupPath(spec_.api_version), context_.options.request_timeout_ms),
      [self = shared_from_this(), then = std::move(then)](const HttpAnswer& answer) {
        self->pending_ = 0;
        self->Note(answer);
        then(self->TakeDiscovery(answer));
      });
}

Result<void> Watcher::TakeDiscovery(const HttpAnswer& answer) {
  DiscoveryCache& cache = context_.discovery;
  if (answer.outcome != HttpOutcome::kAnswered) return TransferError(answer, what_);
  if (answer.status == 404) return KindNotFound(spec_.api_version, spec_.kind);
  if (answer.status >= 300)
    return StatusError(Verb::kGet, answer.status, answer.body, what_, answer.retry_after_ms);
  TRY(const Json list, Json::Parse(answer.body));
  cache.Store(spec_.api_version, list, steady_.SteadyMs());
  TRY(resource_, cache.Find(spec_.api_version, spec_.kind));
  resource_known_ = true;
  return {};
}

void Watcher::FetchPage() {
  Query query(CollectionPath(resource_, spec_.ns));
  query.Add("labelSelector", spec_.label_selector);
  query.Add("limit", std::to_string(context_.options.page_size));
  query.Add("continue", machine_.page());
  pending_ = context_.loop.Fetch(
      MakeRequest(query.Take(), context_.options.total_timeout_ms),
      [self = shared_from_this()](const HttpAnswer& answer) { self->OnPage(answer); });
}

void Watcher::OnPage(const HttpAnswer& answer) {
  pending_ = 0;
  Note(answer);
  if (answer.outcome != HttpOutcome::kAnswered) return ListFailed(TransferError(answer, what_));
  if (answer.status != 200)
    return ListFailed(
        StatusError(Verb::kList, answer.status, answer.body, what_, answer.retry_after_ms));
  auto page = decoder_.Page(answer.body);
  if (!page) return ListFailed(page.error());
  std::move(page->objects.begin(), page->objects.end(), std::back_inserter(pages_));
  Run(machine_.OnPage(page->resource_version, page->next_page));
}

void Watcher::ListFailed(const Error& error) {
  if (error.code == Code::kNotFound) return AskWhetherReady();
  Report(error);
  NoteTrouble(&error);
  Run(machine_.OnListFailed(error));
}

// A proxy may answer 404 to everything. We believe that a kind is not served only when the server
// is ready and says so again afterwards; otherwise all known objects would count as deleted.
void Watcher::AskWhetherReady() {
  resource_known_ = false;
  context_.discovery.Forget(spec_.api_version);
  pending_ = context_.loop.Fetch(
      MakeRequest("/readyz", context_.options.request_timeout_ms),
      [self = shared_from_this()](const HttpAnswer& answer) {
        self->pending_ = 0;
        self->Note(answer);
        const bool ready = answer.outcome == HttpOutcome::kAnswered && answer.status == 200;
        if (!ready) return self->ListFailed(self->NotBelieved());
        self->FetchDiscovery([self](const Result<void>& taken) {
          if (taken || taken.error().code != Code::kNotFound)
            return self->ListFailed(taken ? self->NotBelieved() : taken.error());
          self->NoteTrouble(&taken.error());
          self->Run(self->machine_.OnListFailed(taken.error()));
        });
      });
}

Error Watcher::NotBelieved() const {
  return {Code::kUnavailable, "NotFound",
          what_ + ": 404, but not from an API server that is ready"};
}

void Watcher::Commit() {
  store_.Replace(std::move(pages_), deltas_);
  pages_.clear();
  synced_ = true;
  if (served_) {
    lists_.Add();
    reported_.clear();
  }
  NoteTrouble(nullptr);
  Deliver();
}

void Watcher::OpenWatch(WatchStep step) {
  const int64_t seconds = context_.options.watch_timeout_s;
  Query query(CollectionPath(resource_, spec_.ns));
  query.Add("watch", "true").Add("allowWatchBookmarks", "true");
  query.Add("labelSelector", spec_.label_selector);
  query.Add("timeoutSeconds", std::to_string(seconds - Jitter(seconds / 10 + 1)));
  if (step.what == WatchStep::Do::kStream) {
    // Without a version the server gives the present state, not that of a cache.
    query.Add("sendInitialEvents", "true").Add("resourceVersionMatch", "NotOlderThan");
    machine_.OnStreamStarted();
  } else {
    query.Add("resourceVersion", machine_.resource_version());
    machine_.OnWatchStarted(steady_.SteadyMs());
  }
  HttpRequest request = MakeRequest(query.Take(), 0);
  request.idle_ms = context_.options.watch_idle_ms;
  partial_.clear();
  error_body_.clear();
  const auto self = shared_from_this();
  pending_ = context_.loop.Stream(
      std::move(request),
      {[self](int status, std::string_view bytes) { self->OnBytes(status, bytes); },
       [self](const HttpAnswer& answer) { self->OnStreamEnd(answer); }});
}

void Watcher::OnBytes(int status, std::string_view bytes) {
  if (status != 200) {
    if (error_body_.size() < 65'536) error_body_.append(bytes);
    return;
  }
  NoteTrouble(nullptr);
  // Reads whole lines in place and keeps only the rest of the last one.
  const HttpLoop::Id mine = pending_;
  while (pending_ == mine) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    if (partial_.empty()) {
      OnLine(bytes.substr(0, end));
    } else {
      partial_.append(bytes.substr(0, end));
      const std::string line = std::move(partial_);
      partial_.clear();
      OnLine(line);
    }
    bytes.remove_prefix(end + 1);
  }
  if (pending_ != mine) return;
  if (partial_.size() + bytes.size() > kMaxLine) {
    return EndWatch(WatchEnd::kLost,
                    {Code::kExhausted, "LineTooLong", what_ + ": a line exceeds the limit"});
  }
  partial_.append(bytes);
}

void Watcher::OnLine(std::string_view line) {
  if (line.empty()) return;
  auto event = decoder_.Line(line);
  if (!event) return EndWatch(WatchEnd::kLost, event.error());
  const bool failed = event->type == WatchEvent::Type::kError;
  if (machine_.phase() == WatchPhase::kStreaming && !failed) return OnInitialEvent(*event);
  switch (event->type) {
    case WatchEvent::Type::kError:
      return EndWatch(event->error.code == Code::kGone ? WatchEnd::kGone : WatchEnd::kFailed,
                      event->error);
    case WatchEvent::Type::kBookmark:
      break;
    case WatchEvent::Type::kChanged:
      store_.Put(std::move(event->object), deltas_);
      break;
    case WatchEvent::Type::kDeleted:
      store_.Remove(event->object, deltas_);
      break;
  }
  events_.Add();
  machine_.OnProgress(event->resource_version);
  Deliver();
}

// Readers keep the old objects until all new ones have come.
void Watcher::OnInitialEvent(WatchEvent& event) {
  events_.Add();
  if (event.type == WatchEvent::Type::kChanged) return pages_.push_back(std::move(event.object));
  if (event.type == WatchEvent::Type::kDeleted) {
    std::erase_if(pages_, [&](const auto& object) { return object->ref == event.object->ref; });
    return;
  }
  if (!event.initial_end) return;
  machine_.OnStreamed(event.resource_version, steady_.SteadyMs());
  served_ = true;
  Commit();
}

void Watcher::OnStreamEnd(const HttpAnswer& answer) {
  pending_ = 0;
  Note(answer);
  if (answer.outcome == HttpOutcome::kTimeout)
    return EndWatch(WatchEnd::kSilent, TransferError(answer, what_));
  if (answer.outcome != HttpOutcome::kAnswered)
    return EndWatch(WatchEnd::kLost, TransferError(answer, what_));
  if (answer.status == 200) return EndWatch(WatchEnd::kClosed, {});
  const Error error =
      StatusError(Verb::kList, answer.status, error_body_, what_, answer.retry_after_ms);
  const WatchEnd end = error.code == Code::kGone       ? WatchEnd::kGone
                       : error.code == Code::kNotFound ? WatchEnd::kMissing
                       : error.code == Code::kInvalid || error.code == Code::kUnsupported
                           ? WatchEnd::kRefused
                           : WatchEnd::kFailed;
  EndWatch(end, error);
}

void Watcher::EndWatch(WatchEnd end, const Error& why) {
  context_.loop.Cancel(pending_);
  pending_ = 0;
  partial_.clear();
  const WatchStep step = machine_.OnWatchEnded(end, steady_.SteadyMs(), why.retry_after_ms);
  if (end == WatchEnd::kMissing) resource_known_ = false;
  // One broken connection is common; several in a row are not.
  if (end != WatchEnd::kClosed && end != WatchEnd::kGone && machine_.failures() > 1) Report(why);
  if (end == WatchEnd::kFailed || end == WatchEnd::kLost || end == WatchEnd::kSilent)
    NoteTrouble(&why);
  Run(step);
}

void Watcher::Deliver() {
  std::vector<ObjectStore::Delta> changes;
  changes.swap(deltas_);
  for (const auto& [change, object] : changes) {
    if (stopped_) return;
    if (on_change_) on_change_(change, object);
  }
  if (changes.capacity() < 64 && deltas_.empty()) {
    changes.clear();
    deltas_ = std::move(changes);  // the next event reuses its memory
  }
}

// Null when the server serves the kind.
void Watcher::NoteTrouble(const Error* why) {
  if (why == nullptr && !troubled_) return;
  const std::lock_guard lock(trouble_mutex_);
  if (why != nullptr && !troubled_) troubled_since_ms_ = steady_.SteadyMs();
  troubled_ = why != nullptr;
  trouble_ = why != nullptr ? *why : Error();
}

std::optional<Error> Watcher::trouble() const {
  if (!troubled_) return std::nullopt;
  const std::lock_guard lock(trouble_mutex_);
  if (trouble_.code == Code::kForbidden || trouble_.code == Code::kUnauthenticated) return trouble_;
  // Watches break and come back every day.
  if (steady_.SteadyMs() - troubled_since_ms_ < context_.options.watch_stale_ms)
    return std::nullopt;
  return Error{Code::kUnavailable, trouble_.reason, trouble_.message};
}

void Watcher::Report(const Error& error) {
  failures_.Add();
  const std::string key = error.reason + error.message;
  if (key == reported_) return;
  reported_ = key;
  context_.log.Warn("kube.watch_failed",
                    {{"kind", spec_.kind}, {"reason", error.reason}, {"message", error.message}});
}

}  // namespace slipway::kube
