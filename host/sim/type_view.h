#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/kinds.h"

namespace slipway::sim {

// How a value is merged and owned, as its schema says. A small value that is passed down while
// walking.
class TypeView {
 public:
  enum class Shape { kScalar, kMap, kAtomic, kKeyedList, kSet };

  static TypeView Of(const Kind& kind);

  TypeView Field(std::string_view name) const;
  TypeView Item() const;
  Shape ShapeOf(const Json& value) const;
  // Of a keyed list.
  const std::vector<std::string>& Keys() const;
  // A map's own entries are owned one by one, a struct's fields need no mark of their own.
  bool Declares(std::string_view field) const;

  // Whether a strategic merge patch joins a list, and the key by which; else it is replaced.
  bool Merges() const { return schema_ != nullptr && schema_->merges; }

  std::string MergeKey() const { return schema_ == nullptr ? std::string() : schema_->merge_key; }

 private:
  const Schema* schema_ = nullptr;  // nullptr: free form
  bool root_ = false;
};

// The element of a keyed list or set, as FieldsV1 writes it: k:{"name":"x"}, v:"x".
std::string ElementOf(const TypeView& list, const Json& item);

}  // namespace slipway::sim
