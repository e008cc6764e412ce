#include "kube/object_store.h"

#include <set>

namespace slipway::kube {
namespace {

std::string KeyOf(const std::string& ns, const std::string& name) {
  return ns + "/" + name;
}

std::vector<Informer::ObjectPtr> Values(
    const std::map<std::string, Informer::ObjectPtr, std::less<>>& map) {
  std::vector<Informer::ObjectPtr> out;
  out.reserve(map.size());
  for (const auto& [key, object] : map) out.push_back(object);
  return out;
}

}  // namespace

void ObjectStore::Insert(const std::string& key, ObjectPtr object) {
  bytes_ += object->text.size();
  if (!object->index.empty()) by_index_[object->index][key] = object;
  objects_[key] = std::move(object);
}

void ObjectStore::Erase(Map::iterator at) {
  const CachedObject& object = *at->second;
  bytes_ -= object.text.size();
  if (const auto group = by_index_.find(object.index); group != by_index_.end()) {
    group->second.erase(at->first);
    if (group->second.empty()) by_index_.erase(group);
  }
  objects_.erase(at);
}

void ObjectStore::PutLocked(ObjectPtr object, std::vector<Delta>& out) {
  const std::string key = KeyOf(object->ref.ns, object->ref.name);
  Informer::Change change = Informer::Change::kAdded;
  if (const auto known = objects_.find(key); known != objects_.end()) {
    const bool same = known->second->uid == object->uid;
    if (same && known->second->resource_version == object->resource_version) return;
    if (same) {
      change = Informer::Change::kModified;
    } else {
      out.emplace_back(Informer::Change::kDeleted, known->second);
    }
    Erase(known);
  }
  out.emplace_back(change, object);
  Insert(key, std::move(object));
}

void ObjectStore::Put(ObjectPtr object, std::vector<Delta>& out) {
  const std::lock_guard lock(mutex_);
  PutLocked(std::move(object), out);
}

void ObjectStore::Remove(const ObjectPtr& last, std::vector<Delta>& out) {
  const std::lock_guard lock(mutex_);
  const auto known = objects_.find(KeyOf(last->ref.ns, last->ref.name));
  if (known == objects_.end()) return;
  Erase(known);
  out.emplace_back(Informer::Change::kDeleted, last);
}

void ObjectStore::Replace(std::vector<ObjectPtr> objects, std::vector<Delta>& out) {
  const std::lock_guard lock(mutex_);
  std::set<std::string, std::less<>> seen;
  for (const ObjectPtr& object : objects) seen.insert(KeyOf(object->ref.ns, object->ref.name));
  for (auto it = objects_.begin(); it != objects_.end();) {
    const auto next = std::next(it);
    if (!seen.contains(it->first)) {
      out.emplace_back(Informer::Change::kDeleted, it->second);
      Erase(it);
    }
    it = next;
  }
  for (ObjectPtr& object : objects) PutLocked(std::move(object), out);
}

Informer::ObjectPtr ObjectStore::Get(const std::string& ns, const std::string& name) const {
  const std::string key = KeyOf(ns, name);
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : it->second;
}

std::vector<Informer::ObjectPtr> ObjectStore::ByIndex(const std::string& value) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_index_.find(value);
  return it == by_index_.end() ? std::vector<ObjectPtr>() : Values(it->second);
}

std::vector<Informer::ObjectPtr> ObjectStore::All() const {
  const std::lock_guard lock(mutex_);
  return Values(objects_);
}

size_t ObjectStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace slipway::kube
