#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "devcluster/status.h"

namespace slipway::sim {

// A structural schema (openAPIV3Schema of a CRD) as a tree that is quick to walk, or one of
// Kubernetes' own types (builtin_types.h), whose parts are shared. Immutable. It does not evaluate
// x-kubernetes-validations (CEL), nor anyOf/oneOf/allOf/not except for int-or-string.
struct Schema {
  enum class Type { kAny, kObject, kArray, kString, kInteger, kNumber, kBoolean, kIntOrString };
  enum class ListType { kAtomic, kSet, kMap };
  // The Go type of a string in Kubernetes' own types.
  enum class Format { kPlain, kBytes, kTime, kMicroTime, kQuantity };

  // How Go holds and writes a field. `number` and `inner` are its numbers in protobuf; `inner` is
  // set for a field of an inlined struct that is a message of its own there.
  struct GoField {
    std::string name;
    uint32_t number = 0, inner = 0;
    bool pointer = false, always = false, omit_zero = false;
  };

  Type type = Type::kAny;
  Format format = Format::kPlain;
  std::map<std::string, std::shared_ptr<const Schema>, std::less<>> properties;
  std::shared_ptr<const Schema> items;
  std::shared_ptr<const Schema> additional;  // schema of a map's values
  std::vector<std::string> required;
  std::vector<Json> values;  // enum
  std::optional<double> minimum, maximum;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<int64_t> min_length, max_length, min_items, max_items;
  std::string pattern;
  std::shared_ptr<const std::regex> regex;
  Json fallback;  // default; for Kubernetes' own types only in the keys of lists
  bool nullable = false;
  bool preserve_unknown = false;
  bool embedded_resource = false;
  bool atomic_map = false;
  ListType list_type = ListType::kAtomic;
  std::vector<std::string> list_map_keys;
  bool merges = false;    // in strategic merge patches
  std::string merge_key;  // "" for a list of scalars
  std::string go_type;    // "v1.ObjectMeta", for structs of Kubernetes' own
  std::vector<GoField> go_fields;

  static std::unique_ptr<Schema> FromJson(const Json& json);
};

// The key of an element of a keyed list, completed by its defaults: {"port":80,"protocol":"TCP"}.
// Leaves out keys without a value.
Json KeyOf(const Schema& list, const Json& item);
// Removes what the schema does not know and returns the removed paths ("spec.foo"), except those
// below the root's metadata.
std::vector<std::string> Prune(const Schema& schema, Json& object);
// Fills in defaults where a field is absent (or null and not nullable).
void ApplyDefaults(const Schema& schema, Json& object);
// Returns all violations, in document order.
std::vector<Cause> Validate(const Schema& schema, const Json& object);
// Returns the type errors of server-side apply: ".spec.foo: field not declared in schema".
std::vector<std::string> TypedErrors(const Schema& schema, const Json& object);

}  // namespace slipway::sim
