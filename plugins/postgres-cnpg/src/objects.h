// The Kubernetes objects of an instance. Each is complete and the same every time: server-side
// apply takes away what is no longer sent.
#pragma once
#include <string>

#include "settings.h"
#include "spec.h"

namespace cnpg {

inline constexpr char kClusterApi[] = "postgresql.cnpg.io/v1";
inline constexpr char kObjectStoreApi[] = "barmancloud.cnpg.io/v1";
inline constexpr char kPodMonitorApi[] = "monitoring.coreos.com/v1";
inline constexpr char kNetworkPolicyApi[] = "networking.k8s.io/v1";
inline constexpr char kBarmanPlugin[] = "barman-cloud.cloudnative-pg.io";
inline constexpr char kBarmanSidecar[] = "plugin-barman-cloud";

// Per instance pod, beside postgres, when backups are made.
inline constexpr int64_t kSidecarCpuMillis = 100;
inline constexpr int64_t kSidecarMemoryBytes = int64_t{256} << 20;

std::string ScheduledBackupName(const Instance& instance);
std::string ObjectStoreName(const Instance& instance);
std::string PodMonitorName(const Instance& instance);

Json Cluster(const Instance& instance, const Settings& settings, bool archiving);
Json NetworkPolicy(const Instance& instance, const std::string& operator_namespace);
Json ObjectStore(const Instance& instance);
Json ScheduledBackup(const Instance& instance);
Json PodMonitor(const Instance& instance);

// ResourceQuota `hard` keys, with room for one more pod and volume: jobs and replaced replicas.
Json Quota(const Instance& instance);

}  // namespace cnpg
