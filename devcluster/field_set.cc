#include "devcluster/field_set.h"

namespace slipway::sim {

namespace {

using Shape = TypeView::Shape;

// Adds every path of a value that appears or disappears as a whole, including its containers.
void Everything(const Json& value, const TypeView& type, FieldSet& out) {
  out.Insert();
  switch (type.ShapeOf(value)) {
    case Shape::kMap:
      for (const auto& [key, child] : value.members())
        Everything(child, type.Field(key), out.Child("f:" + key));
      break;
    case Shape::kKeyedList:
    case Shape::kSet:
      for (const Json& item : value.items())
        Everything(item, type.Item(), out.Child(ElementOf(type, item)));
      break;
    case Shape::kScalar:
    case Shape::kAtomic:
      break;
  }
}

void Owned(const Json& value, const TypeView& type, FieldSet& out) {
  switch (type.ShapeOf(value)) {
    case Shape::kMap:
      if (value.empty()) out.Insert();
      for (const auto& [key, child] : value.members()) {
        FieldSet& below = out.Child("f:" + key);
        if (!type.Declares(key)) below.Insert();
        Owned(child, type.Field(key), below);
      }
      break;
    case Shape::kKeyedList:
    case Shape::kSet:
      if (value.empty()) out.Insert();
      for (const Json& item : value.items()) {
        FieldSet& below = out.Child(ElementOf(type, item));
        below.Insert();
        if (item.is_object()) Owned(item, type.Item(), below);
      }
      break;
    case Shape::kScalar:
    case Shape::kAtomic:
      out.Insert();
  }
}

std::map<std::string, const Json*> Elements(const Json& list, const TypeView& type) {
  std::map<std::string, const Json*> out;
  for (const Json& item : list.items()) out.emplace(ElementOf(type, item), &item);
  return out;
}

void Compare(const Json& before, const Json& after, const TypeView& type, FieldSet& set,
             FieldSet& removed);

void CompareChild(const Json* before, const Json* after, const TypeView& type, FieldSet& set,
                  FieldSet& removed) {
  if (before == nullptr && after != nullptr) Everything(*after, type, set);
  if (before != nullptr && after == nullptr) Everything(*before, type, removed);
  if (before != nullptr && after != nullptr) Compare(*before, *after, type, set, removed);
}

void Compare(const Json& before, const Json& after, const TypeView& type, FieldSet& set,
             FieldSet& removed) {
  // Go writes null for an absent list.
  if (before.is_null() && (after.is_array() || after.is_object()))
    return Compare(after.is_array() ? Json::MakeArray() : Json::MakeObject(), after, type, set,
                   removed);
  const Shape shape = type.ShapeOf(after);
  if (shape != type.ShapeOf(before)) {
    Everything(before, type, removed);
    Everything(after, type, set);
    return;
  }
  if (shape == Shape::kScalar || shape == Shape::kAtomic) {
    if (before != after) set.Insert();
    return;
  }
  if (shape == Shape::kMap) {
    for (const auto& [key, child] : after.members())
      CompareChild(before.Find(key), &child, type.Field(key), set.Child("f:" + key),
                   removed.Child("f:" + key));
    for (const auto& [key, child] : before.members())
      if (!after.Has(key))
        CompareChild(&child, nullptr, type.Field(key), set.Child("f:" + key),
                     removed.Child("f:" + key));
    return;
  }
  const auto old_items = Elements(before, type), new_items = Elements(after, type);
  for (const auto& [element, item] : new_items) {
    const auto old = old_items.find(element);
    CompareChild(old == old_items.end() ? nullptr : old->second, item, type.Item(),
                 set.Child(element), removed.Child(element));
  }
  for (const auto& [element, item] : old_items)
    if (new_items.count(element) == 0)
      CompareChild(item, nullptr, type.Item(), set.Child(element), removed.Child(element));
}

std::string ElementPath(const std::string& element) {
  const std::string body = element.substr(2);
  if (element[0] == 'f') return "." + body;
  if (element[0] != 'k') return "[=" + body + "]";
  auto key = Json::Parse(body);
  std::string out;
  if (key) {
    // The API server shows the keys in alphabetical order.
    std::map<std::string, const Json*> sorted;
    for (const auto& [name, value] : key->members()) sorted.emplace(name, &value);
    for (const auto& [name, value] : sorted)
      out += (out.empty() ? "" : ",") + name + "=" + value->Dump();
  }
  return "[" + out + "]";
}

}  // namespace

FieldSet FieldSet::FromJson(const Json& fields_v1) {
  FieldSet out;
  if (fields_v1.empty()) out.member_ = true;
  for (const auto& [element, child] : fields_v1.members()) {
    if (element == ".") {
      out.member_ = true;
    } else {
      out.children_.emplace(element, FromJson(child));
    }
  }
  return out;
}

FieldSet FieldSet::Of(const Json& value, const TypeView& type) {
  FieldSet out;
  Owned(value, type, out);
  return out;
}

Json FieldSet::ToJson() const {
  Json out = Json::MakeObject();
  if (member_ && !children_.empty()) out.Set(".", Json::MakeObject());
  for (const auto& [element, child] : children_)
    out.members().emplace_back(element, child.ToJson());
  return out;
}

const FieldSet* FieldSet::Find(const std::string& element) const {
  const auto it = children_.find(element);
  return it == children_.end() ? nullptr : &it->second;
}

void FieldSet::Prune() {
  for (auto it = children_.begin(); it != children_.end();) {
    it->second.Prune();
    it = it->second.empty() ? children_.erase(it) : std::next(it);
  }
}

void FieldSet::Add(const FieldSet& other) {
  member_ = member_ || other.member_;
  for (const auto& [element, child] : other.children_)
    if (!child.empty()) children_[element].Add(child);
  Prune();
}

void FieldSet::Subtract(const FieldSet& other) {
  if (other.member_) member_ = false;
  for (const auto& [element, child] : other.children_)
    if (const auto it = children_.find(element); it != children_.end()) it->second.Subtract(child);
  Prune();
}

FieldSet FieldSet::Intersect(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && other.member_;
  for (const auto& [element, child] : children_) {
    const FieldSet* theirs = other.Find(element);
    if (theirs == nullptr) continue;
    FieldSet both = child.Intersect(*theirs);
    if (!both.empty()) out.children_.emplace(element, std::move(both));
  }
  return out;
}

void FieldSet::Erase(const std::vector<std::string>& path) {
  FieldSet* at = this;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const auto it = at->children_.find(path[i]);
    if (it == at->children_.end()) return;
    at = &it->second;
  }
  at->children_.erase(path.back());
  Prune();
}

void FieldSet::Keep(const std::string& top_element) {
  std::erase_if(children_, [&](const auto& entry) { return entry.first != top_element; });
}

void FieldSet::CollectPaths(const std::string& prefix, std::vector<std::string>& out) const {
  if (member_) out.push_back(prefix);
  for (const auto& [element, child] : children_)
    child.CollectPaths(prefix + ElementPath(element), out);
}

std::vector<std::string> FieldSet::Paths() const {
  std::vector<std::string> out;
  CollectPaths("", out);
  return out;
}

FieldChanges CompareFields(const Json& before, const Json& after, const TypeView& type) {
  FieldChanges out;
  Compare(before, after, type, out.set, out.removed);
  // Compare() leaves empty children behind; adding an empty set prunes them.
  out.set.Add({});
  out.removed.Add({});
  return out;
}

}  // namespace slipway::sim
