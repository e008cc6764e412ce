#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sim/kinds.h"
#include "sim/status.h"

namespace slipway::sim {

// The names and the conversion that a definition need not say.
void DefaultDefinition(Json& definition);
// Fills in what the server adds to a CustomResourceDefinition (names, Established) and refuses one
// that cannot be served.
Answer<Done> CompleteDefinition(Json& definition, const std::string& now);
// The kinds that a definition serves, one per served version.
std::vector<Kind> KindsOf(const Json& definition);

// The definitions that come with the simulator: CloudNativePG, its Barman plugin, PodMonitor,
// MongoDBCommunity and the Vitess operator's, with the fields that Slipway sets.
Result<std::vector<Json>> BuiltinDefinitions();
// Those of MongoDB and of Vitess in the short form of BuiltinDefinitions.
extern const char kMongodbDefinitions[];
extern const char kVitessDefinitions[];
// All definitions in the *.yaml of a directory, other documents left out.
Result<std::vector<Json>> LoadDefinitions(const std::string& directory);

}  // namespace slipway::sim
