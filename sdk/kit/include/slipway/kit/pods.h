// What pods, volumes and jobs say about themselves that no operator puts into its status.
#pragma once
#include <optional>
#include <string>

#include <slipway/kit/json.h>

namespace slipway::kit {

struct Trouble {
  const Json* object;
  std::string reason;
  std::string message;
  int severity;  // the highest one is shown
};

bool IsGoing(const Json& object);
// Running, Ready and not on its way out.
bool IsReadyPod(const Json& pod);
// Among the containers' and init containers' statuses.
bool HasContainer(const Json& pod, std::string_view name);

std::optional<Trouble> PodTrouble(const Json& pod);
// `has_pod`: one of the job's pods exists.
std::optional<Trouble> JobTrouble(const Json& job, bool has_pod);
std::optional<Trouble> VolumeTrouble(const Json& volume);

}  // namespace slipway::kit
