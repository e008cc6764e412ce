// The operator's custom resource. It is complete and the same every time: server-side apply takes
// away what is no longer sent.
#pragma once
#include "kit.h"
#include "settings.h"
#include "spec.h"

namespace mongodb {

inline constexpr char kReplicaSetApi[] = "mongodbcommunity.mongodb.com/v1";
inline constexpr char kReplicaSetKind[] = "MongoDBCommunity";
inline constexpr char kInstanceLabel[] = "slipway.dev/instance";

// Which operator serves the kind: the old MongoDB Community Operator (0.13) or MongoDB Controllers
// for Kubernetes, its successor. Only the latter brings MongoDBSearch, and it cannot start without;
// MongoDB alone would also be there with the old Enterprise operator.
enum class Generation { kCommunityOperator, kControllers };
inline constexpr char kOnlyOfControllers[] = "mongodb.com/v1/MongoDBSearch";
Generation GenerationOf(const Json& input);

Json ReplicaSet(const Instance& instance, const Settings& settings, Generation generation);

}  // namespace mongodb
