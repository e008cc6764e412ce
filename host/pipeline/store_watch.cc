#include "pipeline/store_watch.h"

#include <algorithm>
#include <chrono>

namespace slipway::pipeline {
namespace {

constexpr std::chrono::seconds kWell{300}, kUnwell{30};

Result<void> ProbeStore(const BackupStore& store, const std::atomic<bool>& cancelled) {
  TRY(const auto opened, OpenStore(store, {.call_ms = 10'000, .cancelled = &cancelled}));
  return bucket::Probe(*opened);
}

}  // namespace

StoreWatch::StoreWatch(std::vector<BackupStore> stores, Logger& log, Metrics& metrics) : log_(log) {
  for (BackupStore& store : stores) {
    const auto usable =
        metrics.GetGauge("slipway_backup_store_usable",
                         "1: the host could put, read, list and delete an object in the store.",
                         {{"store", store.name}});
    State state{store.name, {}};
    watched_.push_back({std::move(store), std::move(state), usable});
  }
}

StoreWatch::~StoreWatch() {
  Stop();
}

void StoreWatch::Start() {
  if (!watched_.empty()) thread_ = std::thread([this] { Run(); });
}

void StoreWatch::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::vector<StoreWatch::State> StoreWatch::States() const {
  const std::lock_guard lock(mutex_);
  std::vector<State> out;
  for (const Watched& watched : watched_) out.push_back(watched.state);
  return out;
}

void StoreWatch::Run() {
  while (!stopping_) {
    for (Watched& watched : watched_) Try(watched);
    std::unique_lock lock(mutex_);
    const bool well = std::none_of(watched_.begin(), watched_.end(),
                                   [](const Watched& w) { return w.state.error.has_value(); });
    wake_.wait_for(lock, well ? kWell : kUnwell, [this] { return stopping_.load(); });
  }
}

void StoreWatch::Try(Watched& watched) {
  const auto probed = ProbeStore(watched.store, stopping_);
  if (stopping_) return;
  std::optional<Error> error;
  if (!probed) error = probed.error();
  watched.usable.Set(probed ? 1 : 0);
  const std::lock_guard lock(mutex_);
  const std::string before = watched.state.error ? watched.state.error->reason : "";
  if (error && error->reason != before)
    log_.Warn(
        "backup_store.unusable",
        {{"store", watched.store.name}, {"reason", error->reason}, {"message", error->message}});
  if (!error && !before.empty()) log_.Info("backup_store.usable", {{"store", watched.store.name}});
  watched.state.error = std::move(error);
}

}  // namespace slipway::pipeline
