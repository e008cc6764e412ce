#include "pipeline/namespaces.h"

#include "pipeline/effects.h"
#include "pipeline/observer.h"

namespace slipway::pipeline {
namespace {

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

Result<std::optional<store::WaitingFor>> RemoveNamespace(kube::Cluster& cluster,
                                                         const Warrant& /*warrant*/,
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
