// Judges whether the observed cluster is healthy. Pure: the only clock is the call's.
#pragma once
#include "scene.h"

namespace vitess {

// Ready when the cluster is available; otherwise names the one thing that stands in the way.
Judgement JudgeCluster(const Scene& scene);
// Ready when every shard has a complete backup, and every schedule a next time.
Judgement JudgeArchive(const Scene& scene);
// Both.
Judgement JudgeBackups(const Scene& scene);

}  // namespace vitess
