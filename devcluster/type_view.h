#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "devcluster/kinds.h"

namespace slipway::sim {

// How a value is merged and owned, according to its schema. It is small, and walks pass it down by
// value.
class TypeView {
 public:
  enum class Shape { kScalar, kMap, kAtomic, kKeyedList, kSet };

  static TypeView Of(const Kind& kind);

  TypeView Field(std::string_view name) const;
  TypeView Item() const;
  Shape ShapeOf(const Json& value) const;
  // The key of an element of a keyed list, completed by defaults.
  Json KeyOf(const Json& item) const;
  // The entries of a map are owned one by one; the fields of a struct need no mark of their own.
  bool Declares(std::string_view field) const;

  // True when a strategic merge patch joins a list, by MergeKey(); otherwise it replaces the list.
  bool Merges() const { return schema_ != nullptr && schema_->merges; }

  std::string MergeKey() const { return schema_ == nullptr ? std::string() : schema_->merge_key; }

 private:
  const Schema* schema_ = nullptr;  // nullptr for free form
  bool root_ = false;
};

// The element of a keyed list or set, as FieldsV1 writes it: k:{"name":"x"}, v:"x".
std::string ElementOf(const TypeView& list, const Json& item);

}  // namespace slipway::sim
