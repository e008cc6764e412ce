// What the operator's messages mean and which object each of them is about.
#pragma once
#include <optional>

#include "kit.h"

namespace mongodb {

// Of a resource whose phase is Failed, or Pending for a reason that its message tells; nothing
// while it is simply not finished. The operator retries for ever: only what no retry can mend is
// left to a person.
std::optional<Judgement> ToldFailure(const Instance& instance, const Json& resource, int percent);

}  // namespace mongodb
