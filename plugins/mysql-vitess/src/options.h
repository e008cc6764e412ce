// The my.cnf settings that a user may set, their limits and their defaults.
#pragma once
#include "kit.h"

namespace vitess {

// mysqld's memory. It gets at least 1Gi, whatever the tier says: with less it is killed.
int64_t MysqldMemoryLimit(const Sizing& sizing);

// Reads the my.cnf settings among the parameters, defaults filled in.
ParameterValues NormalisedOptions(const Json& given, const Sizing& sizing,
                                  const Complain& complain);

// JSON Schema of them.
Json OptionsSchema();

}  // namespace vitess
