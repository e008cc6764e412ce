#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace slipway::engine {

// A compiled JSON Schema. It knows the keywords that sdk/schema uses: type, enum, const,
// properties, additionalProperties, required, minProperties, maxProperties, items, minItems,
// maxItems, minimum, maximum, minLength, maxLength, pattern, anyOf, if and then, and $ref within
// the document. Other keywords refuse nothing. Immutable; any thread may check.
class Schema {
 public:
  enum class Patterns { kMatched, kIgnored };

  struct Violation {
    std::string pointer;  // into the value
    std::string what;     // "is not a string"
  };

  // kInvalid "BadSchema" with the pointer to the invalid part. Use `kIgnored` for foreign schemas:
  // their patterns may compute for ever.
  static Result<Schema> Compile(Json schema, Patterns patterns);

  // The first violation; members come before missing members.
  std::optional<Violation> Check(const Json& value) const { return Check(value, ""); }

  // The same for a part of the schema, such as "/$defs/input".
  std::optional<Violation> Check(const Json& value, const std::string& part) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace slipway::engine
