// The operator's custom resource. It is complete and the same every time: server-side apply removes
// the fields that are no longer sent.
#pragma once
#include "kit.h"
#include "settings.h"
#include "spec.h"

namespace mongodb {

inline constexpr char kReplicaSetApi[] = "mongodbcommunity.mongodb.com/v1";
inline constexpr MainObject kReplicaSet{"MongoDBCommunity", "ReplicaSet"};

// The operator that serves the kind: the old MongoDB Community Operator (0.13) or MongoDB
// Controllers for Kubernetes, its successor. Only the successor brings the kind MongoDBSearch, and
// it cannot start without it; the old Enterprise operator brings the kind MongoDB too.
enum class Generation { kCommunityOperator, kControllers };
inline constexpr char kOnlyOfControllers[] = "mongodb.com/v1/MongoDBSearch";
Generation GenerationOf(const Json& input);

Json ReplicaSet(const Instance& instance, const Settings& settings, Generation generation);

}  // namespace mongodb
