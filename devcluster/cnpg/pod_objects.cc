#include <algorithm>

#include "devcluster/cnpg/objects.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr char kOperatorImage[] = "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0";
constexpr char kSidecarImage[] = "ghcr.io/cloudnative-pg/plugin-barman-cloud-sidecar:v0.14.0";

Json InstanceLabels(const ClusterSpec& spec, const std::string& instance) {
  Json labels = Json::Obj({{"app.kubernetes.io/component", "database"},
                           {"app.kubernetes.io/instance", spec.name},
                           {"app.kubernetes.io/managed-by", "cloudnative-pg"},
                           {"app.kubernetes.io/name", "postgresql"},
                           {"app.kubernetes.io/version", std::to_string(spec.major_version)},
                           {"cnpg.io/cluster", spec.name},
                           {"cnpg.io/instanceName", instance}});
  for (const auto& [key, value] : spec.inherited_labels.members()) labels.Set(key, value);
  return labels;
}

Json Container(const std::string& name, const std::string& image,
               std::initializer_list<Json> command) {
  return Json::Obj({{"name", name}, {"image", image}, {"command", Json(Json::Array(command))}});
}

Json DataVolume(const std::string& instance) {
  return Json::Arr({Json::Obj(
      {{"name", "pgdata"}, {"persistentVolumeClaim", Json::Obj({{"claimName", instance}})}})});
}

Json Mounts() {
  return Json::Arr({Json::Obj({{"name", "pgdata"}, {"mountPath", "/var/lib/postgresql/data"}})});
}

Json Sidecar(const char* command, const Json& resources) {
  Json sidecar = Container("plugin-barman-cloud", kSidecarImage, {"/manager", command});
  sidecar.Set("restartPolicy", "Always");
  if (!resources.is_null()) sidecar.Set("resources", resources);
  return sidecar;
}

Json PodSpec(const ClusterSpec& spec, const std::string& instance) {
  Json bootstrap = Container("bootstrap-controller", kOperatorImage,
                             {"/manager", "bootstrap", "/controller/manager"});
  if (!spec.resources.is_null()) bootstrap.Set("resources", spec.resources);
  Json init = Json::Arr({bootstrap});
  if (spec.has_plugin) init.Push(Sidecar("instance", spec.sidecar_resources));
  const auto port = [](const char* name, int number) {
    return Json::Obj({{"name", name}, {"containerPort", number}, {"protocol", "TCP"}});
  };
  Json postgres = Container("postgres", spec.image, {"/controller/manager", "instance", "run"});
  postgres.Set("ports",
               Json::Arr({port("postgresql", 5432), port("metrics", 9187), port("status", 8000)}));
  if (!spec.resources.is_null()) postgres.Set("resources", spec.resources);
  if (!spec.env.empty()) postgres.Set("env", spec.env);
  postgres.Set("volumeMounts", Mounts());
  return Json::Obj({{"volumes", DataVolume(instance)},
                    {"initContainers", std::move(init)},
                    {"containers", Json::Arr({std::move(postgres)})},
                    {"terminationGracePeriodSeconds", 1800},
                    {"serviceAccountName", spec.name},
                    {"hostname", instance}});
}

Json Owned(const ClusterSpec& spec, const std::string& name, Json labels, Json annotations) {
  for (const auto& [key, value] : spec.inherited_annotations.members()) annotations.Set(key, value);
  return Json::Obj({{"name", name},
                    {"namespace", spec.ns},
                    {"labels", std::move(labels)},
                    {"annotations", std::move(annotations)},
                    {"ownerReferences", Json::Arr({OwnerReference(spec, true)})}});
}

const Json& ContainerOf(const Json& pod_spec, const char* list, const char* name) {
  static const Json kNone;
  for (const Json& container : pod_spec[list].items())
    if (container["name"].AsString() == name) return container;
  return kNone;
}

}  // namespace

Json BootstrapJob(const ClusterSpec& spec, int serial, const std::string& job) {
  const std::string instance = spec.InstanceName(serial);
  Json labels = InstanceLabels(spec, instance);
  labels.Set("cnpg.io/jobRole", job);
  Json init = Container("bootstrap-controller", kOperatorImage,
                        {"/manager", "bootstrap", "/controller/manager"});
  if (!spec.resources.is_null()) init.Set("resources", spec.resources);
  Json main = Container(
      job, spec.image, {"/controller/manager", "instance", job == "initdb" ? "init" : job.c_str()});
  if (!spec.resources.is_null()) main.Set("resources", spec.resources);
  main.Set("volumeMounts", Mounts());
  Json inits = Json::Arr({std::move(init)});
  if (job == "full-recovery" && !spec.origin_store.empty())
    inits.Push(Sidecar("restore", spec.recovery_sidecar_resources));
  Json pod_spec = Json::Obj({{"volumes", DataVolume(instance)},
                             {"initContainers", std::move(inits)},
                             {"containers", Json::Arr({std::move(main)})},
                             {"restartPolicy", "Never"},
                             {"serviceAccountName", spec.name},
                             {"hostname", instance + "-" + job}});
  Json pod_metadata = Json::Obj({{"labels", labels}});
  if (!spec.inherited_annotations.empty())
    pod_metadata.Set("annotations", spec.inherited_annotations);
  Json metadata = Owned(spec, instance + "-" + job, labels,
                        Json::Obj({{"cnpg.io/operatorVersion", kOperatorVersion}}));
  return Json::Obj(
      {{"apiVersion", "batch/v1"},
       {"kind", "Job"},
       {"metadata", std::move(metadata)},
       {"spec", Json::Obj({{"template", Json::Obj({{"metadata", std::move(pod_metadata)},
                                                   {"spec", std::move(pod_spec)}})}})}});
}

Json InstancePod(const ClusterSpec& spec, int serial) {
  const std::string instance = spec.InstanceName(serial);
  Json labels = InstanceLabels(spec, instance);
  labels.Set("cnpg.io/podRole", "instance");
  Json body = PodSpec(spec, instance);
  Json annotations = Json::Obj({{"cnpg.io/nodeSerial", std::to_string(serial)},
                                {"cnpg.io/operatorVersion", kOperatorVersion},
                                {"cnpg.io/podEnvHash", "58d464d46"},
                                {"cnpg.io/podSpec", body.Dump()}});
  if (!spec.restarted_at.empty())
    annotations.Set("kubectl.kubernetes.io/restartedAt", spec.restarted_at);
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", Owned(spec, instance, std::move(labels), std::move(annotations))},
                    {"spec", std::move(body)}});
}

std::string RestartReason(const ClusterSpec& spec, const Json& pod) {
  auto parsed = Json::Parse(AnnotationOf(pod, "cnpg.io/podSpec"));
  if (!parsed) return "";
  const Json want = PodSpec(spec, NameOf(pod));
  const Json& now_postgres = ContainerOf(*parsed, "containers", "postgres");
  const Json& postgres = ContainerOf(want, "containers", "postgres");
  if (now_postgres["image"] != postgres["image"])
    return "the instance is using a different image: " + now_postgres["image"].AsString() + " -> " +
           postgres["image"].AsString();
  if (now_postgres["resources"] != postgres["resources"])
    return "original and target PodSpec differ in containers: container postgres differs in "
           "resources";
  if (now_postgres["env"] != postgres["env"])
    return "environment variable configuration hash changed";
  if ((*parsed)["initContainers"].size() != want["initContainers"].size())
    return "original and target PodSpec differ in init-containers";
  if (AnnotationOf(pod, "kubectl.kubernetes.io/restartedAt") != spec.restarted_at &&
      !spec.restarted_at.empty())
    return "cluster has been explicitly restarted via annotation";
  return "";
}

}  // namespace slipway::sim::operators::cnpg
