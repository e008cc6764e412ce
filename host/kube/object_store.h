#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kube/informer.h"

namespace slipway::kube {

// The objects of one informer, by name and by index value. One mutex guards them.
class ObjectStore {
 public:
  using ObjectPtr = Informer::ObjectPtr;
  using Delta = std::pair<Informer::Change, ObjectPtr>;

  // Appends the changes to `out`: none for a known resourceVersion; for another UID the deletion of
  // the old object and the addition of the new one.
  void Put(ObjectPtr object, std::vector<Delta>& out);
  // Removes the object of that name. The deletion carries `last`, the state from the server.
  void Remove(const ObjectPtr& last, std::vector<Delta>& out);
  // Replaces the content; objects that are not among these are deleted.
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
