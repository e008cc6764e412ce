#include "devcluster/typed_merge.h"

#include <map>

namespace slipway::sim {

namespace {

using Shape = TypeView::Shape;

Json MergeList(const Json& live, const Json& applied, const TypeView& type) {
  std::map<std::string, const Json*> ours;
  for (const Json& item : applied.items()) ours.emplace(ElementOf(type, item), &item);
  // Live elements come first and keep their places; new ones follow in the applied order.
  Json out = Json::MakeArray();
  std::map<std::string, bool> seen;
  for (const Json& item : live.items()) {
    const std::string element = ElementOf(type, item);
    const auto mine = ours.find(element);
    out.Push(mine == ours.end() ? item : MergeTyped(item, *mine->second, type.Item()));
    seen[element] = true;
  }
  for (const Json& item : applied.items()) {
    const std::string element = ElementOf(type, item);
    if (seen.count(element) == 0) out.Push(item);
    seen[element] = true;
  }
  return out;
}

const FieldSet kNothing;

const FieldSet& Below(const FieldSet& set, const std::string& element) {
  const FieldSet* found = set.Find(element);
  return found == nullptr ? kNothing : *found;
}

// True when the value itself has to go.
bool RemoveFrom(Json& value, const FieldSet& gone, const FieldSet& kept, const TypeView& type) {
  if (gone.empty()) return false;
  if (gone.member() && kept.empty() &&
      (gone.children().empty() || type.ShapeOf(value) == Shape::kScalar))
    return true;
  const bool was_empty = value.empty();
  switch (type.ShapeOf(value)) {
    case Shape::kMap:
      std::erase_if(value.members(), [&](Json::Member& member) {
        const std::string element = "f:" + member.first;
        return RemoveFrom(member.second, Below(gone, element), Below(kept, element),
                          type.Field(member.first));
      });
      break;
    case Shape::kKeyedList:
    case Shape::kSet:
      std::erase_if(value.items(), [&](Json& item) {
        const std::string element = ElementOf(type, item);
        const FieldSet &mine = Below(gone, element), &theirs = Below(kept, element);
        if (mine.member() && theirs.empty()) return true;
        if (item.is_object()) RemoveFrom(item, mine, theirs, type.Item());
        return false;
      });
      break;
    case Shape::kScalar:
    case Shape::kAtomic:
      return false;
  }
  return value.empty() && !was_empty && !kept.member();
}

}  // namespace

Json MergeTyped(const Json& live, const Json& applied, const TypeView& type) {
  const Shape shape = type.ShapeOf(applied);
  if (shape != type.ShapeOf(live)) return applied;
  switch (shape) {
    case Shape::kScalar:
    case Shape::kAtomic:
      return applied;
    case Shape::kKeyedList:
    case Shape::kSet:
      return MergeList(live, applied, type);
    case Shape::kMap:
      break;
  }
  Json out = live;
  for (const auto& [key, value] : applied.members()) {
    Json* mine = out.Find(key);
    if (mine == nullptr) {
      out.Set(key, value);
    } else {
      *mine = MergeTyped(*mine, value, type.Field(key));
    }
  }
  return out;
}

void RemoveFields(Json& value, const FieldSet& gone, const FieldSet& kept, const TypeView& type) {
  RemoveFrom(value, gone, kept, type);
}

}  // namespace slipway::sim
