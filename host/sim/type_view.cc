#include "sim/type_view.h"

#include "sim/builtin_types.h"

namespace slipway::sim {

namespace {

const std::vector<std::string> kNoKeys;

}  // namespace

TypeView TypeView::Of(const Kind& kind) {
  TypeView out;
  out.root_ = true;
  out.schema_ = kind.schema.get();
  return out;
}

TypeView TypeView::Field(std::string_view name) const {
  TypeView out;
  const bool resource = root_ || (schema_ != nullptr && schema_->embedded_resource);
  if (name == "metadata" && resource) {
    out.schema_ = BuiltinType("meta.v1.ObjectMeta").get();
  } else if (schema_ != nullptr) {
    const auto property = schema_->properties.find(name);
    out.schema_ =
        property != schema_->properties.end() ? property->second.get() : schema_->additional.get();
  }
  return out;
}

TypeView TypeView::Item() const {
  TypeView out;
  out.schema_ = schema_ == nullptr ? nullptr : schema_->items.get();
  return out;
}

TypeView::Shape TypeView::ShapeOf(const Json& value) const {
  if (value.is_object())
    return schema_ != nullptr && schema_->atomic_map ? Shape::kAtomic : Shape::kMap;
  if (!value.is_array()) return Shape::kScalar;
  if (schema_ == nullptr) return Shape::kAtomic;
  if (schema_->list_type == Schema::ListType::kMap) return Shape::kKeyedList;
  return schema_->list_type == Schema::ListType::kSet ? Shape::kSet : Shape::kAtomic;
}

const std::vector<std::string>& TypeView::Keys() const {
  return schema_ == nullptr ? kNoKeys : schema_->list_map_keys;
}

bool TypeView::Declares(std::string_view field) const {
  return root_ ||
         (schema_ != nullptr && schema_->properties.find(field) != schema_->properties.end());
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
