#include "pipeline/observer.h"

#include <algorithm>

namespace slipway::pipeline {

void Observer::EnsureWatches(const Json& watches) {
  for (const Json& watch : watches.items()) {
    const Key key{watch["apiVersion"].AsString(), watch["kind"].AsString()};
    std::vector<std::string> keep;
    for (const Json& pointer : watch["keep"].items()) keep.push_back(pointer.AsString());
    std::shared_ptr<kube::Informer> old;  // destroyed after the lock: it waits for its callbacks
    {
      const std::lock_guard lock(mutex_);
      const auto known = keeps_.find(key);
      if (known != keeps_.end()) {
        if (known->second.empty()) continue;  // keeps everything already
        std::vector<std::string> both = keep.empty() ? keep : known->second;
        for (const std::string& pointer : keep) {
          if (std::find(both.begin(), both.end(), pointer) == both.end()) both.push_back(pointer);
        }
        if (both == known->second) continue;
        keep = both;
        old = std::move(informers_[key]);
      }
      keeps_[key] = keep;
      kube::InformerSpec spec;
      spec.api_version = key.first;
      spec.kind = key.second;
      spec.label_selector = kInstanceLabel;
      spec.index_label = kInstanceLabel;
      spec.keep = keep;
      informers_[key] =
          watch_(std::move(spec),
                 [wake = wake_](kube::Informer::Change, const kube::Informer::ObjectPtr& object) {
                   if (!object->index.empty()) wake(object->index);
                 });
    }
  }
}

// Copies under the lock; what is done with them is done outside, for parsing takes its time.
std::vector<std::pair<Observer::Key, std::shared_ptr<kube::Informer>>> Observer::Informers() const {
  const std::lock_guard lock(mutex_);
  return {informers_.begin(), informers_.end()};
}

Result<void> Observer::Collect(const std::string& instance_id, const Json& watches,
                               Json& observed) const {
  std::vector<std::shared_ptr<kube::Informer>> wanted;
  bool synced = true;
  {
    const std::lock_guard lock(mutex_);
    for (const Json& watch : watches.items()) {
      const auto it = informers_.find({watch["apiVersion"].AsString(), watch["kind"].AsString()});
      if (it == informers_.end()) {
        synced = false;
      } else {
        wanted.push_back(it->second);
      }
    }
  }
  observed = Json::MakeArray();
  for (const auto& informer : wanted) {
    if (auto trouble = informer->trouble()) return *std::move(trouble);
    synced = synced && informer->synced();
    for (const auto& object : informer->ByIndex(instance_id)) observed.Push(object->Parse());
  }
  if (!synced)
    return Error{Code::kPrecondition, "CacheNotSynced", "a watched kind has not been listed yet"};
  return {};
}

bool Observer::CollectAll(const std::string& instance_id,
                          std::vector<kube::Informer::ObjectPtr>& out) const {
  bool synced = true;
  for (const auto& [key, informer] : Informers()) {
    synced = synced && informer->synced();
    for (auto& object : informer->ByIndex(instance_id)) out.push_back(std::move(object));
  }
  return synced;
}

bool Observer::Watches(const std::string& api_version, const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  return informers_.count({api_version, kind}) > 0;
}

bool Observer::Synced() const {
  const auto informers = Informers();
  return std::all_of(informers.begin(), informers.end(),
                     [](const auto& entry) { return entry.second->synced(); });
}

bool Observer::Troubled() const {
  const auto informers = Informers();
  return std::any_of(informers.begin(), informers.end(), [](const auto& entry) {
    const auto trouble = entry.second->trouble();
    return trouble && trouble->code == Code::kUnavailable;
  });
}

size_t Observer::Bytes() const {
  size_t sum = 0;
  for (const auto& [key, informer] : Informers()) sum += informer->bytes();
  return sum;
}

void Observer::Stop() {
  std::map<Key, std::shared_ptr<kube::Informer>> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.swap(informers_);
  }
}

}  // namespace slipway::pipeline
