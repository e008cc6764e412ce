#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/cnpg/cluster_spec.h"

namespace slipway::sim::operators::cnpg {

// The objects the operator creates for a Cluster, as recorded from the real one. Pure.

Json SecretOpaque(const ClusterSpec& spec, const std::string& name,
                  const std::vector<std::pair<std::string, std::string>>& data);
Json SecretTls(const ClusterSpec& spec, const std::string& name, const std::string& cert_pem,
               const std::string& key_pem);
// X-app and X-superuser: basic-auth with the eleven keys. `database` is "*" for the superuser.
Json SecretUser(const ClusterSpec& spec, const std::string& name, const std::string& user_type,
                const std::string& user, const std::string& password, const std::string& database);

// Services, PDBs, ServiceAccount, Role, RoleBinding, Lease, in the order of creation.
std::vector<Json> PlatformObjects(const ClusterSpec& spec);
Json DefaultMonitoring(const std::string& ns);
// The plugin's Role and RoleBinding X-barman-cloud; `store` is the ObjectStore it names.
std::vector<Json> PluginObjects(const ClusterSpec& spec, const Json& store);

// `role` is PG_DATA or PG_WAL.
Json VolumeClaim(const ClusterSpec& spec, int serial, const std::string& role);
// `job` is "initdb", "join", …
Json BootstrapJob(const ClusterSpec& spec, int serial, const std::string& job);
Json InstancePod(const ClusterSpec& spec, int serial);
// Why a running pod differs from what it should be, "" when it does not.
std::string RestartReason(const ClusterSpec& spec, const Json& pod);

Json OwnerReference(const ClusterSpec& spec, bool block);

}  // namespace slipway::sim::operators::cnpg
