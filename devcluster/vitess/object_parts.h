#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "base/json.h"
#include "devcluster/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

inline constexpr char kClusterLabel[] = "planetscale.com/cluster",
                      kComponent[] = "planetscale.com/component", kCell[] = "planetscale.com/cell",
                      kKeyspaceLabel[] = "planetscale.com/keyspace",
                      kShardLabel[] = "planetscale.com/shard",
                      kLocation[] = "backup.planetscale.com/location",
                      kStateHash[] = "planetscale.com/desired-state-hash";

// The parts from which the operator's objects are built. Pure.
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
// `reference` is {name, key}; the pod does not start until the secret exists.
void MountSecret(Json& pod_spec, const char* volume, const Json& reference);
// Mounts what the operator mounts of a backup location: the keys, or the volume itself.
void MountBackups(Json& pod_spec, const Json& location);
// Adds the volumes that the spec of a component names.
void AddExtraVolumes(Json& pod_spec, const Json& component);
// Applies what the spec of a component says about its pods: where they may run, and extra labels.
void Place(Json& pod_spec, const Json& component);
Json WithExtraLabels(Json labels, const Json& component);
// Adds the hash that later shows whether the pod is still what we want.
Json PodOf(const std::string& name, const Json& labels, const Json& owner, Json pod_spec,
           Json annotations = Json::MakeObject());
Json DeploymentOf(const std::string& name, const Json& labels, const Json& owner, int64_t replicas,
                  Json container, const Json& component);

Json Image(const ClusterSpec& spec, const char* component);
Json MysqldImage(const ClusterSpec& spec);

}  // namespace slipway::sim::operators::vitess
