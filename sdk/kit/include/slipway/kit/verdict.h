// What a step says: a judgement, the one thing that is waited for, and the answer made of it.
#pragma once
#include <string>
#include <string_view>

#include <slipway/kit/json.h>

namespace slipway::kit {

struct Judgement {
  std::string state = "progressing";
  std::string reason, message;
  int percent = -1;       // none
  Json waiting_for = {};  // null: nothing in particular

  Json ToJson() const;
};

Json WaitingFor(const Json& object, const std::string& reason);
Json WaitingFor(const char* kind, const std::string& ns, const std::string& name,
                const std::string& reason);

// step's answer: the verdict and, while it makes progress, when to look for what no watch reports.
Json Result(const Judgement& judgement);
// A stage that has nothing to do.
Json Skip(const char* reason, const std::string& message);

// The condition `type` of status.conditions; null when there is none.
const Json& Condition(const Json& object, std::string_view type);
bool IsTrue(const Json& condition);

// Does the cluster know "apiVersion/Kind"? What the host does not speak of is taken to be there.
bool Known(const Json& input, const std::string& kind);
bool InInventory(const Json& input, std::string_view kind);
// `part` of `whole` in per cent, never 100: that is for what is ready.
int Percent(int64_t part, int64_t whole);

// Of an instance of a tier without PodMonitor, or of a cluster that does not know the kind: the
// skipping answer to METRICS_SETUP; null when it is to be done.
Json SkipMetrics(const Json& input);

}  // namespace slipway::kit
