#include "pipeline/namespaces.h"

#include "pipeline/effects.h"
#include "pipeline/observer.h"
#include "pipeline/quantity.h"

namespace slipway::pipeline {
namespace {

constexpr char kQuotaName[] = "slipway";

kube::ObjectRef NamespaceRef(const std::string& ns) {
  return {"v1", "Namespace", "", ns};
}

bool IsOurs(const Json& object, const store::InstanceRecord& instance) {
  const Json& labels = object["metadata"]["labels"];
  return labels[kManagedByLabel].AsString() == "slipway" &&
         labels[kOrganizationLabel].AsString() == instance.organization &&
         labels[kProjectLabel].AsString() == instance.project;
}

// What is left in it and whose finalizers hold it: the conditions that the namespace controller
// writes.
std::string WhyTerminating(const Json& object) {
  std::string out;
  for (const char* type :
       {"NamespaceFinalizersRemaining", "NamespaceContentRemaining",
        "NamespaceDeletionContentFailure", "NamespaceDeletionDiscoveryFailure"}) {
    for (const Json& condition : object["status"]["conditions"].items()) {
      if (condition["type"].AsString() == type && condition["status"].AsString() == "True")
        out +=
            (out.empty() ? "" : "; ") + std::string(type) + ": " + condition["message"].AsString();
    }
  }
  return out.empty() ? "Terminating" : out;
}

// The API server may write a quantity in another form than it was given.
bool SameQuantities(const Json& standing, const Json& wanted) {
  Json normal = Json::MakeObject();
  return AddQuantities(normal, standing) && normal == wanted;
}

}  // namespace

Result<std::optional<store::WaitingFor>> EnsureNamespace(kube::Cluster& cluster,
                                                         const store::InstanceRecord& instance) {
  auto found = cluster.Get(NamespaceRef(instance.ns));
  if (!found && found.error().code == Code::kNotFound) {
    const Json wanted = Json::Obj(
        {{"apiVersion", "v1"},
         {"kind", "Namespace"},
         {"metadata", Json::Obj({{"name", instance.ns},
                                 {"labels", Json::Obj({{kManagedByLabel, "slipway"},
                                                       {kOrganizationLabel, instance.organization},
                                                       {kProjectLabel, instance.project}})}})}});
    found = cluster.Create(wanted);
    if (!found && found.error().code == Code::kAlreadyExists)
      found = cluster.Get(NamespaceRef(instance.ns));
  }
  if (!found) return std::move(found).error();
  if (!IsOurs(*found, instance)) {
    return Error{Code::kPrecondition, "NamespaceNotOurs",
                 "namespace " + instance.ns + " exists and is not Slipway's for organization " +
                     instance.organization + ", project " + instance.project};
  }
  if (!(*found)["metadata"]["deletionTimestamp"].is_null())
    return std::optional(
        store::WaitingFor{"Namespace", "", instance.ns, WhyTerminating(*found), 0});
  return std::optional<store::WaitingFor>();
}

Result<void> ApplyQuota(kube::Cluster& cluster, const std::string& ns,
                        const std::vector<std::string>& plans, const std::string& without) {
  Json hard = Json::MakeObject();
  bool left_out = without.empty();
  for (const std::string& text : plans) {
    if (!left_out && text == without) {  // equal plans count the same: any one of them will do
      left_out = true;
      continue;
    }
    TRY(const Json plan, Json::Parse(text));
    TRY_VOID(AddQuantities(hard, plan["quota"]));
  }
  if (hard.empty()) return {};
  // Looked at on every tick, written only when it differs: a tick that writes what stands costs the
  // API server a write, and one refused write in a row of two would never get past it.
  auto standing = cluster.Get({"v1", "ResourceQuota", ns, kQuotaName});
  if (standing && SameQuantities((*standing)["spec"]["hard"], hard)) return {};
  if (!standing && standing.error().code != Code::kNotFound) return standing.error();
  kube::ApplyOptions options;
  options.force = true;  // the quota is ours alone
  TRY(const Json applied,
      cluster.Apply(Json::Obj({{"apiVersion", "v1"},
                               {"kind", "ResourceQuota"},
                               {"metadata",
                                Json::Obj({{"name", kQuotaName},
                                           {"namespace", ns},
                                           {"labels", Json::Obj({{kManagedByLabel, "slipway"}})}})},
                               {"spec", Json::Obj({{"hard", hard}})}}),
                    options));
  (void)applied;
  return {};
}

Result<std::optional<store::WaitingFor>> RemoveNamespace(kube::Cluster& cluster,
                                                         const store::InstanceRecord& instance) {
  TRY(const Json found, GetOrNull(cluster, NamespaceRef(instance.ns)));
  if (found.is_null()) return std::optional<store::WaitingFor>();
  if (!IsOurs(found, instance)) return std::optional<store::WaitingFor>();
  if (found["metadata"]["deletionTimestamp"].is_null()) {
    kube::DeleteOptions options;
    options.uid = found["metadata"]["uid"].AsString();
    TRY_VOID(cluster.Delete(NamespaceRef(instance.ns), options));
  }
  return std::optional(store::WaitingFor{"Namespace", "", instance.ns, WhyTerminating(found), 0});
}

}  // namespace slipway::pipeline
