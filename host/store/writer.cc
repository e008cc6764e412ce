#include "store/writer.h"

#include <algorithm>
#include <chrono>

#include "base/failpoint.h"

namespace slipway::store {
namespace {

constexpr size_t kQueueLimit = 4096;
constexpr size_t kGroupLimit = 256;
constexpr std::chrono::seconds kDeadline{60};

Error WriteFailed(const std::string& message) {
  return Error{Code::kUnavailable, "StoreWriteFailed", message}.Retryable();
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> db, const Clock& clock, Logger& log, Metrics& metrics)
    : db_(std::move(db)),
      clock_(clock),
      log_(log),
      writes_total_(metrics.GetCounter("slipway_store_commits_total", "Writes on the disk")),
      groups_total_(metrics.GetCounter("slipway_store_groups_total", "Transactions of writes")),
      failures_total_(
          metrics.GetCounter("slipway_store_failures_total", "Transactions that failed")),
      commit_seconds_(
          metrics.GetHistogram("slipway_store_commit_seconds", "Time of a transaction")),
      thread_([this] { Run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Result<void> Writer::Submit(std::function<Result<void>(Transaction&)> work) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  std::unique_lock lock(mutex_);
  if (stopping_ || queue_.size() >= kQueueLimit)
    return Error{Code::kUnavailable, "StoreBusy", "too many writes wait"}.Retryable();
  queue_.push_back(job);
  wake_.notify_one();
  if (!job->ended.wait_for(lock, kDeadline, [&] { return job->done; })) {
    if (job->started) return WriteFailed("the disk does not answer; the outcome is unknown");
    queue_.erase(std::find(queue_.begin(), queue_.end(), job));
    return Error{Code::kUnavailable, "StoreBusy", "the write waited too long"}.Retryable();
  }
  return std::move(job->result);
}

void Writer::OnEvents(std::function<void(const std::string&)> listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

Writer::Stats Writer::stats() const {
  const std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.queued = queue_.size();
  return stats;
}

void Writer::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const size_t size = std::min(queue_.size(), kGroupLimit);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(size);
    std::vector<std::shared_ptr<Job>> group(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
    for (const auto& job : group) job->started = true;
    lock.unlock();
    Transaction tx{*db_, clock_.NowMs(), {}};
    RunGroup(group, tx);
    lock.lock();
    const auto good = std::count_if(group.begin(), group.end(),
                                    [](const auto& job) { return static_cast<bool>(job->result); });
    if (good > 0) {
      stats_.writes += static_cast<uint64_t>(good);
      ++stats_.groups;
      writes_total_.Add(static_cast<double>(good));
      groups_total_.Add();
    }
    for (const auto& job : group) job->done = true;
    lock.unlock();
    for (const auto& job : group) job->ended.notify_one();
    Notify(std::move(tx.events_of));
    lock.lock();
  }
}

void Writer::RunGroup(const std::vector<std::shared_ptr<Job>>& group, Transaction& tx) {
  const int64_t began_ms = clock_.SteadyMs();
  auto outcome = Begin();
  bool any = false;
  for (const auto& job : group) {
    if (!outcome) break;
    job->result = RunOne(*job, tx);
    any = any || job->result;
    if (!db_->InTransaction())
      outcome = job->result ? WriteFailed("rolled back") : job->result.error();
  }
  if (outcome) {
    // A group without a good write changed nothing and is no boundary.
    if (any) SLIPWAY_FAILPOINT("store.commit.before");
    outcome = End();
    if (any && outcome) SLIPWAY_FAILPOINT("store.commit.after");
  }
  commit_seconds_.Observe(static_cast<double>(clock_.SteadyMs() - began_ms) / 1000);
  if (outcome) return;
  if (db_->InTransaction()) static_cast<void>(db_->Exec("ROLLBACK"));
  log_.Error("store.commit_failed", {{"reason", outcome.error().reason},
                                     {"message", outcome.error().message},
                                     {"writes", static_cast<int64_t>(group.size())}});
  failures_total_.Add();
  tx.events_of.clear();
  // A write that failed by its own guard has read rows that are gone now; it gets the same answer.
  for (const auto& job : group) job->result = WriteFailed(outcome.error().message);
}

Result<void> Writer::Begin() {
  TRY_VOID(db_->Run("BEGIN IMMEDIATE"));
  return {};
}

Result<void> Writer::RunOne(Job& job, Transaction& tx) {
  const size_t events = tx.events_of.size();
  TRY_VOID(db_->Run("SAVEPOINT one"));
  auto result = job.work(tx);
  if (!result) {
    tx.events_of.resize(events);
    if (!db_->InTransaction()) return result;
    TRY_VOID(db_->Run("ROLLBACK TO one"));
  }
  TRY_VOID(db_->Run("RELEASE one"));
  return result;
}

Result<void> Writer::End() {
  TRY_VOID(db_->Run("COMMIT"));
  return {};
}

void Writer::Notify(std::vector<std::string> operations) {
  std::sort(operations.begin(), operations.end());
  operations.erase(std::unique(operations.begin(), operations.end()), operations.end());
  const std::lock_guard lock(listener_mutex_);
  if (!listener_) return;
  for (const std::string& id : operations) listener_(id);
}

}  // namespace slipway::store
