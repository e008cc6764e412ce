#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/kinds.h"

namespace slipway::sim {

// How a value is merged and owned: what the schema of a custom resource says, or for built-in kinds
// what is known of Kubernetes' own lists. A small value that is passed down while walking.
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
  // The key that a strategic merge patch joins a list by; "" when the list is replaced.
  std::string MergeKey() const;

 private:
  // Below a schema, below metadata or in a built-in kind (known names), or free form.
  enum class Source { kSchema, kKnown, kFree };

  Source source_ = Source::kFree;
  const Schema* schema_ = nullptr;
  std::string field_, parent_;
  bool root_ = false;
};

// The element of a keyed list or set, as FieldsV1 writes it: k:{"name":"x"}, v:"x".
std::string ElementOf(const TypeView& list, const Json& item);

}  // namespace slipway::sim
