#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "kube/informer.h"

namespace slipway::pipeline {

inline constexpr char kInstanceLabel[] = "slipway.dev/instance";
inline constexpr char kEngineLabel[] = "slipway.dev/engine";
inline constexpr char kOrganizationLabel[] = "slipway.dev/organization";
inline constexpr char kProjectLabel[] = "slipway.dev/project";
inline constexpr char kManagedByLabel[] = "app.kubernetes.io/managed-by";

// The cached objects of all instances: one informer per watched kind, whichever engines asked for
// it. Threads: any; the wake callback comes from the client's loop and must not block.
class Observer {
 public:
  using WatchFn =
      std::function<std::unique_ptr<kube::Informer>(kube::InformerSpec, kube::Informer::OnChange)>;
  using WakeFn = std::function<void(const std::string& instance_id)>;

  Observer(WatchFn watch, WakeFn wake) : watch_(std::move(watch)), wake_(std::move(wake)) {}

  // Watches the kinds of `describe.watches` that are not watched yet. Two engines that want the
  // same kind with different `keep` share one informer that keeps the union.
  void EnsureWatches(const Json& watches);
  // The instance's objects of the kinds in `watches`. kPrecondition "CacheNotSynced" while one of
  // them has not been listed yet; the API server's refusal (kForbidden) when it may not be.
  Result<void> Collect(const std::string& instance_id, const Json& watches, Json& observed) const;
  // All watched kinds, whichever engine: for "is anything left".
  bool CollectAll(const std::string& instance_id,
                  std::vector<kube::Informer::ObjectPtr>& out) const;
  bool Watches(const std::string& api_version, const std::string& kind) const;
  bool Synced() const;
  // True while one of the caches may be old because the API server is away.
  bool Troubled() const;
  size_t Bytes() const;
  // Ends all watches; no wake-up follows.
  void Stop();

 private:
  using Key = std::pair<std::string, std::string>;  // apiVersion, kind

  const WatchFn watch_;
  const WakeFn wake_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<kube::Informer>> informers_;
  std::map<Key, std::vector<std::string>> keeps_;

  std::vector<std::pair<Key, std::shared_ptr<kube::Informer>>> Informers() const;
};

}  // namespace slipway::pipeline
