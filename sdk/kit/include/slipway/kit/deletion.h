// The pieces of taking an instance down, whatever its engine.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <slipway/kit/json.h>
#include <slipway/kit/verdict.h>

namespace slipway::kit {

// The lines of the inventory of one kind.
std::vector<const Json*> OfKind(const Json& inventory, std::string_view kind);
// A line of the inventory as `delete` takes it.
Json Reference(const Json& ref);
Json WaitingForReference(const Json& ref);
// Why an observed object is still there: its finalizers, if it has any.
Judgement StillThere(const Json& object, int percent);
// Deletes all that the inventory has of `kinds`, in that order; nothing when there is none left.
// What is waited for is the first of them.
std::optional<Judgement> DeleteAll(const Json& inventory, std::span<const char* const> kinds,
                                   Judgement judgement, Json& deletions);

}  // namespace slipway::kit
