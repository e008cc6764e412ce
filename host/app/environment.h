#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::app {

// "/listen/port" → "SLIPWAY_LISTEN_PORT".
std::string EnvironmentName(std::string_view pointer);

// Returns one problem per variable SLIPWAY_… that is not in `known`, and suggests a similar name.
// It ignores the variables that Kubernetes sets in a pod for a Service named slipway….
std::vector<std::string> UnknownVariables(const std::map<std::string, std::string>& environment,
                                          const std::vector<std::string>& known);

}  // namespace slipway::app
