#include "devcluster/object_store.h"

#include <algorithm>

#include "devcluster/journal.h"

namespace slipway::sim {

namespace {

std::string KeyOf(std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(ns.size() + 1 + name.size());
  key.append(ns).append("/").append(name);
  return key;
}

bool StartsWith(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

}  // namespace

ObjectStore::ObjectStore(Journal* journal, size_t window) : journal_(journal), window_(window) {}

void ObjectStore::Observe(Observer observer) {
  observer_ = std::move(observer);
}

void ObjectStore::Restore(const std::string& collection, std::shared_ptr<StoredObject> object) {
  const std::unique_lock lock(mutex_);
  Index(collection, *object);
  collections_[collection].objects[object->key()] = std::move(object);
}

void ObjectStore::StartAt(uint64_t version) {
  const std::unique_lock lock(mutex_);
  start_ = version;
  for (auto& [name, collection] : collections_) collection.floor = collection.newest = version;
  version_.store(version, std::memory_order_release);
}

const ObjectStore::Collection* ObjectStore::Find(std::string_view collection) const {
  const auto it = collections_.find(collection);
  return it == collections_.end() ? nullptr : &it->second;
}

ObjectPtr ObjectStore::Get(std::string_view collection, std::string_view ns,
                           std::string_view name) const {
  const std::string key = KeyOf(ns, name);
  const std::shared_lock lock(mutex_);
  const Collection* found = Find(collection);
  if (found == nullptr) return nullptr;
  const auto it = found->objects.find(key);
  return it == found->objects.end() ? nullptr : it->second;
}

ObjectStore::Page ObjectStore::List(std::string_view collection, std::string_view ns,
                                    std::string_view after, size_t limit) const {
  Page page;
  const std::string prefix = ns.empty() ? "" : KeyOf(ns, "");
  const std::shared_lock lock(mutex_);
  page.version = version();
  const Collection* found = Find(collection);
  if (found == nullptr) return page;
  auto it = after.empty() ? found->objects.lower_bound(prefix) : found->objects.upper_bound(after);
  for (; it != found->objects.end() && StartsWith(it->first, prefix); ++it) {
    if (limit != 0 && page.items.size() == limit) {
      if (page.next.empty()) page.next = page.items.back()->key();
      ++page.remaining;
      continue;
    }
    page.items.push_back(it->second);
  }
  return page;
}

void ObjectStore::Index(const std::string& collection, const StoredObject& object) {
  by_uid_[object.uid] = {collection, object.ns, object.name};
  for (const OwnerReference& owner : object.owners)
    by_owner_[owner.uid].push_back({collection, object.ns, object.name});
}

void ObjectStore::Unindex(const std::string& collection, const StoredObject& object) {
  by_uid_.erase(object.uid);
  const ObjectKey key{collection, object.ns, object.name};
  for (const OwnerReference& owner : object.owners) {
    const auto it = by_owner_.find(owner.uid);
    if (it == by_owner_.end()) continue;
    std::erase(it->second, key);
    if (it->second.empty()) by_owner_.erase(it);
  }
}

void ObjectStore::Record(const std::string& name, Collection& collection, StoreEvent event) {
  collection.newest = event.object->version;
  if (collection.floor == 0) collection.floor = start_;
  if (journal_ != nullptr) journal_->Write(name, event);
  if (observer_) observer_(name, event);
  collection.events.push_back(std::move(event));
  if (collection.events.size() > window_) {
    collection.floor = collection.events.front().object->version;
    collection.events.pop_front();
  }
  version_.store(collection.newest, std::memory_order_release);
}

ObjectStore::Outcome ObjectStore::Put(const std::string& collection,
                                      std::shared_ptr<StoredObject> draft, uint64_t expected,
                                      ObjectPtr& stored) {
  {
    const std::string key = draft->key();
    const std::unique_lock lock(mutex_);
    Collection& into = collections_[collection];
    const auto it = into.objects.find(key);
    const bool exists = it != into.objects.end();
    if (expected == 0 && exists) return Outcome::kExists;
    if (expected != 0 && !exists) return Outcome::kAbsent;
    if (expected != 0 && it->second->version != expected) return Outcome::kChanged;
    SetVersion(*draft, version() + 1);
    StoreEvent event{exists ? EventType::kModified : EventType::kAdded, draft,
                     exists ? it->second : nullptr};
    if (exists) Unindex(collection, *it->second);
    Index(collection, *draft);
    into.objects.insert_or_assign(key, draft);
    stored = std::move(draft);
    Record(collection, into, std::move(event));
  }
  Wake();
  return Outcome::kStored;
}

ObjectStore::Outcome ObjectStore::Remove(const ObjectKey& key, uint64_t expected,
                                         ObjectPtr& removed) {
  {
    const std::unique_lock lock(mutex_);
    const auto from = collections_.find(key.collection);
    if (from == collections_.end()) return Outcome::kAbsent;
    const auto it = from->second.objects.find(KeyOf(key.ns, key.name));
    if (it == from->second.objects.end()) return Outcome::kAbsent;
    if (expected != 0 && it->second->version != expected) return Outcome::kChanged;
    auto last = CopyForVersion(*it->second);
    SetVersion(*last, version() + 1);
    StoreEvent event{EventType::kDeleted, last, it->second};
    Unindex(key.collection, *it->second);
    from->second.objects.erase(it);
    removed = std::move(last);
    Record(key.collection, from->second, std::move(event));
  }
  Wake();
  return Outcome::kStored;
}

bool ObjectStore::EventsAfter(const std::string& collection, uint64_t version, size_t limit,
                              std::vector<StoreEvent>& out, uint64_t& oldest) const {
  const std::shared_lock lock(mutex_);
  const Collection* found = Find(collection);
  oldest = found == nullptr ? start_ : std::max(found->floor, start_);
  if (version < oldest) return false;
  if (found == nullptr || found->newest <= version) return true;
  auto it = std::upper_bound(
      found->events.begin(), found->events.end(), version,
      [](uint64_t v, const StoreEvent& event) { return v < event.object->version; });
  for (; it != found->events.end() && out.size() < limit; ++it) out.push_back(*it);
  return true;
}

uint64_t ObjectStore::CollectionVersion(const std::string& collection) const {
  const std::shared_lock lock(mutex_);
  const Collection* found = Find(collection);
  return found == nullptr ? 0 : found->newest;
}

void ObjectStore::WaitBeyond(uint64_t seen, std::chrono::milliseconds timeout) {
  std::unique_lock lock(wake_mutex_);
  const uint64_t wakes = wakes_;
  wake_.wait_for(lock, timeout, [&] { return version() > seen || wakes_ != wakes; });
}

void ObjectStore::Wake() {
  {
    const std::lock_guard lock(wake_mutex_);
    ++wakes_;
  }
  wake_.notify_all();
}

std::optional<ObjectKey> ObjectStore::FindUid(const std::string& uid) const {
  const std::shared_lock lock(mutex_);
  const auto it = by_uid_.find(uid);
  return it == by_uid_.end() ? std::nullopt : std::optional<ObjectKey>(it->second);
}

bool ObjectStore::HasUid(const std::string& uid) const {
  const std::shared_lock lock(mutex_);
  return by_uid_.count(uid) != 0;
}

std::vector<ObjectKey> ObjectStore::Dependents(const std::string& owner_uid) const {
  const std::shared_lock lock(mutex_);
  const auto it = by_owner_.find(owner_uid);
  return it == by_owner_.end() ? std::vector<ObjectKey>() : it->second;
}

std::vector<ObjectKey> ObjectStore::InNamespace(const std::string& ns) const {
  std::vector<ObjectKey> out;
  const std::string prefix = KeyOf(ns, "");
  const std::shared_lock lock(mutex_);
  for (const auto& [name, collection] : collections_)
    for (auto it = collection.objects.lower_bound(prefix);
         it != collection.objects.end() && StartsWith(it->first, prefix); ++it)
      out.push_back({name, ns, it->second->name});
  return out;
}

size_t ObjectStore::Count(std::string_view collection, std::string_view ns) const {
  const std::string prefix = ns.empty() ? "" : KeyOf(ns, "");
  const std::shared_lock lock(mutex_);
  const Collection* found = Find(collection);
  if (found == nullptr) return 0;
  if (ns.empty()) return found->objects.size();
  size_t n = 0;
  for (auto it = found->objects.lower_bound(prefix);
       it != found->objects.end() && StartsWith(it->first, prefix); ++it)
    ++n;
  return n;
}

size_t ObjectStore::objects() const {
  const std::shared_lock lock(mutex_);
  return by_uid_.size();
}

}  // namespace slipway::sim
