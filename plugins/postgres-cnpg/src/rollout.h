// Restarts and switchovers: what the operator is asked for, and how far it has got.
#pragma once
#include <cstdint>
#include <string>

#include "judge.h"

namespace cnpg {

// The answer of RESTART: sets the annotation that CloudNativePG restarts for, to the time of the
// operation. Ready once the Cluster has it.
Json AskRestart(const Instance& instance, const Json& cluster, int64_t started_ms);

// Ready when every server has the size of the spec, every volume its storage, and the operator has
// had the time to see new parameters: nothing shows which ones a server runs with. `before`: the
// parameters that it had.
Judgement JudgeUpdate(const Instance& instance, const Json& before, const Observed& observed,
                      int64_t waited_ms);

// Ready when every pod has been restarted for the Cluster's annotation and the Cluster is healthy.
Judgement JudgeRestart(const Instance& instance, const Observed& observed, int64_t waited_ms);

struct Wish {
  std::string operation_id;
  std::string target;  // the pod's name; empty: the engine chooses
  int64_t now_ms;
};

// The answer of SWITCHOVER. The choice stands in an annotation of the Cluster, so that the engine
// knows its own request from an earlier one. An operator drops a target that it cannot promote
// without a word: it is asked again as long as the target is ready. `health` judges the Cluster.
Json SwitchTo(const Wish& wish, const Instance& instance, const Observed& observed,
              const Judgement& health);

}  // namespace cnpg
