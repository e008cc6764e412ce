#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/cnpg/cluster_spec.h"

namespace slipway::sim::operators::cnpg {

// The objects that the operator creates for a Cluster, as recorded from the real one. Pure.

Json SecretOpaque(const ClusterSpec& spec, const std::string& name,
                  const std::vector<std::pair<std::string, std::string>>& data);
Json SecretTls(const ClusterSpec& spec, const std::string& name, const std::string& cert_pem,
               const std::string& key_pem);
// X-app or X-superuser: basic-auth with eleven keys. `user_type` is "app" or "superuser". For the
// superuser `database` is "*".
Json SecretUser(const ClusterSpec& spec, const std::string& name, const std::string& user_type,
                const std::string& user, const std::string& password, const std::string& database);

// Services, PDBs, ServiceAccount, Role, RoleBinding, the ConfigMap of DefaultMonitoring() and
// Lease, in the order of creation.
std::vector<Json> PlatformObjects(const ClusterSpec& spec);
// The ConfigMap with the default queries. The clusters of a namespace share it: it has no owner.
Json DefaultMonitoring(const std::string& ns);
// The plugin's Role and RoleBinding X-barman-cloud. `store` is the ObjectStore of the Cluster.
std::vector<Json> PluginObjects(const ClusterSpec& spec, const Json& store);

// The claim of an instance. `role` is PG_DATA or PG_WAL.
Json VolumeClaim(const ClusterSpec& spec, int serial, const std::string& role);
// The job that fills the volume of an instance. `job` is "initdb", "join", …
Json BootstrapJob(const ClusterSpec& spec, int serial, const std::string& job);
Json InstancePod(const ClusterSpec& spec, int serial);
// The reason, in the operator's words, why a running pod must be made anew; "" when it need not.
std::string RestartReason(const ClusterSpec& spec, const Json& pod);

// Names the Cluster as the controller; `block` sets blockOwnerDeletion.
Json OwnerReference(const ClusterSpec& spec, bool block);

}  // namespace slipway::sim::operators::cnpg
