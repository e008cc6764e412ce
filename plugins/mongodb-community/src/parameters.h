// The settings of mongod that a user may set, their limits and their defaults.
#pragma once
#include "kit.h"

namespace mongodb {

// The version and mongod's settings as mongod takes them, defaults filled in, sorted by name.
// Complains about every mistake; the result means nothing after one.
Json NormalisedParameters(const Json& given, const Sizing& sizing, const Complain& complain);

// JSON Schema of the parameters, for describe.
Json ParametersSchema();

}  // namespace mongodb
