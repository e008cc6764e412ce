#include "devcluster/type_view.h"

#include "devcluster/builtin_types.h"

namespace slipway::sim {

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

Json TypeView::KeyOf(const Json& item) const {
  return schema_ == nullptr ? Json::MakeObject() : sim::KeyOf(*schema_, item);
}

bool TypeView::Declares(std::string_view field) const {
  return root_ ||
         (schema_ != nullptr && schema_->properties.find(field) != schema_->properties.end());
}

std::string ElementOf(const TypeView& list, const Json& item) {
  return item.is_object() ? "k:" + list.KeyOf(item).Dump() : "v:" + item.Dump();
}

}  // namespace slipway::sim
