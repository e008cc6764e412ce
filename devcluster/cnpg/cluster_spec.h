#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/cnpg/base_backups.h"

namespace slipway::sim::operators::cnpg {

inline constexpr char kBarmanPlugin[] = "barman-cloud.cloudnative-pg.io";
inline constexpr char kOperatorVersion[] = "1.30.0";
inline constexpr char kPluginVersion[] = "0.14.0";
inline constexpr char kDefaultImage[] = "ghcr.io/cloudnative-pg/postgresql:18.4-system-trixie";

// What a pass needs of a Cluster object, read once.
struct ClusterSpec {
  std::string name, ns, uid;
  int instances = 1;
  std::string image;       // "" while an image catalog has to be asked
  int major_version = 0;   // from the image's tag
  std::string app_secret;  // own or generated
  bool own_app_secret = false;
  std::string database, owner;
  std::string bootstrap_job;  // "initdb", "full-recovery", "pgbasebackup"
  std::vector<std::string> post_init_sql, post_init_application_sql;
  bool superuser_access = false;
  bool enable_pdb = true;
  bool has_plugin = false;  // the Barman Cloud plugin, enabled
  std::string unknown_plugin;
  bool archives = false;  // and it is the archiver
  bool skip_archive_check = false;
  std::string object_store, server_name;
  std::string origin_store, origin_server;  // of a recovery by the plugin
  RecoveryTarget recovery_target;
  std::string storage, wal_storage;  // sizes; wal "" for none
  std::string storage_class;
  bool switchover_updates = false;
  std::string fault;         // slipway.dev/sim-fault
  std::string restarted_at;  // kubectl.kubernetes.io/restartedAt
  bool hibernated = false;
  std::vector<std::string> disabled_services;  // "ro", "r"
  Json inherited_labels, inherited_annotations;
  Json resources, env, parameters, affinity;
  // Of the plugin's container, from its ObjectStore; a recovery takes those of its origin.
  Json sidecar_resources, recovery_sidecar_resources;

  static ClusterSpec Parse(const Json& cluster);

  std::string InstanceName(int serial) const { return name + "-" + std::to_string(serial); }
};

// What the mutating webhook would add: a merge patch for the whole object, null when nothing is
// missing.
Json MissingDefaults(const Json& cluster);
// "18.4-system-trixie" → 18, 0 when the tag does not start with a number.
int MajorVersionOf(const std::string& image);

}  // namespace slipway::sim::operators::cnpg
