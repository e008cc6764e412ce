// Judges one shard, and the pods and volumes that should exist.
#pragma once
#include <optional>
#include <string>

#include "scene.h"

namespace vitess {

std::string ShardName(const Database& database, const KeyRange& range);

// The fault of a shard; nullopt if it has none.
std::optional<Judgement> JudgeShard(const Scene& scene, const KeyRange& range, int percent);
// The reason why pods do not exist. Only events tell it, but a missing PriorityClass can be seen.
Judgement PodsMissing(const Scene& scene, const char* kind, const std::string& owner, int percent);
// The fault of the volume of an absent or unready pod.
std::optional<Judgement> JudgeVolume(const Scene& scene, const std::string& name, int percent);

}  // namespace vitess
