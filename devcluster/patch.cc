#include "devcluster/patch.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace slipway::sim {

namespace {

std::string Unescape(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out += token[++i] == '1' ? '/' : '~';
    } else {
      out += token[i];
    }
  }
  return out;
}

// The parent of the value that a pointer names, and the pointer's last token; nullptr without a
// parent.
Json* Parent(Json& root, const std::string& pointer, std::string& last) {
  const size_t slash = pointer.rfind('/');
  if (slash == std::string::npos) return nullptr;
  last = Unescape(std::string_view(pointer).substr(slash + 1));
  const Json& found = root.At(std::string_view(pointer).substr(0, slash));
  return found.is_object() || found.is_array() ? const_cast<Json*>(&found) : nullptr;
}

bool Index(const std::string& token, size_t limit, size_t& index) {
  const auto [end, ec] = std::from_chars(token.data(), token.data() + token.size(), index);
  return ec == std::errc() && end == token.data() + token.size() && index < limit;
}

bool AddAt(Json& root, const std::string& pointer, const Json& value) {
  if (pointer.empty()) {
    root = value;
    return true;
  }
  std::string last;
  Json* parent = Parent(root, pointer, last);
  if (parent == nullptr) return false;
  if (parent->is_object()) {
    parent->Set(last, value);
    return true;
  }
  size_t index = parent->size();
  if (last != "-" && !Index(last, parent->size() + 1, index)) return false;
  parent->items().insert(parent->items().begin() + static_cast<std::ptrdiff_t>(index), value);
  return true;
}

bool Exists(Json& root, const std::string& pointer) {
  if (pointer.empty()) return true;
  std::string last;
  const Json* parent = Parent(root, pointer, last);
  size_t index = 0;
  if (parent == nullptr) return false;
  return parent->is_object() ? parent->Has(last) : Index(last, parent->size(), index);
}

bool RemoveAt(Json& root, const std::string& pointer) {
  if (!Exists(root, pointer)) return false;
  root.EraseAt(pointer);
  return true;
}

bool RunOperation(Json& object, const Json& operation, std::string& why) {
  const std::string& op = operation["op"].AsString();
  const std::string& path = operation["path"].AsString();
  why = op + " operation does not apply: doc is missing path: \"" + path + "\": missing value";
  if (op == "add") return AddAt(object, path, operation["value"]);
  if (op == "remove") return RemoveAt(object, path);
  if (op == "replace") {
    // The server's decoder replaces absent members, too.
    std::string last;
    const Json* parent = Parent(object, path, last);
    if (!Exists(object, path) && (parent == nullptr || !parent->is_object())) return false;
    object.SetAt(path, operation["value"]);
    return true;
  }
  if (op == "test") {
    why = "testing value " + path + " failed";
    return object.At(path) == operation["value"];
  }
  const std::string& from = operation["from"].AsString();
  if (op == "copy" || op == "move") {
    if (!Exists(object, from)) return false;
    const Json value = object.At(from);
    if (op == "move") RemoveAt(object, from);
    return AddAt(object, path, value);
  }
  why = "Unexpected kind: " + op;
  return false;
}

bool Directive(const std::string& key) {
  return !key.empty() && key[0] == '$';
}

Json MergeKeyedList(const Json& live, const Json& patch, const TypeView& type,
                    const std::string& key) {
  Json out = live.is_array() ? live : Json::MakeArray();
  for (const Json& item : patch.items())
    if (item["$patch"].AsString() == "replace") out = Json::MakeArray();
  for (const Json& item : patch.items()) {
    const std::string& directive = item["$patch"].AsString();
    if (directive == "replace") continue;
    const auto same = [&](const Json& mine) { return mine[key] == item[key]; };
    if (directive == "delete") {
      std::erase_if(out.items(), same);
      continue;
    }
    const auto found = std::find_if(out.items().begin(), out.items().end(), same);
    if (found != out.items().end()) {
      *found = ApplyStrategicPatch(std::move(*found), item, type.Item());
    } else {
      out.Push(ApplyStrategicPatch(Json::MakeObject(), item, type.Item()));
    }
  }
  return out;
}

Json MergeList(const Json& live, const Json& patch, const TypeView& type) {
  if (!type.Merges()) return patch;
  if (const std::string key = type.MergeKey(); !key.empty())
    return MergeKeyedList(live, patch, type, key);
  Json out = live.is_array() ? live : Json::MakeArray();
  for (const Json& item : patch.items())
    if (std::find(out.items().begin(), out.items().end(), item) == out.items().end())
      out.Push(item);
  return out;
}

size_t Position(const Json& list, const Json& item, const std::string& key) {
  const auto same = [&](const Json& one) {
    return !key.empty() && one.is_object() && item.is_object() ? one[key] == item[key]
                                                               : one == item;
  };
  return static_cast<size_t>(std::find_if(list.items().begin(), list.items().end(), same) -
                             list.items().begin());
}

// Orders a merged list. The elements that the patch names keep the patch's order; those that only
// the server had keep the server's. Of one element from each, a new one goes first, otherwise the
// one that came first on the server.
void Reorder(Json& list, const Json& named, const Json& server, const std::string& key) {
  std::vector<Json> ours(named.size()), theirs;
  std::vector<bool> present(named.size());
  for (Json& item : list.items()) {
    const size_t at = Position(named, item, key);
    if (at == named.size()) {
      theirs.push_back(std::move(item));
    } else {
      present[at] = true;
      ours[at] = std::move(item);
    }
  }
  Json out = Json::MakeArray();
  size_t i = 0, j = 0;
  while (i < ours.size() || j < theirs.size()) {
    if (i < ours.size() && !present[i]) {
      ++i;
      continue;
    }
    const size_t mine = i < ours.size() ? Position(server, ours[i], key) : 0;
    const bool take_ours =
        j == theirs.size() ||
        (i < ours.size() && (mine == server.size() || mine < Position(server, theirs[j], key)));
    out.Push(std::move(take_ours ? ours[i++] : theirs[j++]));
  }
  list = std::move(out);
}

}  // namespace

Answer<Json> ApplyJsonPatch(Json object, const Json& patch) {
  if (!patch.is_array())
    return BadRequest(
        "error decoding patch: json: cannot unmarshal object into Go value of type "
        "jsonpatch.Patch");
  for (const Json& operation : patch.items()) {
    std::string why;
    if (!RunOperation(object, operation, why))
      return Failure{422, "Invalid",
                     "the server rejected our request due to an error in our request",
                     Json::MakeObject()};
  }
  return object;
}

Json ApplyStrategicPatch(Json object, const Json& patch, const TypeView& type) {
  if (!patch.is_object()) return patch;
  if (!object.is_object()) object = Json::MakeObject();
  if (patch["$patch"].AsString() == "replace") object = Json::MakeObject();
  if (patch["$patch"].AsString() == "delete") return Json::MakeObject();
  if (const Json* retained = patch.Find("$retainKeys"); retained != nullptr)
    std::erase_if(object.members(), [&](const Json::Member& member) {
      const auto& keys = retained->items();
      return std::find(keys.begin(), keys.end(), Json(member.first)) == keys.end();
    });
  const Json before = object;
  for (const auto& [key, value] : patch.members()) {
    if (key.rfind("$deleteFromPrimitiveList/", 0) == 0) {
      Json& list = object[std::string_view(key).substr(25)];
      for (const Json& gone : value.items()) std::erase(list.items(), gone);
    }
    if (Directive(key)) continue;
    const TypeView field = type.Field(key);
    if (value.is_null()) {
      object.Erase(key);
    } else if (value.is_array()) {
      const Json server = std::as_const(object)[std::string_view(key)];
      Json merged = MergeList(server, value, field);
      if (field.Merges()) Reorder(merged, value, server, field.MergeKey());
      object.Set(key, std::move(merged));
    } else if (value.is_object()) {
      Json child = std::as_const(object)[std::string_view(key)];
      object.Set(key, ApplyStrategicPatch(std::move(child), value, field));
    } else {
      object.Set(key, value);
    }
  }
  for (const auto& [key, order] : patch.members()) {
    if (key.rfind("$setElementOrder/", 0) != 0) continue;
    const std::string name = key.substr(17);
    if (Json* list = object.Find(name); list != nullptr && list->is_array())
      Reorder(*list, order, before[std::string_view(name)], type.Field(name).MergeKey());
  }
  return object;
}

}  // namespace slipway::sim
