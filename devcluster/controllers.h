#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/log.h"
#include "devcluster/api.h"
#include "devcluster/timer_queue.h"

namespace slipway::sim {

// The controllers that run in every cluster: the count of quotas, the protection of claims in use,
// the garbage collector (background, foreground, orphan), the end of namespaces, each namespace's
// default service account, and the end of a pod's grace period. They share one thread; the store
// tells it of changes.
class Controllers {
 public:
  Controllers(Api& api, TimerQueue& timers, Logger& log);
  ~Controllers();  // Stop()

  // Call Observe() before anything is written. Start() looks at all that the store holds already.
  void Observe();
  void Start();
  void Stop();
  // Waits until there is nothing left to do. False means that the time is up.
  bool Settle(std::chrono::milliseconds timeout);

 private:
  enum class What { kLook, kGone, kLookAtUid, kRecount };

  struct Note {
    What what = What::kLook;
    ObjectKey key;
    std::string uid;  // of the object that is gone, or to be looked at
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm at a defaulted <=>
    auto operator<=>(const Note&) const = default;
  };

  void OnChange(const std::string& collection, const StoreEvent& event);
  void Add(Note note);
  void Run();
  void Process(const Note& note);
  void OwnerGone(const std::string& uid);
  void Look(const ObjectKey& key);
  bool InUse(const StoredObject& claim) const;
  void LookAtNamespace(const StoredObject& found);
  void LookAtOwners(const ObjectKey& key, const StoredObject& object);
  void FinishForeground(const ObjectKey& key, const StoredObject& object);
  void FinishOrphan(const ObjectKey& key, const StoredObject& object);
  void FinishNamespace(const std::string& name);
  void EndGrace(const ObjectKey& key, const StoredObject& object);
  void Provision(const std::string& ns);
  void Delete(const ObjectKey& key, const std::string& uid, const char* propagation);
  void DropFinalizer(const ObjectKey& key, const std::string& finalizer);
  void Change(const ObjectKey& key, const Api::Change& change, const char* subresource = "");

  Api& api_;
  TimerQueue& timers_;
  Logger& log_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::set<Note> notes_;
  bool busy_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace slipway::sim
