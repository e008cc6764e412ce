#include "devcluster/schema.h"

namespace slipway::sim {

namespace {

Schema::Type TypeOf(const Json& json) {
  if (json["x-kubernetes-int-or-string"].AsBool()) return Schema::Type::kIntOrString;
  const std::string& type = json["type"].AsString();
  if (type == "object") return Schema::Type::kObject;
  if (type == "array") return Schema::Type::kArray;
  if (type == "string") return Schema::Type::kString;
  if (type == "integer") return Schema::Type::kInteger;
  if (type == "number") return Schema::Type::kNumber;
  if (type == "boolean") return Schema::Type::kBoolean;
  return Schema::Type::kAny;
}

std::optional<int64_t> OptionalInt(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.AsInt();
}

std::optional<double> OptionalDouble(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.AsDouble();
}

std::string Join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

void PruneAt(const Schema& schema, Json& value, const std::string& path, bool root,
             std::vector<std::string>& removed) {
  if (value.is_array()) {
    if (schema.items == nullptr) return;
    size_t i = 0;
    for (Json& item : value.items())
      PruneAt(*schema.items, item, path + "[" + std::to_string(i++) + "]", false, removed);
    return;
  }
  if (!value.is_object()) return;
  // Without properties and without a schema for values, the object loses its content unless it is
  // preserved.
  std::erase_if(value.members(), [&](Json::Member& member) {
    auto& [key, child] = member;
    const bool resource = root || schema.embedded_resource;
    if (resource && (key == "apiVersion" || key == "kind" || key == "metadata")) return false;
    const auto property = schema.properties.find(key);
    if (property != schema.properties.end()) {
      PruneAt(*property->second, child, Join(path, key), false, removed);
    } else if (schema.additional != nullptr) {
      PruneAt(*schema.additional, child, Join(path, key), false, removed);
    } else if (!schema.preserve_unknown && schema.type != Schema::Type::kAny) {
      removed.push_back(Join(path, key));
      return true;
    }
    return false;
  });
}

}  // namespace

std::unique_ptr<Schema> Schema::FromJson(const Json& json) {
  auto out = std::make_unique<Schema>();
  out->type = TypeOf(json);
  for (const auto& [key, value] : json["properties"].members())
    out->properties.emplace(key, FromJson(value));
  if (json["items"].is_object()) out->items = FromJson(json["items"]);
  const Json& additional = json["additionalProperties"];
  if (additional.is_object()) out->additional = FromJson(additional);
  if (additional.AsBool()) out->preserve_unknown = true;
  for (const Json& name : json["required"].items()) out->required.push_back(name.AsString());
  out->values = json["enum"].items();
  out->minimum = OptionalDouble(json["minimum"]);
  out->maximum = OptionalDouble(json["maximum"]);
  out->exclusive_minimum = json["exclusiveMinimum"].AsBool();
  out->exclusive_maximum = json["exclusiveMaximum"].AsBool();
  out->min_length = OptionalInt(json["minLength"]);
  out->max_length = OptionalInt(json["maxLength"]);
  out->min_items = OptionalInt(json["minItems"]);
  out->max_items = OptionalInt(json["maxItems"]);
  out->pattern = json["pattern"].AsString();
  if (!out->pattern.empty()) {
    try {
      out->regex = std::make_shared<const std::regex>(out->pattern, std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      out->regex = nullptr;  // we do not check RE2 syntax that ECMAScript lacks
    }
  }
  out->fallback = json["default"];
  out->nullable = json["nullable"].AsBool();
  out->preserve_unknown =
      out->preserve_unknown || json["x-kubernetes-preserve-unknown-fields"].AsBool();
  out->embedded_resource = json["x-kubernetes-embedded-resource"].AsBool();
  out->atomic_map = json["x-kubernetes-map-type"].AsString() == "atomic";
  const std::string& list = json["x-kubernetes-list-type"].AsString();
  if (list == "map") out->list_type = ListType::kMap;
  if (list == "set") out->list_type = ListType::kSet;
  for (const Json& key : json["x-kubernetes-list-map-keys"].items())
    out->list_map_keys.push_back(key.AsString());
  return out;
}

Json KeyOf(const Schema& list, const Json& item) {
  Json key = Json::MakeObject();
  for (const std::string& name : list.list_map_keys) {
    const Json* value = item.Find(name);
    if (value == nullptr && list.items != nullptr) {
      const auto property = list.items->properties.find(name);
      if (property != list.items->properties.end() && !property->second->fallback.is_null())
        value = &property->second->fallback;
    }
    if (value != nullptr) key.Set(name, *value);
  }
  return key;
}

std::vector<std::string> Prune(const Schema& schema, Json& object) {
  std::vector<std::string> removed;
  PruneAt(schema, object, "", true, removed);
  return removed;
}

void ApplyDefaults(const Schema& schema, Json& object) {
  if (object.is_array()) {
    if (schema.items == nullptr) return;
    for (Json& item : object.items()) ApplyDefaults(*schema.items, item);
    return;
  }
  if (!object.is_object()) return;
  for (const auto& [key, property] : schema.properties) {
    Json* child = object.Find(key);
    if (child != nullptr && !(child->is_null() && !property->nullable)) {
      ApplyDefaults(*property, *child);
    } else if (property->fallback.is_null()) {
      if (child != nullptr) object.Erase(key);
    } else {
      Json value = property->fallback;
      ApplyDefaults(*property, value);
      object.Set(key, std::move(value));
    }
  }
  if (schema.additional == nullptr) return;
  for (auto& [key, child] : object.members())
    if (schema.properties.find(key) == schema.properties.end())
      ApplyDefaults(*schema.additional, child);
}

}  // namespace slipway::sim
