#include "devcluster/managed_fields.h"

#include <algorithm>
#include <map>
#include <vector>

#include "devcluster/go_decode.h"
#include "devcluster/typed_merge.h"

namespace slipway::sim {

namespace {

struct Entry {
  std::string manager, operation, api_version, time, subresource;
  FieldSet fields;
};

using Entries = std::vector<Entry>;

Entries ReadEntries(const Json& object) {
  Entries out;
  for (const Json& one : object["metadata"]["managedFields"].items())
    out.push_back({one["manager"].AsString(), one["operation"].AsString(),
                   one["apiVersion"].AsString(), one["time"].AsString(),
                   one["subresource"].AsString(), FieldSet::FromJson(one["fieldsV1"])});
  return out;
}

void WriteEntries(Entries entries, Json& object) {
  Json list = Json::MakeArray();
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.operation != b.operation) return a.operation < b.operation;
    return a.time < b.time;
  });
  for (const Entry& entry : entries) {
    if (entry.fields.empty()) continue;
    Json one = Json::Obj({{"apiVersion", entry.api_version},
                          {"fieldsType", "FieldsV1"},
                          {"fieldsV1", entry.fields.ToJson()},
                          {"manager", entry.manager},
                          {"operation", entry.operation}});
    if (!entry.subresource.empty()) one.Set("subresource", entry.subresource);
    if (!entry.time.empty()) one.Set("time", entry.time);
    list.Push(std::move(one));
  }
  if (list.empty()) {
    object["metadata"].Erase("managedFields");
  } else {
    object["metadata"].Set("managedFields", std::move(list));
  }
}

// Removes fields that belong to the server, not to a manager.
void StripServerFields(FieldSet& set) {
  for (const char* field : {"f:name", "f:namespace", "f:uid", "f:resourceVersion", "f:generation",
                            "f:creationTimestamp", "f:selfLink", "f:managedFields",
                            "f:deletionTimestamp", "f:deletionGracePeriodSeconds"})
    set.Erase({"f:metadata", field});
  set.EraseTop("f:apiVersion");
  set.EraseTop("f:kind");
  if (const FieldSet* metadata = set.Find("f:metadata");
      metadata != nullptr && metadata->children().empty())
    set.EraseTop("f:metadata");
}

Entry& EntryFor(Entries& entries, const Kind& kind, const Writer& writer, const char* operation) {
  for (Entry& entry : entries)
    if (entry.manager == writer.manager && entry.operation == operation &&
        entry.subresource == writer.subresource)
      return entry;
  entries.push_back({writer.manager, operation, kind.api_version(), "", writer.subresource, {}});
  return entries.back();
}

// Names the manager as the message of a conflict does.
std::string Named(const Entry& entry) {
  std::string out = Json::Quote(entry.manager);
  if (!entry.subresource.empty()) out += " with subresource " + Json::Quote(entry.subresource);
  if (entry.operation == "Update") out += " using " + entry.api_version;
  return out;
}

Failure Conflicts(const std::vector<std::pair<const Entry*, FieldSet>>& found) {
  Json causes = Json::MakeArray();
  std::map<std::string, std::vector<std::string>> by_manager;
  size_t count = 0;
  std::string only;
  for (const auto& [entry, fields] : found) {
    for (const std::string& path : fields.Paths()) {
      ++count;
      only = "conflict with " + Named(*entry) + ": " + path;
      by_manager[Named(*entry)].push_back(path);
      causes.Push(Json::Obj({{"reason", "FieldManagerConflict"},
                             {"message", "conflict with " + Named(*entry)},
                             {"field", path}}));
    }
  }
  std::string text = "Apply failed with 1 conflict: " + only;
  if (count != 1) {
    text = "Apply failed with " + std::to_string(count) + " conflicts: ";
    bool first = true;
    for (const auto& [manager, paths] : by_manager) {
      text += (first ? "" : "\n") + std::string("conflicts with ") + manager + ":";
      for (const std::string& path : paths) text += "\n- " + path;
      first = false;
    }
  }
  return {409, "Conflict", std::move(text), Json::Obj({{"causes", std::move(causes)}})};
}

Json WithoutManaged(const Json& object) {
  Json out = object;
  if (Json* metadata = out.Find("metadata"); metadata != nullptr) metadata->Erase("managedFields");
  return out;
}

// A create is compared with this object: nobody owns the parts that Go writes even when they are
// empty.
Json NewObject(const Kind& kind) {
  Json out = Json::Obj({{"metadata", Json::MakeObject()}});
  if (!kind.custom) DecodeAsGo(*kind.schema, out);
  return out;
}

}  // namespace

void TrackUpdate(const Kind& kind, const Json& before, Json& after, const Writer& writer) {
  Entries entries = ReadEntries(before.is_null() ? after : before);
  // A client sends [{}] to ask that the owners be forgotten.
  const Json::Array& sent = std::as_const(after).At("/metadata/managedFields").items();
  if (before.is_null()) entries.clear();
  if (sent.size() == 1 && sent[0].empty()) return WriteEntries({}, after);
  // An object without owners gets none before the first apply.
  if (!before.is_null() && entries.empty()) return WriteEntries({}, after);
  const TypeView type = TypeView::Of(kind);
  FieldChanges changes = CompareFields(before.is_null() ? NewObject(kind) : WithoutManaged(before),
                                       WithoutManaged(after), type);
  StripServerFields(changes.set);
  StripServerFields(changes.removed);
  // A write of the main resource cannot change the status, so it does not own it either.
  if (kind.has_status && writer.subresource.empty()) changes.set.EraseTop("f:status");
  // Several writers of one condition list each own their part. When another writer sets a value,
  // the former owner loses it.
  for (Entry& entry : entries) {
    entry.fields.Subtract(changes.removed);
    if (entry.manager != writer.manager || entry.operation != "Update" ||
        entry.subresource != writer.subresource)
      entry.fields.Subtract(changes.set);
  }
  if (!changes.set.empty()) {
    Entry& mine = EntryFor(entries, kind, writer, "Update");
    mine.fields.Add(changes.set);
    // Among the subresources, the real server leaves the time out for this one only.
    mine.time = writer.subresource == "scale" ? "" : writer.time;
  }
  WriteEntries(std::move(entries), after);
}

Answer<Json> ApplyConfiguration(const Kind& kind, const Json& live, const Json& config,
                                const Writer& writer, bool force) {
  const TypeView type = TypeView::Of(kind);
  Json wanted = WithoutManaged(config);
  for (const char* field : {"resourceVersion", "uid", "generation", "creationTimestamp"})
    wanted["metadata"].Erase(field);
  FieldSet set = FieldSet::Of(wanted, type);
  StripServerFields(set);
  const Json base = live.is_null() ? Json::MakeObject() : WithoutManaged(live);
  Entries entries = ReadEntries(live);
  if (!live.is_null() && entries.empty()) {
    // Whatever was there before the first apply belongs to this manager.
    FieldSet all = CompareFields(NewObject(kind), base, type).set;
    StripServerFields(all);
    entries.push_back(
        {"before-first-apply", "Update", kind.api_version(), writer.time, "", std::move(all)});
  }
  Entry& mine = EntryFor(entries, kind, writer, "Apply");

  Json merged = MergeTyped(base, wanted, type);
  FieldSet gone = mine.fields;
  gone.Subtract(set);
  FieldSet others = set;
  for (const Entry& entry : entries)
    if (&entry != &mine) others.Add(entry.fields);
  gone.Subtract(others);
  RemoveFields(merged, gone, others, type);

  const FieldChanges changes = CompareFields(base, merged, type);
  std::vector<std::pair<const Entry*, FieldSet>> conflicts;
  for (const Entry& entry : entries) {
    if (&entry == &mine) continue;
    FieldSet both = entry.fields.Intersect(changes.set).Intersect(set);
    if (!both.empty()) conflicts.emplace_back(&entry, std::move(both));
  }
  if (!conflicts.empty() && !force) return Conflicts(conflicts);
  for (Entry& entry : entries) {
    if (&entry == &mine) continue;
    entry.fields.Subtract(changes.removed);
    for (const auto& [loser, fields] : conflicts)
      if (loser == &entry) entry.fields.Subtract(fields);
  }
  // The time stays when the object does, so that an apply without effect writes nothing.
  if (live.is_null() || merged != base) mine.time = writer.time;
  mine.fields = std::move(set);
  WriteEntries(std::move(entries), merged);
  return merged;
}

}  // namespace slipway::sim
