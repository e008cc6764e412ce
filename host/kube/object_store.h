#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kube/informer.h"

namespace slipway::kube {

// The objects one informer holds, by name and by index value. Guarded by one mutex.
class ObjectStore {
 public:
  using ObjectPtr = Informer::ObjectPtr;
  using Delta = std::pair<Informer::Change, ObjectPtr>;

  // What changed is appended to `out`: nothing when the resourceVersion is the known one; the old
  // object's deletion and the new one's addition when the UID differs.
  void Put(ObjectPtr object, std::vector<Delta>& out);
  // Takes out the object of that name; its deletion carries `last`, the state the server sent.
  void Remove(const ObjectPtr& last, std::vector<Delta>& out);
  // The whole truth: what is not among the objects is deleted.
  void Replace(std::vector<ObjectPtr> objects, std::vector<Delta>& out);

  ObjectPtr Get(const std::string& ns, const std::string& name) const;
  std::vector<ObjectPtr> ByIndex(const std::string& value) const;
  std::vector<ObjectPtr> All() const;
  size_t bytes() const;

 private:
  using Map = std::map<std::string, ObjectPtr, std::less<>>;

  void PutLocked(ObjectPtr object, std::vector<Delta>& out);
  void Insert(const std::string& key, ObjectPtr object);
  void Erase(Map::iterator at);

  mutable std::mutex mutex_;
  Map objects_;  // by "NAMESPACE/NAME"
  std::map<std::string, Map, std::less<>> by_index_;
  size_t bytes_ = 0;
};

}  // namespace slipway::kube
