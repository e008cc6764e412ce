// The answer of a step: a judgement, the one thing that it waits for, and the document made of it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <slipway/kit/json.h>

namespace slipway::kit {

enum class VerdictState { kProgressing, kReady, kSkipped, kFailed, kBlocked };

struct Judgement {
  VerdictState state = VerdictState::kProgressing;
  std::string reason, message;
  int percent = -1;       // -1: the verdict gives none
  Json waiting_for = {};  // null: nothing in particular

  bool IsReady() const { return state == VerdictState::kReady; }

  Json ToJson() const;
};

// `percent` is -1 where nothing can be counted.
Judgement Progress(std::string reason, std::string message, int percent, Json waiting_for = {});
Judgement Ready(std::string reason, std::string message);
Judgement Failed(std::string reason, std::string message);
Judgement Blocked(std::string reason, std::string message, int percent = -1, Json waiting_for = {});

Json WaitingFor(const Json& object, const std::string& reason);
Json WaitingFor(const std::string& kind, const std::string& ns, const std::string& name,
                const std::string& reason);

// The answer of step. A stage in progress is looked at again soon, for no watch reports everything.
Json Result(const Judgement& judgement);
// The same, with the objects to apply.
Json Applying(const Judgement& judgement, Json objects);
// The answer of a stage that has nothing to do.
Json Skip(const std::string& reason, const std::string& message);

// The condition `type` of status.conditions; null without one.
const Json& Condition(const Json& object, std::string_view type);
bool IsTrue(const Json& condition);

// Tells whether the cluster knows "apiVersion/Kind". A kind that the host does not mention counts
// as known.
bool Known(const Json& input, const std::string& kind);
bool InInventory(const Json& input, std::string_view kind);
// The line of one object; null without one. It has a `uid` once the object existed.
const Json& InventoryLine(const Json& input, std::string_view kind, std::string_view name);
// `part` of `whole` in per cent, at most 99: only a ready verdict says 100.
int Percent(int64_t part, int64_t whole);

}  // namespace slipway::kit
