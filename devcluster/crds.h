#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "devcluster/kinds.h"
#include "devcluster/status.h"

namespace slipway::sim {

// Fills in the names and the conversion that a definition may leave out.
void DefaultDefinition(Json& definition);
// Fills in the fields that the server adds to a CustomResourceDefinition (names, Established).
// Refuses a definition that cannot be served.
Answer<Done> CompleteDefinition(Json& definition, const std::string& now);
// The kinds that a definition serves, one per served version.
std::vector<Kind> KindsOf(const Json& definition);

// The definitions that come with the simulator: CloudNativePG, its Barman plugin, PodMonitor,
// MongoDBCommunity and those of the Vitess operator. They have the fields that Slipway sets.
Result<std::vector<Json>> BuiltinDefinitions();
// The definitions of MongoDB and of Vitess in the short form of BuiltinDefinitions.
extern const char kMongodbDefinitions[];
extern const char kVitessDefinitions[];
// Reads all definitions in the *.yaml files of a directory and skips other documents.
Result<std::vector<Json>> LoadDefinitions(const std::string& directory);

}  // namespace slipway::sim
