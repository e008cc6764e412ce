#include "kube/http_loop.h"

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <thread>
#include <unordered_map>

#include <curl/curl.h>

#include "base/clock.h"
#include "kube/http_pool.h"
#include "kube/poll_set.h"

namespace slipway::kube {
namespace {

constexpr int64_t kNever = Transfer::kNever;
constexpr int64_t kOpeningMs = 500;

}  // namespace

struct HttpLoop::Impl {
  using Kind = Transfer::Kind;
  using Pool = HttpPool;

  explicit Impl(HttpOptions o) : options(std::move(o)) {
    InitHttpLibrary();
    hooks = {[](void* user, int fd) { static_cast<PollSet*>(user)->Adopt(fd); },
             [](void* user, int fd) { static_cast<PollSet*>(user)->Forget(fd); }, &sockets};
    requests = NewPool(Kind::kFetch);
    streams = NewPool(Kind::kStream);
  }

  Pool* NewPool(Kind kind) { return &pools.emplace_back(options, kind, sockets, clock); }

  // A connection of the pool is silent, and curl would still use it. All further transfers get a
  // new pool together; transfers on the old connections may end there.
  void Leave(const Pool& pool) {
    Pool*& current = Current(pool.kind);
    if (current != &pool) return;
    Pool* next = NewPool(pool.kind);
    next->waiting.swap(current->waiting);
    current = next;
  }

  void DropEmptyPools() {
    pools.remove_if([this](const Pool& pool) {
      return pool.active == 0 && &pool != requests && &pool != streams;
    });
  }

  Pool*& Current(Kind kind) { return kind == Kind::kStream ? streams : requests; }

  // --- the loop ---

  void Run() {
    while (TakeWork()) {
      RunTimers();
      StartAll();
      DriveTimers();
      const auto& ready = sockets.Wait(PollMs());
      StayAwake();
      for (const PollSet::Ready& event : ready) Dispatch(event);
      ReapAll();
      DropEmptyPools();
    }
  }

  void StayAwake() {
    if (!announced_sleep) return;
    announced_sleep = false;
    const std::lock_guard lock(mutex);
    sleeping = false;
  }

  // False when the loop must end.
  bool TakeWork() {
    std::vector<std::function<void()>> run;
    {
      const std::lock_guard lock(mutex);
      if (stopping) return false;
      run.swap(tasks);
    }
    for (auto& task : run) task();
    return true;
  }

  void RunTimers() {
    const int64_t now = clock.SteadyMs();
    while (!timers.empty() && timers.begin()->first.first <= now) {
      const auto node = timers.extract(timers.begin());
      timer_deadlines.erase(node.key().second);
      node.mapped()();
    }
  }

  void StartAll() {
    Purge();
    while (!starting.empty()) {
      TransferPtr transfer = std::move(starting.front());
      starting.pop_front();
      Current(transfer->kind)->waiting.push_back(std::move(transfer));
    }
    for (Pool* pool : {requests, streams}) {
      while (pool->CanStart()) {
        TransferPtr next = std::move(pool->waiting.front());
        pool->waiting.pop_front();
        Start(*pool, std::move(next));
      }
    }
  }

  void Start(Pool& pool, TransferPtr transfer) {
    if (transfer->cancelled) return;
    const int64_t now = clock.SteadyMs();
    const int64_t left = transfer->deadline_ms == kNever ? 0 : transfer->deadline_ms - now;
    if (transfer->deadline_ms != kNever && left <= 0) {
      transfer->answer.outcome = HttpOutcome::kNotSent;
      transfer->answer.detail = "waited too long for a free connection";
      transfer->Deliver();
      return;
    }
    if (pool.idle.empty()) {
      transfer->easy = std::make_unique<HttpEasy>(options, &hooks);
    } else {
      transfer->easy = std::move(pool.idle.back());
      pool.idle.pop_back();
    }
    transfer->last_byte_ms = now;
    transfer->clock = &clock;
    transfer->easy->Prepare(transfer->request, left, transfer.get(), transfer.get());
    ++pool.active;
    transfer->pool = &pool;
    if (pool.opening_limit != SIZE_MAX) LimitOpening(pool, transfer);
    curl_multi_add_handle(pool.multi, transfer->easy->handle());
    if (transfer->kind == Transfer::Kind::kStream && transfer->request.idle_ms > 0)
      WatchIdle(transfer);
    const Id id = transfer->id;
    running.emplace(id, std::move(transfer));
  }

  // A server that delays its answer delays the others only for a moment.
  void LimitOpening(Pool& pool, const TransferPtr& transfer) {
    transfer->opening = &pool.opening;
    ++pool.opening;
    AddTimer(kOpeningMs, [weak = std::weak_ptr<Transfer>(transfer)] {
      if (const TransferPtr alive = weak.lock()) alive->Opened();
    });
  }

  void WatchIdle(const TransferPtr& transfer) {
    const int64_t left = transfer->last_byte_ms + transfer->request.idle_ms - clock.SteadyMs();
    AddTimer(std::max<int64_t>(left, 1), [this, weak = std::weak_ptr<Transfer>(transfer)] {
      const TransferPtr alive = weak.lock();
      if (!alive || alive->cancelled || !alive->easy) return;
      if (clock.SteadyMs() - alive->last_byte_ms < alive->request.idle_ms) return WatchIdle(alive);
      alive->answer.status = alive->easy->status();
      alive->answer.outcome = HttpOutcome::kTimeout;
      alive->answer.detail = "no byte for " + std::to_string(alive->request.idle_ms) + " ms";
      const TransferPtr owned = Release(alive->id);
      Leave(*static_cast<Pool*>(owned->pool));
      owned->Deliver();
    });
  }

  void DriveTimers() {
    for (Pool& pool : pools) {
      if (pool.timer_ms > clock.SteadyMs()) continue;
      pool.timer_ms = kNever;
      int still_running = 0;
      curl_multi_socket_action(pool.multi, CURL_SOCKET_TIMEOUT, 0, &still_running);
    }
    ReapAll();
  }

  void Dispatch(const PollSet::Ready& event) {
    if (!sockets.StillWanted(event)) return;
    int bits = 0;
    if ((event.events & PollSet::kRead) != 0) bits |= CURL_CSELECT_IN;
    if ((event.events & PollSet::kWrite) != 0) bits |= CURL_CSELECT_OUT;
    if ((event.events & PollSet::kFailed) != 0) bits |= CURL_CSELECT_ERR;
    int still_running = 0;
    curl_multi_socket_action(event.owner, event.fd, bits, &still_running);
  }

  void ReapAll() {
    for (Pool& pool : pools) {
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(pool.multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        void* owner = nullptr;
        const CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        auto* raw = static_cast<Transfer*>(owner);
        raw->easy->Finish(result, raw->answer);
        const TransferPtr transfer = Release(raw->id);
        if (transfer->answer.outcome == HttpOutcome::kTimeout) Leave(pool);
        if (!transfer->cancelled) transfer->Deliver();
      }
    }
    Purge();
  }

  // Takes a started transfer from curl and returns its handle to the pool.
  TransferPtr Release(Id id) {
    const auto it = running.find(id);
    TransferPtr transfer = std::move(it->second);
    running.erase(it);
    Pool& pool = *static_cast<Pool*>(transfer->pool);
    curl_multi_remove_handle(pool.multi, transfer->easy->handle());
    --pool.active;
    transfer->Opened();
    if (pool.idle.size() < 64) pool.idle.push_back(std::move(transfer->easy));
    transfer->easy.reset();
    return transfer;
  }

  // Removes cancelled transfers from curl here, never inside one of its callbacks.
  void Purge() {
    std::vector<Id> gone;
    gone.swap(doomed);
    for (const Id id : gone) {
      if (running.contains(id)) Release(id);
    }
  }

  int PollMs() {
    int64_t next = kNever;
    for (const Pool& pool : pools) next = std::min(next, pool.timer_ms);
    if (!timers.empty()) next = std::min(next, timers.begin()->first.first);
    const int64_t wait =
        next == kNever ? 60'000 : std::clamp<int64_t>(next - clock.SteadyMs(), 0, 60'000);
    if (wait == 0 || !starting.empty() || requests->CanStart() || streams->CanStart()) return 0;
    const std::lock_guard lock(mutex);
    if (!tasks.empty() || stopping) return 0;
    sleeping = announced_sleep = true;
    return static_cast<int>(wait);
  }

  // --- tasks, from any thread ---

  void Push(std::function<void()> task) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex);
      tasks.push_back(std::move(task));
      wake = sleeping;
      sleeping = false;
    }
    if (wake) sockets.Wake();
  }

  Id AddTimer(int64_t delay_ms, std::function<void()> task) {
    const Id id = next_id++;
    const int64_t at = clock.SteadyMs() + delay_ms;
    timers.emplace(std::make_pair(at, id), std::move(task));
    timer_deadlines.emplace(id, at);
    return id;
  }

  TransferPtr Make(HttpRequest request, Transfer::Kind kind) {
    auto transfer = std::make_shared<Transfer>();
    transfer->kind = kind;
    transfer->id = next_id++;
    transfer->max_bytes = options.max_response_bytes;
    if (request.timeout_ms > 0) transfer->deadline_ms = clock.SteadyMs() + request.timeout_ms;
    transfer->request = std::move(request);
    return transfer;
  }

  const HttpOptions options;
  // The network lives in real time, whatever clock the rest of the program has.
  const SystemClock clock;
  HttpEasy::SocketHooks hooks;
  PollSet sockets;
  std::list<Pool> pools;
  Pool *requests = nullptr, *streams = nullptr;  // for new transfers
  std::unordered_map<Id, TransferPtr> running;
  std::deque<TransferPtr> starting;
  std::vector<Id> doomed;
  std::map<std::pair<int64_t, Id>, std::function<void()>> timers;
  std::unordered_map<Id, int64_t> timer_deadlines;
  bool announced_sleep = false;
  Id next_id = 1;

  std::mutex mutex;  // guards the three below
  std::vector<std::function<void()>> tasks;
  bool sleeping = false, stopping = false;

  std::thread thread;
};

HttpLoop::HttpLoop(HttpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  // The main thread alone handles signals.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl_->thread = std::thread([this] { impl_->Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(impl_->thread.native_handle(), "kube");
}

HttpLoop::~HttpLoop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->sockets.Wake();
  impl_->thread.join();
  while (!impl_->running.empty()) impl_->Release(impl_->running.begin()->first);
}

void HttpLoop::Post(std::function<void()> task) {
  impl_->Push(std::move(task));
}

bool HttpLoop::on_loop_thread() const {
  return impl_->thread.get_id() == std::this_thread::get_id();
}

HttpLoop::Id HttpLoop::Fetch(HttpRequest request, Done done) {
  const TransferPtr transfer = impl_->Make(std::move(request), Transfer::Kind::kFetch);
  transfer->done = std::move(done);
  impl_->starting.push_back(transfer);
  return transfer->id;
}

HttpLoop::Id HttpLoop::Stream(HttpRequest request, StreamEvents events) {
  const TransferPtr transfer = impl_->Make(std::move(request), Transfer::Kind::kStream);
  transfer->events = std::move(events);
  impl_->starting.push_back(transfer);
  return transfer->id;
}

HttpLoop::Id HttpLoop::After(int64_t delay_ms, std::function<void()> task) {
  return impl_->AddTimer(delay_ms, std::move(task));
}

void HttpLoop::Cancel(Id id) {
  if (const auto it = impl_->timer_deadlines.find(id); it != impl_->timer_deadlines.end()) {
    impl_->timers.erase({it->second, id});
    impl_->timer_deadlines.erase(it);
    return;
  }
  if (const auto it = impl_->running.find(id); it != impl_->running.end()) {
    it->second->cancelled = true;
    impl_->doomed.push_back(id);
    return;
  }
  const auto mark = [id](auto& queue) {
    for (const TransferPtr& transfer : queue) {
      if (transfer->id == id) transfer->cancelled = true;
    }
  };
  mark(impl_->starting);
  mark(impl_->requests->waiting);
  mark(impl_->streams->waiting);
}

}  // namespace slipway::kube
