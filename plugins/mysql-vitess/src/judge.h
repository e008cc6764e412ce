// What is there and whether it is well. Pure: the only clock is the call's.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spec.h"

namespace vitess {

// One instance's observed objects; the pointers live as long as the input.
struct Observed {
  const Json* cluster = nullptr;
  std::vector<const Json*> pods, schedules;

  Observed(const Json& objects, const std::string& name);
  std::vector<const Json*> PodsOf(const char* component) const;
  const Json* PodNamed(const std::string& name) const;
};

// Objects without our label, by name: what is not among the step's needs is asked for.
class Looks {
 public:
  explicit Looks(const Json& input) : needs_(input["needs"]) {}

  // Nothing while it was not fetched; null when it does not exist.
  const Json* Find(const char* api, const char* kind, const std::string& name);
  // `answer` with what must be fetched first.
  Json Asking(Json answer) const;

  bool Asks() const { return !wanted_.IsNull(); }

 private:
  const Json& needs_;
  Json wanted_;
};

// All that a judgement looks at.
struct Scene {
  const Database& database;
  const Observed& observed;
  Looks& looks;
  int64_t now_ms;
  int64_t waited_ms;  // since the question was first asked

  Json On(const char* kind, const std::string& name, const char* reason) const {
    return WaitingFor(kind, database.ns, name, reason);
  }
};

std::string ShardName(const Database& database, const KeyRange& range);

// The rule of an available cluster and, when it is not, the one thing that stands in the way.
Judgement JudgeCluster(const Scene& scene);
// Also: every shard has a complete backup, and every schedule a next time.
Judgement JudgeBackups(const Scene& scene);

// shards.cc: what is wrong with a shard; nothing when nothing is.
std::optional<Judgement> JudgeShard(const Scene& scene, const KeyRange& range, int percent);
// Why pods that should be there are not; events say it, but a missing PriorityClass can be seen.
Judgement PodsMissing(const Scene& scene, const char* kind, const std::string& owner, int percent);
// The volume of an absent or unready pod.
std::optional<Judgement> JudgeVolume(const Scene& scene, const std::string& name, int percent);

}  // namespace vitess
