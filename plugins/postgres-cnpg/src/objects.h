// The Kubernetes objects of an instance. Each is complete and the same every time: server-side
// apply removes the fields that are no longer sent.
#pragma once
#include <string>
#include <vector>

#include "settings.h"
#include "spec.h"

namespace cnpg {

inline constexpr char kClusterApi[] = "postgresql.cnpg.io/v1";
inline constexpr char kObjectStoreApi[] = "barmancloud.cnpg.io/v1";
// As in `applies` and facts.kinds.
inline constexpr char kScheduledBackupKind[] = "postgresql.cnpg.io/v1/ScheduledBackup";
inline constexpr char kBackupKind[] = "postgresql.cnpg.io/v1/Backup";
inline constexpr char kObjectStoreKind[] = "barmancloud.cnpg.io/v1/ObjectStore";
inline constexpr char kBarmanPlugin[] = "barman-cloud.cloudnative-pg.io";
inline constexpr char kBarmanInstall[] = "the Barman Cloud plugin";
inline constexpr char kBarmanSidecar[] = "plugin-barman-cloud";
inline constexpr int kPort = 5432;
inline constexpr int kStatusPort = 8000;  // for the operator and the other instances only
inline constexpr int kMetricsPort = 9187;

// Each instance pod's side-car, if backups are made.
inline constexpr int64_t kSidecarCpuMillis = 100;
// It runs a Python program for each piece of the log. Held to what it requests, it restores one in
// half a minute and more.
inline constexpr int64_t kSidecarCpuLimitMillis = 1000;
inline constexpr int64_t kSidecarMemoryBytes = int64_t{256} << 20;

// The keys that the Secret of an archive must have. `archive` is spec.backup or
// spec.source.archive.
std::vector<std::string> StoreKeys(const Json& archive);

std::string ScheduledBackupName(const Instance& instance);
std::string ObjectStoreName(const Instance& instance);
// Where a restored instance got its data from.
std::string SourceStoreName(const Instance& instance);
std::string PodMonitorName(const Instance& instance);

// The section about the restore follows from the spec, so it is the same in every operation.
Json Cluster(const Instance& instance, const Settings& settings, bool archiving);
Json NetworkPolicy(const Instance& instance, const std::string& operator_namespace);
Json ObjectStore(const Instance& instance);
// Has no retention: nothing of the source's may be deleted.
Json SourceStore(const Instance& instance);
Json ScheduledBackup(const Instance& instance);
// Belongs to the observed Cluster, so that it goes with it.
Json Backup(const Instance& instance, const std::string& name, const Json& cluster);
Json PodMonitor(const Instance& instance);

// ResourceQuota `hard` keys, with room for one more pod and volume: jobs and replaced replicas.
Json Quota(const Instance& instance);

}  // namespace cnpg
