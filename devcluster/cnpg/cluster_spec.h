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

// The values of a Cluster object that a pass needs.
struct ClusterSpec {
  std::string name, ns, uid;
  int instances = 1;
  std::string image;            // "" until the pass has read it from the image catalog
  int major_version = 0;        // from the tag of the image, or from the reference to the catalog
  std::string app_secret;       // the name of the secret with the owner's password
  bool own_app_secret = false;  // the user makes that secret, not the operator
  std::string database, owner;
  std::string bootstrap_job;  // "initdb", "full-recovery", "pgbasebackup"
  std::vector<std::string> post_init_sql, post_init_application_sql;
  bool superuser_access = false;
  bool enable_pdb = true;
  bool has_plugin = false;     // the Barman Cloud plugin is there and enabled
  std::string unknown_plugin;  // a plugin that the operator does not know; "" for none
  bool archives = false;       // the Barman Cloud plugin is the archiver
  bool skip_archive_check = false;
  std::string object_store, server_name;
  std::string origin_store, origin_server;  // the source of a recovery by the plugin
  RecoveryTarget recovery_target;
  std::string storage, wal_storage;  // sizes; wal_storage is "" without a volume for WAL
  std::string storage_class;
  bool switchover_updates = false;
  std::string fault;         // slipway.dev/sim-fault
  std::string restarted_at;  // kubectl.kubernetes.io/restartedAt
  bool hibernated = false;
  std::vector<std::string> disabled_services;  // "ro", "r"
  Json inherited_labels, inherited_annotations;
  Json resources, env, parameters, affinity;
  // The resources of the plugin's container. The pass reads them from the ObjectStore and, for the
  // job of a recovery, from the ObjectStore of its source.
  Json sidecar_resources, recovery_sidecar_resources;

  // Reads everything that the Cluster object itself says.
  static ClusterSpec Parse(const Json& cluster);

  std::string InstanceName(int serial) const { return name + "-" + std::to_string(serial); }
};

// A merge patch with the defaults that the mutating webhook would add to the object; null when none
// is missing.
Json MissingDefaults(const Json& cluster);
// "ghcr.io/x/postgresql:18.4-system-trixie" → 18. 0 without a tag that starts with a number.
int MajorVersionOf(const std::string& image);

}  // namespace slipway::sim::operators::cnpg
