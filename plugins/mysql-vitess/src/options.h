// Which my.cnf settings a user may set, within which limits, and what is set for them.
#pragma once
#include "kit.h"

namespace vitess {

// mysqld gets at least so much, whatever the tier says: below it is killed for lack of memory.
int64_t MysqldMemoryLimit(const Sizing& sizing);

// Reads the my.cnf settings among the parameters, defaults filled in.
ParameterValues NormalisedOptions(const Json& given, const Sizing& sizing,
                                  const Complain& complain);

// JSON Schema of them.
Json OptionsSchema();

}  // namespace vitess
