// Judges whether the observed Cluster is healthy. Pure: the only clock is the call's.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kit.h"

namespace cnpg {

inline constexpr MainObject kCluster{"Cluster", "Cluster"};

// One instance's observed objects by their part; the pointers live as long as the input.
struct Observed {
  const Json* cluster = nullptr;
  std::vector<const Json*> pods;      // of instances
  std::vector<const Json*> job_pods;  // of the jobs that create and join them
  std::vector<const Json*> volumes, jobs, services, backups;
  const Json* store = nullptr;  // the instance's own ObjectStore

  Observed(const Json& objects, const Instance& instance);
};

// The worst of what pods, jobs and volumes show.
std::optional<Trouble> FindTrouble(const Observed& observed);

// HEALTHY, FAILING or NOT_STARTED, as in outputs.window; empty without a Cluster.
std::string ArchiveState(const Observed& observed);
// The operator's words about an archive that fails.
const std::string& ArchiveError(const Json& cluster);

// Ready when the Cluster is healthy; otherwise names the one thing that stands in the way. With
// `archiving` backups must work too. `waited_ms`: see WaitedMs.
Judgement JudgeCluster(const Instance& instance, const Observed& observed, bool archiving,
                       int64_t waited_ms);

// Ready when, besides, every instance pod has the side-car and the operator knows the plugin.
Judgement JudgeArchiving(const Instance& instance, const Observed& observed, int64_t waited_ms);

// Ready when a backup can be made: it needs one instance, not all of them, and an archive that
// works.
Judgement JudgeArchiver(const Instance& instance, const Observed& observed);

}  // namespace cnpg
