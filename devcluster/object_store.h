#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "devcluster/object.h"

namespace slipway::sim {

class Journal;

enum class EventType { kAdded, kModified, kDeleted };

// One change of an object, as watches see it. For a deletion, `object` is the last state with the
// version of the deletion.
struct StoreEvent {
  EventType type = EventType::kAdded;
  ObjectPtr object;
  ObjectPtr previous;  // nullptr for kAdded
};

struct ObjectKey {
  std::string collection, ns, name;
  // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm at a defaulted <=>
  auto operator<=>(const ObjectKey&) const = default;
};

// All objects by collection ("pods", "db.example.org/clusters"), their recent history, and the
// order of both. One lock guards it and is held for map work and the journal's write only; texts
// are made outside of it. Any thread may call it.
class ObjectStore {
 public:
  enum class Outcome { kStored, kExists, kAbsent, kChanged };

  struct Page {
    std::vector<ObjectPtr> items;
    uint64_t version = 0;  // of the store at the time of the page
    std::string next;      // key after which the next page starts, "" at the end
    size_t remaining = 0;  // objects after this page, before any selector
  };

  using Observer = std::function<void(const std::string& collection, const StoreEvent& event)>;

  // `journal` may be null; otherwise it outlives the store. `window` is the number of events that a
  // collection keeps for watches that resume.
  ObjectStore(Journal* journal, size_t window);

  // The observer is called under the lock for every change, in order, so it may only take a note.
  // Set it before use.
  void Observe(Observer observer);
  // Takes an object from the journal, without an event.
  void Restore(const std::string& collection, std::shared_ptr<StoredObject> object);
  // No version up to this one is given out any more. Call it after Restore.
  void StartAt(uint64_t version);

  ObjectPtr Get(std::string_view collection, std::string_view ns, std::string_view name) const;
  // ns "" means all namespaces. `after` is the `next` of a Page; limit 0 is no limit.
  Page List(std::string_view collection, std::string_view ns, std::string_view after,
            size_t limit) const;

  // Stores a draft of MakeObject. `expected` is the version to replace, or 0 when the object must
  // not exist. kStored sets `stored`.
  Outcome Put(const std::string& collection, std::shared_ptr<StoredObject> draft, uint64_t expected,
              ObjectPtr& stored);
  // `expected` 0 removes any version. `removed` is the last state with the version of the deletion.
  Outcome Remove(const ObjectKey& key, uint64_t expected, ObjectPtr& removed);

  // Returns the events after `version` in order, at most `limit`. False when the window does not
  // reach back so far; `oldest` then says how far it does.
  bool EventsAfter(const std::string& collection, uint64_t version, size_t limit,
                   std::vector<StoreEvent>& out, uint64_t& oldest) const;
  // The version of the collection's newest event.
  uint64_t CollectionVersion(const std::string& collection) const;

  uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Waits until version() is beyond `seen`, Wake() is called or the time is up.
  void WaitBeyond(uint64_t seen, std::chrono::milliseconds timeout);
  void Wake();

  std::optional<ObjectKey> FindUid(const std::string& uid) const;
  bool HasUid(const std::string& uid) const;
  std::vector<ObjectKey> Dependents(const std::string& owner_uid) const;
  std::vector<ObjectKey> InNamespace(const std::string& ns) const;
  size_t Count(std::string_view collection, std::string_view ns) const;
  size_t objects() const;

 private:
  struct Collection {
    std::map<std::string, ObjectPtr, std::less<>> objects;
    std::deque<StoreEvent> events;
    uint64_t floor = 0;  // events up to here are forgotten
    uint64_t newest = 0;
  };

  const Collection* Find(std::string_view collection) const;
  void Record(const std::string& name, Collection& collection, StoreEvent event);
  void Index(const std::string& collection, const StoredObject& object);
  void Unindex(const std::string& collection, const StoredObject& object);

  Journal* const journal_;
  const size_t window_;
  Observer observer_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Collection, std::less<>> collections_;
  std::unordered_map<std::string, ObjectKey> by_uid_;
  std::unordered_map<std::string, std::vector<ObjectKey>> by_owner_;
  uint64_t start_ = 0;
  std::atomic<uint64_t> version_ = 0;

  std::mutex wake_mutex_;
  std::condition_variable wake_;
  uint64_t wakes_ = 0;
};

}  // namespace slipway::sim
