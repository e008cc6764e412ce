// Troubles that pods, volumes and jobs show and no operator puts into its status.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <slipway/kit/json.h>

namespace slipway::kit {

struct Trouble {
  const Json* object;
  std::string reason;
  std::string message;
  int severity;  // users see the trouble with the highest one
};

bool IsGoing(const Json& object);
// Running, Ready and not on its way out.
bool IsReadyPod(const Json& pod);
int64_t ReadyPods(const std::vector<const Json*>& pods);
// Looks for `name` among the statuses of the containers and init containers.
bool HasContainer(const Json& pod, std::string_view name);

std::optional<Trouble> PodTrouble(const Json& pod);
// `has_pod`: one of the job's pods exists.
std::optional<Trouble> JobTrouble(const Json& job, bool has_pod);
std::optional<Trouble> VolumeTrouble(const Json& volume);

// The one with the higher severity, the first if they are equal.
std::optional<Trouble> Worse(std::optional<Trouble> first, std::optional<Trouble> second);
std::optional<Trouble> WorstOfPods(const std::vector<const Json*>& pods);
std::optional<Trouble> WorstOfVolumes(const std::vector<const Json*>& volumes);

// Entries of describe's `watches` that keep what the functions above read; `more` comes first.
Json WatchPods(std::initializer_list<Json> more = {});
Json WatchVolumes(std::initializer_list<Json> more = {});

}  // namespace slipway::kit
