#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devcluster/behaviour.h"
#include "devcluster/vitess/backups.h"
#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// The name of the server other than MariaDB, and of its programs' directory.
inline constexpr char kVitess[] = "vitess";
std::string VitessPrograms(const BehaviourOptions& options);  // "" when none is given

// The work of a pod that backs up a shard.
struct BackupRun {
  const ClusterSpec& spec;
  const Keyspace& keyspace;
  const Shard& shard;
  std::string owner;     // uid of the claim that vtbackup works in, or of the Job
  bool initial = false;  // the backup of an empty database
  bool vtbackup = true;  // false: ask vtctld for it, with these flags
  Json flags = {};
  // Its name in the bucket, where no program chooses one: when it began, and the writer's.
  int64_t start_ms = 0;
  std::string by = {};

  bool incremental() const {
    return flags.Has("incremental-from-pos") || flags.Has("incremental_from_pos");
  }
};

// Runs the programs inside the pods of a VitessCluster, or plays them where nothing runs. Any
// thread may call it.
class Servers {
 public:
  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  virtual ~Servers() = default;  // stops every program

  // Asks for the program of a running pod of etcd, vtctld, vtorc or vtgate. True when it answers.
  virtual bool Answers(ClusterPass& pass, const Json& pod) = 0;
  // Asks for the server of a running tablet, in the tablet's role. True when it answers in that
  // role. Ask for the primary before you ask for its followers.
  virtual bool Serves(ClusterPass& pass, const ShardView& view, const Tablet& tablet) = 0;
  // True when the primary's server has taken over.
  virtual bool Leads(ClusterPass& pass, const ShardView& view) = 0;
  // Call it when the tablet has no running pod.
  virtual void Rest(ClusterPass& pass, const Tablet& tablet) = 0;

  // Plays what tablets and vtorc write into the topology: registration, restores, elections.
  virtual Result<void> PlayTopology(ClusterPass& pass) = 0;
  // The two requests that the operator sends to vtctld, before the topology notes the result.
  virtual Result<void> Reparent(ClusterPass& pass, const ShardView& view,
                                const std::string& alias) = 0;
  virtual Result<void> DeleteTablet(ClusterPass& pass, const std::string& alias) = 0;

  // Asks for a backup. True when it has ended; `failure` says what went wrong. Returns nothing
  // where backups are played.
  virtual std::optional<bool> Backup(Pass& pass, const BackupRun& run, std::string& failure) = 0;
  // The contents of the bucket, or why it cannot be listed; nothing where the bucket is played.
  virtual std::optional<Result<std::vector<BucketEntry>>> Bucket(const ClusterSpec& spec) = 0;
  // Removes a backup from the bucket; returns nothing where the bucket is played.
  virtual std::optional<Result<void>> RemoveBackup(const ClusterSpec& spec,
                                                   const Keyspace& keyspace, const Shard& shard,
                                                   const std::string& name) = 0;
  // True when the tablet, new and empty, finds a backup to begin with; returns nothing where
  // backups are played.
  virtual std::optional<bool> FindsBackup(const ShardView& view, const ClusterSpec& spec,
                                          const Tablet& tablet) = 0;

  // Publishes in vtgate's service how it is reached from outside.
  virtual Result<void> Publish(ClusterPass& pass) = 0;

  // Call it when the pod is about to go.
  virtual void StopServersOf(kube::Cluster& kube, const Json& pod) = 0;
  // Call it when the claim or pod with this uid is gone; it removes what belonged to it.
  virtual void OwnerGone(const std::string& uid) = 0;
  // Deletes the data of owners that disappeared while nobody looked; returns false to try later.
  virtual bool Sweep(kube::Cluster& kube) = 0;
};

// One MariaDB server per tablet, and nothing of Vitess: the port of the primary's server takes the
// place of vtgate's. Without server programs a tablet serves as soon as it has a role.
std::unique_ptr<Servers> MakeMariadbServers(const BehaviourOptions& options, const Clock& clock,
                                            Logger& log, Servers::OnChange on_change);

// The programs of Vitess over one MySQL server per tablet.
Result<std::unique_ptr<Servers>> MakeVitessServers(const BehaviourOptions& options,
                                                   const Clock& clock, Logger& log,
                                                   Servers::OnChange on_change);

// Chooses by the options. When the programs of Vitess are missing, it logs that, and nothing runs.
std::unique_ptr<Servers> MakeServers(const BehaviourOptions& options, const Clock& clock,
                                     Logger& log, Servers::OnChange on_change);

}  // namespace slipway::sim::operators::vitess
