// The PostgreSQL settings that a user may set, their limits and their defaults.
#pragma once
#include "kit.h"

namespace cnpg {

// The parameters as the operator wants them: strings, defaults filled in, sorted by name. Complains
// about every mistake; the result means nothing after one. `source` has the parameters of the
// instance that this one is restored from, or is null: a server replays a log only under limits at
// least as high as those that the log was written under.
Json NormalisedParameters(const Json& given, const Sizing& sizing, const Json& source,
                          const Complain& complain);

// `given` without the values that were defaults before, and still are as they were: those follow
// the new size. `previous` is the spec that stands, or null.
Json OwnParameters(const Json& given, const Json& previous);

// JSON Schema of the parameters, for describe.
Json ParametersSchema();

}  // namespace cnpg
