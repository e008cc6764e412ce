// The objects that an instance consists of, as JSON texts.
#pragma once

#include <string>

#include "spec.h"

namespace cnpg {

struct Instance {
  std::string id, name, ns, seed;
};

inline constexpr char kPluginName[] = "barman-cloud.cloudnative-pg.io";

Instance ReadInstance(const Value& instance);
// `with_backup`: with the Barman Cloud plugin as WAL archiver.
std::string ClusterManifest(const Instance& instance, const Spec& spec, bool with_backup);
std::string NetworkPolicyManifest(const Instance& instance);
std::string ObjectStoreManifest(const Instance& instance, const Spec& spec);
std::string ScheduledBackupManifest(const Instance& instance, const Spec& spec);
std::string PodMonitorManifest(const Instance& instance);

}  // namespace cnpg
