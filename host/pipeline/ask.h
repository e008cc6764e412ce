#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/inputs.h"
#include "engine/results.h"
#include "kube/cluster.h"
#include "pipeline/observer.h"
#include "store/records.h"

namespace slipway::pipeline {

// Asking an engine about an instance: what is observed goes in with the question, what the engine
// needs to know besides is fetched, and the answer comes back typed.

engine::InstanceFacts FactsOf(const store::InstanceRecord& instance);

// The spec, arguments and carry of an operation in the form that a question has them. kInternal
// "StoreCorrupt" when they are no JSON.
Result<void> FillFrom(const store::OperationRecord& operation, engine::StepInput& input);

struct Answer {
  engine::StepResult result;
  Json observed;  // the objects that the engine judged
};

// The side that failed decides what follows.
struct AskFailure {
  enum class Side { kEngine, kCluster, kCache } side = Side::kEngine;
  Error error;
};

struct AskDeps {
  kube::Cluster& cluster;
  const Observer& observer;
};

// Fills in what is observed and the facts, calls step() until it needs nothing more, at most four
// rounds. True: `answer` is there. False: `failure` is.
bool Ask(const AskDeps& deps, engine::Engine& engine, engine::StepInput& input, Answer& answer,
         AskFailure& failure);

}  // namespace slipway::pipeline
