#include "devcluster/vitess/object_parts.h"

#include "base/crypto.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::vitess {

namespace {

void AddVolume(Json& pod_spec, Json volume) {
  pod_spec["volumes"].Push(std::move(volume));
}

}  // namespace

Json Owned(const char* api_version, const char* kind, const std::string& name, Json labels,
           const Json& owner) {
  Json reference = Json::Obj({{"apiVersion", owner["apiVersion"]},
                              {"kind", owner["kind"]},
                              {"name", NameOf(owner)},
                              {"uid", UidOf(owner)},
                              {"controller", true},
                              {"blockOwnerDeletion", true}});
  return Json::Obj({{"apiVersion", api_version},
                    {"kind", kind},
                    {"metadata", Json::Obj({{"name", name},
                                            {"namespace", NamespaceOf(owner)},
                                            {"labels", std::move(labels)},
                                            {"ownerReferences", Json::Arr({reference})}})}});
}

Json Labels(const ClusterSpec& spec, const char* component) {
  return Json::Obj({{kClusterLabel, spec.name}, {kComponent, component}});
}

Json ShardLabels(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                 const char* component) {
  return Labels(spec, component).Set(kKeyspaceLabel, keyspace.name).Set(kShardLabel, shard.safe);
}

Json Port(const char* name, int port) {
  return Json::Obj({{"name", name}, {"protocol", "TCP"}, {"port", port}, {"targetPort", name}});
}

Json ServiceOf(const std::string& name, const Json& labels, const Json& owner, Json ports) {
  return Owned("v1", "Service", name, labels, owner)
      .Set("spec", Json::Obj({{"ports", std::move(ports)}, {"selector", labels}}));
}

Json HeadlessService(const std::string& name, const Json& labels, const Json& owner, Json ports) {
  Json out = ServiceOf(name, labels, owner, std::move(ports));
  out["spec"].Set("clusterIP", "None");
  return out;
}

Json Claim(const std::string& name, const Json& labels, const Json& owner, const Json& wanted) {
  Json body = wanted;
  if (!body.is_object())
    body = Json::Obj({{"accessModes", Json::Arr({"ReadWriteOnce"})},
                      {"resources", Json::Obj({{"requests", Json::Obj({{"storage", "1Gi"}})}})}});
  body.Set("volumeMode", "Filesystem");
  return Owned("v1", "PersistentVolumeClaim", name, labels, owner).Set("spec", std::move(body));
}

Json Container(const char* name, const Json& image, const Json& resources,
               std::initializer_list<std::pair<const char*, int>> ports) {
  Json list = Json::MakeArray();
  for (const auto& [port, number] : ports)
    list.Push(Json::Obj({{"name", port}, {"containerPort", number}, {"protocol", "TCP"}}));
  Json out = Json::Obj({{"name", name}, {"image", image}});
  if (!list.empty()) out.Set("ports", std::move(list));
  if (resources.is_object()) out.Set("resources", resources);
  return out;
}

void MountClaim(Json& pod_spec, const std::string& claim) {
  AddVolume(pod_spec, Json::Obj({{"name", "vt-root"},
                                 {"persistentVolumeClaim", Json::Obj({{"claimName", claim}})}}));
}

void MountSecret(Json& pod_spec, const char* volume, const Json& reference) {
  const std::string &name = reference["name"].AsString(), key = reference["key"].AsString();
  if (name.empty()) return;
  Json secret = Json::Obj({{"secretName", name}});
  if (!key.empty()) secret.Set("items", Json::Arr({Json::Obj({{"key", key}, {"path", key}})}));
  AddVolume(pod_spec, Json::Obj({{"name", volume}, {"secret", std::move(secret)}}));
}

void MountBackups(Json& pod_spec, const Json& location) {
  MountSecret(pod_spec, "backup-credentials", location.At("/s3/authSecret"));
  if (!location["volume"].is_object()) return;
  Json volume = location["volume"];
  AddVolume(pod_spec, volume.Set("name", "vitess-backups"));
}

void AddExtraVolumes(Json& pod_spec, const Json& component) {
  for (const Json& volume : component["extraVolumes"].items()) AddVolume(pod_spec, volume);
}

void Place(Json& pod_spec, const Json& component) {
  for (const char* key : {"affinity", "tolerations", "topologySpreadConstraints"})
    if (component.Has(key)) pod_spec.Set(key, component[key]);
}

Json WithExtraLabels(Json labels, const Json& component) {
  for (const auto& [key, value] : component["extraLabels"].members()) labels.Set(key, value);
  return labels;
}

Json PodOf(const std::string& name, const Json& labels, const Json& owner, Json pod_spec,
           Json annotations) {
  const std::string state = labels.Dump() + annotations.Dump() + pod_spec.Dump();
  annotations.Set(kStateHash, Sha256Hex(state).substr(0, 32));
  Json out = Owned("v1", "Pod", name, labels, owner);
  out["metadata"].Set("annotations", std::move(annotations));
  return out.Set("spec", std::move(pod_spec));
}

Json DeploymentOf(const std::string& name, const Json& labels, const Json& owner, int64_t replicas,
                  Json container, const Json& component) {
  Json body = Json::Obj(
      {{"containers", Json::Arr({std::move(container)})}, {"priorityClassName", "vitess"}});
  Place(body, component);
  Json metadata = Json::Obj({{"labels", WithExtraLabels(labels, component)}});
  return Owned("apps/v1", "Deployment", name, labels, owner)
      .Set("spec", Json::Obj({{"replicas", replicas},
                              {"selector", Json::Obj({{"matchLabels", labels}})},
                              {"template", Json::Obj({{"metadata", std::move(metadata)},
                                                      {"spec", std::move(body)}})}}));
}

Json Image(const ClusterSpec& spec, const char* component) {
  return spec.spec["images"][component].AsString("vitess/lite:v24.0.0-mysql80");
}

Json MysqldImage(const ClusterSpec& spec) {
  for (const auto& [key, image] : spec.spec.At("/images/mysqld").members()) return image;
  return "mysql:8.0.40";
}

}  // namespace slipway::sim::operators::vitess
