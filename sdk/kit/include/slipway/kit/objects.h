// Kubernetes objects, and the pieces of them, that more than one engine applies.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>

#include <slipway/kit/json.h>
#include <slipway/kit/request.h>

namespace slipway::kit {

inline constexpr char kNetworkPolicyApi[] = "networking.k8s.io/v1";
inline constexpr char kBudgetApi[] = "policy/v1";
inline constexpr char kRbacApi[] = "rbac.authorization.k8s.io/v1";
inline constexpr char kPodMonitorApi[] = "monitoring.coreos.com/v1";
inline constexpr char kPodMonitorKind[] = "monitoring.coreos.com/v1/PodMonitor";  // as in applies

// An object without a spec, and with one.
Json Object(const char* api, const char* kind, const std::string& name);
Json Object(const char* api, const char* kind, const std::string& name, Json spec);
// Names an object for `need`.
Json ObjectName(const char* api, const char* kind, const std::string& name);

// The label by which the host finds the objects of an instance.
Json InstanceLabel(const Instance& instance);
Json MatchLabels(Json labels);
// {"name": …}, and {"name": …, "key": …} of a Secret.
Json NameRef(const std::string& name);
Json KeyRef(Json secret, Json key);
Json Amounts(int64_t cpu_millis, int64_t memory_bytes);
// The spec of a PersistentVolumeClaim; an empty `storage_class` leaves it to the cluster.
Json ClaimSpec(const std::string& size, const std::string& storage_class);
// An entry of topologySpreadConstraints: spread evenly, but schedule anyway.
Json Spread(const char* topology_key, Json selector);
// Many S3-compatible stores refuse the newer checksums of the AWS libraries: environment that turns
// them off.
Json S3ChecksumEnv();

// Peers and rules of a NetworkPolicy.
Json AnyNamespace();
Json NamespaceNamed(const std::string& name);
Json PodsOf(Json selector);
// Without `ports` the rule is for all of them.
Json IngressRule(Json from, std::initializer_list<int> ports = {});
Json IngressPolicy(const std::string& name, Json pods, Json rules);

// Lets a drain take one pod at a time. Not for a single pod: it would block every drain.
Json Budget(const std::string& name, Json pods);

Json PolicyRule(const char* group, Json resources, Json verbs);
// ServiceAccount, Role and RoleBinding of one name.
Json Access(const Instance& instance, const std::string& name, Json rules);

// An entry of podMetricsEndpoints.
Json MetricsEndpoint(const char* port);
Json Monitor(const std::string& name, Json pods, Json endpoints);

// ResourceQuota `hard` keys, as plan's `quota` has them.
struct QuotaAmounts {
  int64_t cpu_millis = 0;
  int64_t memory_bytes = 0;
  int64_t storage_bytes = 0;
  int64_t pods = 0;
  int64_t claims = 0;

  Json ToJson() const;
};

}  // namespace slipway::kit
