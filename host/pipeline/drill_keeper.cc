#include "pipeline/drill_keeper.h"

#include <chrono>

#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr std::chrono::seconds kPause{30};
constexpr int64_t kDayMs = 86'400'000, kHourMs = 3'600'000;

}  // namespace

DrillKeeper::DrillKeeper(const std::vector<BackupStore>& stores, const store::Store& store,
                         StartDrill start, const Clock& clock, Logger& log, Metrics& metrics)
    : store_(store), start_(std::move(start)), clock_(clock), log_(log) {
  for (const BackupStore& one : stores) query_.store_days.emplace_back(one.name, one.drill_days);
  query_.verbs = VerbsWith(&VerbPolicy::is_drill);
  query_.retry_ms = kDayMs;
  overdue_ = metrics.GetGauge("slipway_restore_drills_overdue",
                              "Instances without a good restore drill for twice the time that lies "
                              "between two of them.");
}

DrillKeeper::~DrillKeeper() {
  Stop();
}

void DrillKeeper::Start() {
  thread_ = std::thread([this] { Run(); });
}

void DrillKeeper::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DrillKeeper::Run() {
  while (!stopping_) {
    Round();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kPause, [this] { return stopping_.load(); });
  }
}

void DrillKeeper::Round() {
  const int64_t steady = clock_.SteadyMs();
  std::erase_if(put_off_, [&](const auto& entry) { return entry.second <= steady; });
  query_.now_ms = clock_.NowMs();
  query_.except.clear();
  for (const auto& [instance, until] : put_off_) query_.except.push_back(instance);
  int64_t overdue = 0;
  const auto due = store_.DrillsDue(query_, overdue);
  if (!due) {
    log_.Error("store.read_failed", {{"reason", due.error().message}});
    return;
  }
  overdue_.Set(static_cast<double>(overdue));
  for (const store::InstanceRecord& source : *due) {
    if (stopping_) return;
    const auto started = start_(source);
    if (started) continue;
    if (started.error().code == Code::kExhausted) return;
    log_.Warn("drill.refused", {{"instance", source.id},
                                {"reason", started.error().reason},
                                {"message", started.error().message}});
    put_off_[source.id] = steady + kHourMs;
  }
}

}  // namespace slipway::pipeline
