#pragma once

#include <string>
#include <vector>

#include "app/settings.h"

namespace slipway::app {

enum class Cluster { kOfItsOwn, kOfTheSettings };  // --dev, or not

// Finds the problems of a start with these settings on this machine: address, directories, engines,
// kubeconfig, master key, and stores for backups. Starts nothing; puts an object into each store
// and deletes it again.
std::vector<std::string> CheckSettings(const Settings& settings, const Environment& environment,
                                       Cluster cluster);

}  // namespace slipway::app
