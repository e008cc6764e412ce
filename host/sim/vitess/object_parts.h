#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "base/json.h"
#include "sim/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

inline constexpr char kClusterLabel[] = "planetscale.com/cluster",
                      kComponent[] = "planetscale.com/component", kCell[] = "planetscale.com/cell",
                      kKeyspaceLabel[] = "planetscale.com/keyspace",
                      kShardLabel[] = "planetscale.com/shard",
                      kLocation[] = "backup.planetscale.com/location",
                      kStateHash[] = "planetscale.com/desired-state-hash";

// What the objects that the operator creates are put together from. Pure.
Json Owned(const char* api_version, const char* kind, const std::string& name, Json labels,
           const Json& owner);
Json Labels(const ClusterSpec& spec, const char* component);
Json ShardLabels(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                 const char* component);

Json Port(const char* name, int port);
Json ServiceOf(const std::string& name, const Json& labels, const Json& owner, Json ports);
Json HeadlessService(const std::string& name, const Json& labels, const Json& owner, Json ports);
Json Claim(const std::string& name, const Json& labels, const Json& owner, const Json& wanted);

Json Container(const char* name, const Json& image, const Json& resources,
               std::initializer_list<std::pair<const char*, int>> ports);
void MountClaim(Json& pod_spec, const std::string& claim);
// `reference` is {name, key}; the pod starts when the secret is there.
void MountSecret(Json& pod_spec, const char* volume, const Json& reference);
// What the spec of a component says of its pods: where they may run, and labels that only they get.
void Place(Json& pod_spec, const Json& component);
Json WithExtraLabels(Json labels, const Json& component);
// With the hash that tells later whether it is still what is wanted.
Json PodOf(const std::string& name, const Json& labels, const Json& owner, Json pod_spec,
           Json annotations = Json::MakeObject());
Json DeploymentOf(const std::string& name, const Json& labels, const Json& owner, int64_t replicas,
                  Json container, const Json& component);

Json Image(const ClusterSpec& spec, const char* component);
Json MysqldImage(const ClusterSpec& spec);

}  // namespace slipway::sim::operators::vitess
