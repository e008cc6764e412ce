// Which PostgreSQL settings a user may set, within which limits, and what is set for them.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "json.h"

namespace cnpg {

// The size of one instance, which the limits and defaults follow.
struct Sizing {
  int64_t memory_bytes = 0;
  int64_t storage_bytes = 0;
  int64_t cpu_millis = 0;

  int64_t MemoryKb() const { return memory_bytes >> 10; }

  int64_t StorageKb() const { return storage_bytes >> 10; }

  int64_t MaxConnectionsLimit() const;
};

// Receives a JSON Pointer into the spec, a stable reason and a text for a person.
using Complain =
    std::function<void(const std::string& pointer, const std::string& reason, const std::string&)>;

// The parameters as the operator wants them: strings, defaults filled in, sorted by name. Complains
// about everything that is wrong; the result is meaningful only when it did not.
Json NormalisedParameters(const Json& given, const Sizing& sizing, const Complain& complain);

// JSON Schema of the parameters, for describe.
Json ParametersSchema();

}  // namespace cnpg
