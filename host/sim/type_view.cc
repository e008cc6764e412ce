#include "sim/type_view.h"

namespace slipway::sim {

namespace {

struct KnownList {
  const char* parent;  // "" for any
  const char* field;
  std::vector<std::string> keys;  // empty: a set of scalars
};

const std::vector<KnownList>& KnownLists() {
  static const std::vector<KnownList> kLists = {
      {"", "containers", {"name"}},
      {"", "initContainers", {"name"}},
      {"", "ephemeralContainers", {"name"}},
      {"", "env", {"name"}},
      {"", "volumes", {"name"}},
      {"", "imagePullSecrets", {"name"}},
      {"", "secrets", {"name"}},
      {"", "resourceClaims", {"name"}},
      {"", "volumeMounts", {"mountPath"}},
      {"", "volumeDevices", {"devicePath"}},
      {"", "conditions", {"type"}},
      {"", "ownerReferences", {"uid"}},
      {"", "hostAliases", {"ip"}},
      {"", "podIPs", {"ip"}},
      {"", "topologySpreadConstraints", {"topologyKey", "whenUnsatisfiable"}},
      {"containers", "ports", {"containerPort", "protocol"}},
      {"initContainers", "ports", {"containerPort", "protocol"}},
      {"spec", "ports", {"port", "protocol"}},
      {"metadata", "finalizers", {}},
  };
  return kLists;
}

const KnownList* FindKnown(std::string_view parent, std::string_view field) {
  for (const KnownList& list : KnownLists())
    if (field == list.field && (*list.parent == 0 || parent == list.parent)) return &list;
  return nullptr;
}

bool KnownAtomicMap(std::string_view parent, std::string_view field) {
  return field == "nodeSelector" || (field == "selector" && parent == "spec") ||
         field == "fieldRef" || field == "resourceFieldRef" || field == "secretKeyRef" ||
         field == "configMapKeyRef" || field == "secretRef" || field == "configMapRef" ||
         field == "roleRef" || field == "claimRef" || field == "dataSource" ||
         field == "involvedObject";
}

// Maps whose entries are data, not fields.
bool KnownDataMap(std::string_view field) {
  return field == "labels" || field == "annotations" || field == "data" || field == "stringData" ||
         field == "binaryData" || field == "matchLabels" || field == "limits" ||
         field == "requests" || field == "capacity" || field == "hard" || field == "used" ||
         field == "parameters" || field == "allocatedResources";
}

const std::vector<std::string> kNoKeys;

}  // namespace

TypeView TypeView::Of(const Kind& kind) {
  TypeView out;
  out.root_ = true;
  out.schema_ = kind.schema.get();
  out.source_ = kind.schema != nullptr ? Source::kSchema
                : kind.custom          ? Source::kFree
                                       : Source::kKnown;
  return out;
}

TypeView TypeView::Field(std::string_view name) const {
  TypeView out;
  out.parent_ = field_;
  out.field_ = name;
  const bool resource = root_ || (schema_ != nullptr && schema_->embedded_resource);
  if (source_ == Source::kKnown || (name == "metadata" && resource)) {
    out.source_ = Source::kKnown;
  } else if (schema_ != nullptr) {
    const auto property = schema_->properties.find(name);
    out.schema_ =
        property != schema_->properties.end() ? property->second.get() : schema_->additional.get();
    out.source_ = out.schema_ != nullptr ? Source::kSchema : Source::kFree;
  }
  return out;
}

TypeView TypeView::Item() const {
  TypeView out = *this;
  out.root_ = false;
  if (source_ == Source::kSchema) {
    out.schema_ = schema_->items.get();
    if (out.schema_ == nullptr) out.source_ = Source::kFree;
  }
  return out;
}

TypeView::Shape TypeView::ShapeOf(const Json& value) const {
  if (value.is_object()) {
    if (source_ == Source::kSchema) return schema_->atomic_map ? Shape::kAtomic : Shape::kMap;
    if (source_ == Source::kKnown && KnownAtomicMap(parent_, field_)) return Shape::kAtomic;
    return Shape::kMap;
  }
  if (!value.is_array()) return Shape::kScalar;
  if (source_ == Source::kSchema) {
    if (schema_->list_type == Schema::ListType::kMap) return Shape::kKeyedList;
    return schema_->list_type == Schema::ListType::kSet ? Shape::kSet : Shape::kAtomic;
  }
  if (source_ != Source::kKnown) return Shape::kAtomic;
  const KnownList* known = FindKnown(parent_, field_);
  if (known == nullptr) return Shape::kAtomic;
  for (const Json& item : value.items())
    if (item.is_object() == known->keys.empty())
      return Shape::kAtomic;  // another list of that name
  return known->keys.empty() ? Shape::kSet : Shape::kKeyedList;
}

const std::vector<std::string>& TypeView::Keys() const {
  if (source_ == Source::kSchema) return schema_->list_map_keys;
  const KnownList* known = FindKnown(parent_, field_);
  return known == nullptr ? kNoKeys : known->keys;
}

bool TypeView::Declares(std::string_view field) const {
  if (root_) return true;
  if (source_ == Source::kSchema)
    return schema_->properties.find(field) != schema_->properties.end();
  return source_ == Source::kKnown && !KnownDataMap(field_);
}

std::string TypeView::MergeKey() const {
  const KnownList* known = source_ == Source::kKnown ? FindKnown(parent_, field_) : nullptr;
  return known == nullptr || known->keys.empty() ? std::string() : known->keys.front();
}

std::string ElementOf(const TypeView& list, const Json& item) {
  if (!item.is_object()) return "v:" + item.Dump();
  Json key = Json::MakeObject();
  for (const std::string& name : list.Keys()) {
    if (const Json* value = item.Find(name); value != nullptr) {
      key.Set(name, *value);
    } else if (name == "protocol") {
      key.Set(name, "TCP");
    }
  }
  return "k:" + key.Dump();
}

}  // namespace slipway::sim
