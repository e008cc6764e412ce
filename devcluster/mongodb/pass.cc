#include "devcluster/mongodb/pass.h"

#include "base/crypto.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

Result<Json> NullWhenAbsent(Result<Json> found) {
  if (!found && found.error().code == Code::kNotFound) return Json();
  return found;
}

}  // namespace

Result<void> InstancePass::Read(const std::string& ns, const std::string& name) {
  TRY(instance, kube().Get({kGroup, kKind, ns, name}));
  spec = InstanceSpec::Parse(instance);
  if (memory.uid != spec.uid) {
    memory = InstanceMemory();
    memory.uid = spec.uid;
  }
  const kube::ListOptions options{.label_selector = "app=" + spec.service()};
  TRY(kube::ObjectList found_pods, kube().List("v1", "Pod", ns, options));
  TRY(kube::ObjectList found_claims, kube().List("v1", "PersistentVolumeClaim", ns, options));
  pods = std::move(found_pods.items);
  claims = std::move(found_claims.items);
  const std::string names[] = {spec.name, spec.arbiters_name()};
  for (size_t i = 0; i < std::size(names); ++i) {
    TRY(sets[i], NullWhenAbsent(kube().Get({"apps/v1", "StatefulSet", ns, names[i]})));
  }
  if (!memory.config_known) {
    TRY(const Json secret, Find("Secret", spec.secret("config")));
    auto config = Base64Decode(secret["data"]["cluster-config.json"].AsString());
    auto document = config ? Json::Parse(*config) : Result<Json>(Json());
    memory.config = document ? *std::move(document) : Json();
    memory.config_known = true;
  }
  return {};
}

Result<Json> InstancePass::Find(const char* kind, const std::string& name) {
  return NullWhenAbsent(kube().Get({"v1", kind, spec.ns, name}));
}

Json InstancePass::last_spec() const {
  auto last = Json::Parse(AnnotationOf(instance, kLastSuccessful));
  return last ? *std::move(last) : Json();
}

bool InstancePass::version_changes() const {
  const std::string& last = AnnotationOf(instance, kLastApplied);
  return !last.empty() && last != spec.version;
}

Json* InstancePass::PodNamed(const std::string& name) {
  for (Json& pod : pods)
    if (NameOf(pod) == name) return &pod;
  return nullptr;
}

bool InstancePass::InConfig(const std::string& pod) const {
  for (const Json& process : memory.config["processes"].items())
    if (process["name"].AsString() == pod) return true;
  return false;
}

}  // namespace slipway::sim::operators::mongodb
