#include "devcluster/bootstrap.h"

#include "devcluster/crds.h"

namespace slipway::sim {

namespace {

Json Named(const char* api_version, const char* kind, const char* name) {
  return Json::Obj(
      {{"apiVersion", api_version}, {"kind", kind}, {"metadata", Json::Obj({{"name", name}})}});
}

Error FromFailure(const std::string& what, const Failure& failure) {
  return {Code::kInvalid, failure.reason, what + ": " + failure.message};
}

Result<void> Ensure(Api& api, Json object) {
  const KindPtr kind =
      api.kinds().ByKind(object["apiVersion"].AsString(), object["kind"].AsString());
  const std::string name = object["metadata"]["name"].AsString();
  const WriteOptions options{.manager = "slipway-sim"};
  auto created = api.Create(*kind, "", object, options);
  if (!created && created.error().code != 409)
    return FromFailure(kind->kind + " " + name, created.error());
  return {};
}

Result<void> EnsureDefinition(Api& api, const Json& definition) {
  TRY_VOID(Ensure(api, definition));
  const KindPtr kind = api.kinds().ByKind("apiextensions.k8s.io/v1", "CustomResourceDefinition");
  const std::string& name = definition["metadata"]["name"].AsString();
  const auto change = [&](const Json& before) -> Answer<Json> {
    Json after = before;
    return after.Set("spec", definition["spec"]);
  };
  auto written = api.Modify(*kind, "", name, change, {.manager = "slipway-sim"});
  if (!written) return FromFailure("CustomResourceDefinition " + name, written.error());
  return {};
}

// The behaviours use these names when they place pods.
Json Node(int number) {
  const std::string name = "slipway-sim-" + std::to_string(number);
  Json node = Named("v1", "Node", name.c_str());
  node["metadata"].Set("labels",
                       Json::Obj({{"kubernetes.io/hostname", name},
                                  {"kubernetes.io/os", "linux"},
                                  {"kubernetes.io/arch", "amd64"},
                                  {"topology.kubernetes.io/zone", "zone-" + std::to_string(number)},
                                  {"topology.kubernetes.io/region", "sim"}}));
  node.Set("status",
           Json::Obj({{"conditions",
                       Json::Arr({Json::Obj(
                           {{"type", "Ready"}, {"status", "True"}, {"reason", "KubeletReady"}})})},
                      {"nodeInfo", Json::Obj({{"kubeletVersion", "v1.35.4"}})}}));
  return node;
}

Json DefaultStorageClass() {
  Json out = Named("storage.k8s.io/v1", "StorageClass", "standard");
  out["metadata"].Set("annotations",
                      Json::Obj({{"storageclass.kubernetes.io/is-default-class", "true"}}));
  return out.Set("provisioner", "sim.slipway.dev/local")
      .Set("reclaimPolicy", "Delete")
      .Set("volumeBindingMode", "WaitForFirstConsumer")
      .Set("allowVolumeExpansion", true);
}

}  // namespace

Result<void> Bootstrap(Api& api, const std::string& crds_dir) {
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"})
    TRY_VOID(Ensure(api, Named("v1", "Namespace", name)));
  for (int number = 1; number <= 3; ++number) TRY_VOID(Ensure(api, Node(number)));
  TRY_VOID(Ensure(api, DefaultStorageClass()));
  TRY(const std::vector<Json> definitions,
      crds_dir.empty() ? BuiltinDefinitions() : LoadDefinitions(crds_dir));
  for (const Json& definition : definitions) TRY_VOID(EnsureDefinition(api, definition));
  return {};
}

}  // namespace slipway::sim
