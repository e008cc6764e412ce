#include "devcluster/object.h"

namespace slipway::sim {

namespace {

// It is the first member of the metadata. Inside a string these quotes would be escaped.
constexpr std::string_view kPlace = "\"resourceVersion\":\"";

struct Selectable {
  const char* kind;
  const char* field;
  const char* pointer;
};

constexpr Selectable kSelectable[] = {
    {"Pod", "status.phase", "/status/phase"},
    {"Pod", "spec.nodeName", "/spec/nodeName"},
    {"Pod", "spec.restartPolicy", "/spec/restartPolicy"},
    {"Pod", "spec.serviceAccountName", "/spec/serviceAccountName"},
    {"Pod", "status.podIP", "/status/podIP"},
    {"Event", "involvedObject.kind", "/involvedObject/kind"},
    {"Event", "involvedObject.namespace", "/involvedObject/namespace"},
    {"Event", "involvedObject.name", "/involvedObject/name"},
    {"Event", "involvedObject.uid", "/involvedObject/uid"},
    {"Event", "involvedObject.apiVersion", "/involvedObject/apiVersion"},
    {"Event", "involvedObject.fieldPath", "/involvedObject/fieldPath"},
    {"Event", "reason", "/reason"},
    {"Event", "type", "/type"},
    {"Event", "reportingComponent", "/reportingComponent"},
    {"Event", "source", "/source/component"},
    {"Secret", "type", "/type"},
    {"Namespace", "status.phase", "/status/phase"},
    {"Job", "status.successful", "/status/succeeded"},
    {"Node", "spec.unschedulable", "/spec/unschedulable"},
};

std::string AsText(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.AsString() : value.Dump();
}

}  // namespace

Json StoredObject::Parse() const {
  auto parsed = Json::Parse(text);
  return parsed ? *std::move(parsed) : Json();
}

std::shared_ptr<StoredObject> MakeObject(const Kind& kind, const Json& object) {
  auto out = std::make_shared<StoredObject>();
  // It is written first, so that no annotation with the same name comes before it.
  Json head = Json::Obj({{"resourceVersion", ""}});
  for (const auto& [name, child] : object["metadata"].members())
    if (name != "resourceVersion") head.members().emplace_back(name, child);
  Json value = Json::Obj(
      {{"apiVersion", kind.api_version()}, {"kind", kind.kind}, {"metadata", std::move(head)}});
  for (const auto& [name, child] : object.members())
    if (name != "apiVersion" && name != "kind" && name != "metadata")
      value.members().emplace_back(name, child);
  value.DumpTo(out->text);
  const Json& metadata = value["metadata"];
  out->ns = metadata["namespace"].AsString();
  out->name = metadata["name"].AsString();
  out->uid = metadata["uid"].AsString();
  out->deleting = metadata.Has("deletionTimestamp");
  for (const auto& [key, label] : metadata["labels"].members())
    out->labels.emplace_back(key, label.AsString());
  for (const Json& finalizer : metadata["finalizers"].items())
    out->finalizers.push_back(finalizer.AsString());
  for (const Json& owner : metadata["ownerReferences"].items())
    out->owners.push_back({owner["apiVersion"].AsString(), owner["kind"].AsString(),
                           owner["name"].AsString(), owner["uid"].AsString(),
                           owner["blockOwnerDeletion"].AsBool()});
  out->fields = {{"metadata.name", out->name}, {"metadata.namespace", out->ns}};
  if (!kind.custom)
    for (const Selectable& one : kSelectable)
      if (kind.kind == one.kind) out->fields.emplace_back(one.field, AsText(value.At(one.pointer)));
  return out;
}

void SetVersion(StoredObject& object, uint64_t version) {
  object.version = version;
  const size_t at = object.text.find(kPlace) + kPlace.size();
  object.text.insert(at, std::to_string(version));
}

void AppendItem(const Kind& kind, const StoredObject& object, std::string& out) {
  std::string_view text = object.text;
  if (!kind.custom) {
    text.remove_prefix(text.find("\"metadata\":"));
    out += '{';
  }
  out += text;
}

void DropVersion(StoredObject& object) {
  object.text.erase(object.text.find(kPlace), kPlace.size() + 2);
}

std::shared_ptr<StoredObject> CopyForVersion(const StoredObject& object) {
  auto out = std::make_shared<StoredObject>(object);
  const size_t at = out->text.find(kPlace) + kPlace.size();
  out->text.erase(at, out->text.find('"', at) - at);
  return out;
}

std::vector<std::string> SelectableFields(const Kind& kind) {
  std::vector<std::string> out = {"metadata.name", "metadata.namespace"};
  if (kind.custom) return out;
  for (const Selectable& one : kSelectable)
    if (kind.kind == one.kind) out.emplace_back(one.field);
  return out;
}

}  // namespace slipway::sim
