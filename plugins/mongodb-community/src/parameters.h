// Which settings a user may set, within which limits, and what is set for them.
#pragma once
#include "kit.h"

namespace mongodb {

// The version and mongod's settings as mongod takes them, defaults filled in, sorted by name.
// Complains about everything that is wrong; the result is meaningful only when it did not.
Json NormalisedParameters(const Json& given, const Sizing& sizing, const Complain& complain);

// JSON Schema of the parameters, for describe.
Json ParametersSchema();

}  // namespace mongodb
