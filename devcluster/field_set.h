#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "devcluster/type_view.h"

namespace slipway::sim {

// A set of field paths: FieldsV1 of managedFields as a tree. Path elements keep their written form
// ("f:spec", "k:{\"name\":\"x\"}", "v:\"x\"").
class FieldSet {
 public:
  static FieldSet FromJson(const Json& fields_v1);
  // The fields that `value` sets, as the manager of an applied configuration owns them.
  static FieldSet Of(const Json& value, const TypeView& type);

  Json ToJson() const;

  bool empty() const { return !member_ && children_.empty(); }

  bool operator==(const FieldSet&) const = default;

  void Insert() { member_ = true; }

  bool member() const { return member_; }

  FieldSet& Child(const std::string& element) { return children_[element]; }

  const FieldSet* Find(const std::string& element) const;

  const std::map<std::string, FieldSet>& children() const { return children_; }

  void Add(const FieldSet& other);
  void Subtract(const FieldSet& other);
  FieldSet Intersect(const FieldSet& other) const;
  // Drops a path and everything below it. A path is a list such as "f:metadata", "f:name".
  void Erase(const std::vector<std::string>& path);
  void Keep(const std::string& top_element);

  void EraseTop(const std::string& top_element) { children_.erase(top_element); }

  // Paths in their readable form: ".spec.containers[name=\"x\"].image".
  std::vector<std::string> Paths() const;

 private:
  void Prune();
  void CollectPaths(const std::string& prefix, std::vector<std::string>& out) const;

  bool member_ = false;
  std::map<std::string, FieldSet> children_;
};

// The fields that a write changed.
struct FieldChanges {
  FieldSet set;      // added, or given another value
  FieldSet removed;  // including everything that was below
};

FieldChanges CompareFields(const Json& before, const Json& after, const TypeView& type);

}  // namespace slipway::sim
