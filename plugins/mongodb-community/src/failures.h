// Translates the operator's messages: what each one means, and which object it is about.
#pragma once
#include <optional>

#include "kit.h"

namespace mongodb {

// The judgement of a resource whose phase is Failed, or Pending for a reason in its message;
// nullopt while it is simply not finished. The operator retries for ever, so only a failure that no
// retry can mend blocks.
std::optional<Judgement> ToldFailure(const Instance& instance, const Json& resource, int percent);

}  // namespace mongodb
