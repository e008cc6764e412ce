#include "devcluster/mongodb/replica_set_objects.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

Json EmptyDir(const std::string& name) {
  return Json::Obj({{"name", name}, {"emptyDir", Json::MakeObject()}});
}

Json FromSecret(const char* name, const std::string& secret) {
  return Json::Obj(
      {{"name", name}, {"secret", Json::Obj({{"secretName", secret}, {"defaultMode", 416}})}});
}

Json Mount(const std::string& name, const char* path) {
  return Json::Obj({{"name", name}, {"mountPath", path}});
}

Json ReadOnlyMount(const char* name, const char* path) {
  return Mount(name, path).Set("readOnly", true);
}

Json Variable(const char* name, const std::string& value) {
  return Json::Obj({{"name", name}, {"value", value}});
}

Json DefaultResources() {
  return Json::Obj({{"limits", Json::Obj({{"cpu", "1"}, {"memory", "500M"}})},
                    {"requests", Json::Obj({{"cpu", "500m"}, {"memory", "400M"}})}});
}

Json ContainerSecurity(const Release& release) {
  Json out = Json::Obj({{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}});
  if (release.restricted) out.Set("capabilities", Json::Obj({{"drop", Json::Arr({"ALL"})}}));
  return out;
}

Json InitContainer(const Release& release, const char* name, const char* image, const char* from,
                   const char* to, Json mount) {
  return Json::Obj({{"name", name},
                    {"image", image},
                    {"imagePullPolicy", "Always"},
                    {"command", Json::Arr({"cp", from, to})},
                    {"resources", DefaultResources()},
                    {"securityContext", ContainerSecurity(release)},
                    {"volumeMounts", Json::Arr({std::move(mount)})}});
}

Json CommonMounts(const InstanceSpec& spec, const char* health) {
  const std::string given = spec.spec["additionalMongodConfig"]["storage.dbPath"].AsString("/data");
  return Json::Arr({Mount("data-volume", given.c_str()), Mount("healthstatus", health),
                    Mount("logs-volume", "/var/log/mongodb-mms-automation"),
                    Mount(spec.secret("keyfile"), "/var/lib/mongodb-mms-automation/authentication"),
                    Mount("tmp", "/tmp")});
}

void AddTlsMounts(const InstanceSpec& spec, Json& mounts) {
  if (!spec.tls) return;
  mounts.Push(ReadOnlyMount("tls-ca", "/var/lib/tls/ca/"));
  mounts.Push(ReadOnlyMount("tls-secret", "/var/lib/tls/server/"));
}

Json MongodContainer(const InstanceSpec& spec, const Release& release) {
  Json mounts = CommonMounts(spec, "/healthstatus");
  mounts.Push(Mount("hooks", "/hooks"));
  AddTlsMounts(spec, mounts);
  const char* script =
      "if [ -e \"/hooks/version-upgrade\" ]; then /hooks/version-upgrade; fi\n"
      "while ! [ -f /data/automation-mongod.conf ]; do sleep 3; done; sleep 2\n"
      "exec mongod -f /data/automation-mongod.conf\n";
  return Json::Obj(
      {{"name", "mongod"},
       {"image", std::string(release.server_image) + ":" + spec.version + "-" + release.image_type},
       {"command", Json::Arr({"/bin/sh", "-c", script})},
       {"args", Json::Arr({""})},
       {"env",
        Json::Arr({Variable("AGENT_STATUS_FILEPATH", "/healthstatus/agent-health-status.json")})},
       {"resources", DefaultResources()},
       {"securityContext", ContainerSecurity(release)},
       {"volumeMounts", std::move(mounts)}});
}

Json AgentContainer(const InstanceSpec& spec, const Release& release) {
  Json mounts = CommonMounts(spec, "/var/log/mongodb-mms-automation/healthstatus");
  mounts.Push(Mount("agent-scripts", "/opt/scripts"));
  mounts.Push(ReadOnlyMount("automation-config", "/var/lib/automation/config"));
  AddTlsMounts(spec, mounts);
  if (spec.spec.At("/prometheus/tlsSecretKeyRef/name").is_string())
    mounts.Push(ReadOnlyMount("prometheus-tls", "/var/lib/tls/prometheus/"));
  const char* script =
      "agent/mongodb-agent -healthCheckFilePath="
      "/var/log/mongodb-mms-automation/healthstatus/agent-health-status.json "
      "-serveStatusPort=5000 -cluster=/var/lib/automation/config/cluster-config.json";
  Json field = Json::Obj({{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}});
  Json environment = Json::Arr(
      {Variable("AGENT_STATUS_FILEPATH",
                "/var/log/mongodb-mms-automation/healthstatus/agent-health-status.json"),
       Variable("AUTOMATION_CONFIG_MAP", spec.secret("config")), Variable("HEADLESS_AGENT", "true"),
       Json::Obj({{"name", "POD_NAMESPACE"},
                  {"valueFrom", Json::Obj({{"fieldRef", std::move(field)}})}})});
  return Json::Obj(
      {{"name", "mongodb-agent"},
       {"image", release.agent_image},
       {"imagePullPolicy", "Always"},
       {"command", Json::Arr({"/bin/bash", "-c", script})},
       {"env", std::move(environment)},
       {"resources", DefaultResources()},
       {"readinessProbe",
        Json::Obj({{"exec", Json::Obj({{"command", Json::Arr({"/opt/scripts/readinessprobe"})}})},
                   {"initialDelaySeconds", 5},
                   {"failureThreshold", 40}})},
       {"securityContext", ContainerSecurity(release)},
       {"volumeMounts", std::move(mounts)}});
}

Json PodSpecOf(const InstanceSpec& spec, const Release& release) {
  Json volumes =
      Json::Arr({EmptyDir("agent-scripts"), FromSecret("automation-config", spec.secret("config")),
                 EmptyDir("healthstatus"), EmptyDir("hooks"), EmptyDir(spec.secret("keyfile")),
                 EmptyDir("tmp")});
  if (spec.tls) {
    volumes.Push(FromSecret("tls-ca", spec.secret("ca-certificate")));
    volumes.Push(FromSecret("tls-secret", spec.secret("server-certificate-key")));
  }
  if (spec.spec.At("/prometheus/tlsSecretKeyRef/name").is_string())
    volumes.Push(FromSecret("prometheus-tls", spec.secret("prometheus-certificate-key")));
  Json security = Json::Obj({{"runAsUser", 2000}, {"runAsNonRoot", true}, {"fsGroup", 2000}});
  if (release.restricted) security.Set("seccompProfile", Json::Obj({{"type", "RuntimeDefault"}}));
  Json hook = InitContainer(release, "mongod-posthook", release.hook_image, "version-upgrade-hook",
                            "/hooks/version-upgrade", Mount("hooks", "/hooks"));
  Json probe = InitContainer(release, "mongodb-agent-readinessprobe", release.probe_image,
                             "/probes/readinessprobe", "/opt/scripts/readinessprobe",
                             Mount("agent-scripts", "/opt/scripts"));
  return Json::Obj(
      {{"volumes", std::move(volumes)},
       {"initContainers", Json::Arr({std::move(hook), std::move(probe)})},
       {"containers", Json::Arr({MongodContainer(spec, release), AgentContainer(spec, release)})},
       {"serviceAccountName", release.service_account},
       {"serviceAccount", release.service_account},
       {"terminationGracePeriodSeconds", 30},
       {"securityContext", std::move(security)}});
}

Json ClaimTemplate(const char* name, const char* size) {
  return Json::Obj(
      {{"apiVersion", "v1"},
       {"kind", "PersistentVolumeClaim"},
       {"metadata", Json::Obj({{"name", name}})},
       {"spec",
        Json::Obj({{"accessModes", Json::Arr({"ReadWriteOnce"})},
                   {"resources", Json::Obj({{"requests", Json::Obj({{"storage", size}})}})}})}});
}

// The key that tells the elements of a list apart; "" when there is none.
std::string KeyOf(const Json& item) {
  if (!item.is_object()) return "";
  const std::string& path = item["mountPath"].AsString();
  if (!path.empty()) return path;
  const std::string& name = item["name"].AsString();
  return name.empty() ? NameOf(item) : name;
}

void SortByKey(Json& list) {
  std::stable_sort(list.items().begin(), list.items().end(),
                   [](const Json& a, const Json& b) { return KeyOf(a) < KeyOf(b); });
}

// Mounts are told apart by their path, but sorted by their name, as the operator does it.
void SortMounts(Json& containers) {
  for (Json& container : containers.items())
    if (container.Has("volumeMounts"))
      std::stable_sort(
          container["volumeMounts"].items().begin(), container["volumeMounts"].items().end(),
          [](const Json& a, const Json& b) { return a["name"].AsString() < b["name"].AsString(); });
}

bool Keyed(const Json& list) {
  return std::all_of(list.items().begin(), list.items().end(),
                     [](const Json& item) { return !KeyOf(item).empty(); });
}

// Merges objects key by key and lists of named elements by name; replaces quantities of resources
// as a whole.
void Lay(Json& under, const Json& over) {
  if (over.is_object() && under.is_object()) {
    for (const auto& [key, value] : over.members()) {
      Json* old = under.Find(key);
      if (old == nullptr || key == "requests" || key == "limits" || key == "emptyDir")
        under.Set(key, value);
      else
        Lay(*old, value);
    }
    return;
  }
  if (!over.is_array() || !under.is_array() || !Keyed(over) || !Keyed(under)) {
    if (!over.is_null()) under = over;
    return;
  }
  for (const Json& item : over.items()) {
    const auto at = std::find_if(under.items().begin(), under.items().end(),
                                 [&](const Json& other) { return KeyOf(other) == KeyOf(item); });
    if (at == under.items().end())
      under.Push(item);
    else if (item.Has("value") != at->Has("value"))  // the variable has another source now
      *at = item;
    else
      Lay(*at, item);
  }
}

// The server writes quantities in a form of its own, so we compare bytes.
Json ClaimsInBytes(Json claims) {
  for (Json& claim : claims.items())
    if (const std::string size = claim.At("/spec/resources/requests/storage").AsString();
        !size.empty())
      claim.SetAt("/spec/resources/requests/storage", QuantityBytes(size));
  return claims;
}

void SortSpec(Json& spec, bool environment) {
  Json& pod = spec["template"]["spec"];
  for (const char* list : {"containers", "initContainers", "volumes"})
    if (pod.Has(list)) SortByKey(pod[list]);
  for (const char* list : {"containers", "initContainers"}) {
    if (!pod.Has(list)) continue;
    SortMounts(pod[list]);
    if (environment)
      for (Json& container : pod[list].items())
        if (container.Has("env")) SortByKey(container["env"]);
  }
  if (spec.Has("volumeClaimTemplates")) SortByKey(spec["volumeClaimTemplates"]);
}

}  // namespace

Json Owned(const InstanceSpec& spec, const std::string& name) {
  return Json::Obj({{"name", name},
                    {"namespace", spec.ns},
                    {"ownerReferences", Json::Arr({Json::Obj({{"apiVersion", kGroup},
                                                              {"kind", kKind},
                                                              {"name", spec.name},
                                                              {"uid", spec.uid},
                                                              {"controller", true},
                                                              {"blockOwnerDeletion", true}})})}});
}

Json ServiceOf(const InstanceSpec& spec, Behind behind) {
  const std::string name = spec.service();
  const auto port = [](const char* what, int64_t number) {
    return Json::Obj(
        {{"name", what}, {"protocol", "TCP"}, {"port", number}, {"targetPort", number}});
  };
  Json ports = Json::Arr({port("mongodb", spec.port)});
  if (const Json& prometheus = spec.spec["prometheus"]; prometheus.is_object())
    ports.Push(port("prometheus", prometheus["port"].AsInt(9216)));
  Json metadata = Owned(spec, name);
  metadata.Set("labels", Json::Obj({{"app", name}}));
  Json body = Json::Obj({{"type", "LoadBalancer"},
                         {"publishNotReadyAddresses", true},
                         {"selector", Json::Obj({{"app", name}})},
                         {"ports", std::move(ports)}});
  if (behind == Behind::kNothing) {
    // The real operator has no such annotation; it tells the host why nobody listens there.
    metadata.Set("annotations", Json::Obj({{"slipway.dev/simulated",
                                            "no MongoDB server runs in the development cluster"}}));
    body.Set("type", "ClusterIP").Set("clusterIP", "None");
  }
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Service"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(body)}});
}

Json StatefulSetOf(const InstanceSpec& spec, const Release& release, const SetPlan& plan) {
  const Json& override = spec.spec["statefulSet"];
  const Json app = Json::Obj({{"app", spec.service()}});
  Json body = Json::Obj(
      {{"selector", Json::Obj({{"matchLabels", app}})},
       {"serviceName", spec.service()},
       {"podManagementPolicy", "OrderedReady"},
       {"template", Json::Obj({{"metadata", Json::Obj({{"labels", app}})},
                               {"spec", PodSpecOf(spec, release)}})},
       {"volumeClaimTemplates",
        Json::Arr({ClaimTemplate("data-volume", "10G"), ClaimTemplate("logs-volume", "2G")})}});
  // The operator silently ignores the other fields of a StatefulSetSpec.
  for (const char* honoured : {"selector", "podManagementPolicy", "revisionHistoryLimit",
                               "template", "volumeClaimTemplates"}) {
    const Json& given = override["spec"][honoured];
    if (given.is_null()) continue;
    if (body.Has(honoured))
      Lay(body[honoured], given);
    else
      body.Set(honoured, given);
  }
  body.Set("replicas", plan.replicas);
  body.Set("updateStrategy", Json::Obj({{"type", plan.on_delete ? "OnDelete" : "RollingUpdate"}}));
  SortSpec(body, false);
  Json metadata = Owned(spec, plan.name);
  for (const char* key : {"labels", "annotations"})
    if (const Json& given = override["metadata"][key]; given.is_object()) metadata.Set(key, given);
  return Json::Obj({{"apiVersion", "apps/v1"},
                    {"kind", "StatefulSet"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(body)}});
}

Json Updated(const Json& existing, const Json& wanted) {
  Json out = existing;
  for (const char* key : {"labels", "annotations"})
    if (const Json& given = wanted["metadata"][key]; given.is_object())
      out["metadata"][key].MergePatch(given);
  Json& strategy = out["spec"]["updateStrategy"];
  const std::string before = strategy["type"].AsString();
  Lay(out["spec"], wanted["spec"]);
  if (strategy["type"].AsString() != before) strategy.Erase("rollingUpdate");
  SortSpec(out["spec"], true);
  return out;
}

Json UpdateOf(const Json& existing, const Json& updated) {
  if (existing == updated) return {};
  Json spec = updated["spec"];
  if (!spec["updateStrategy"].Has("rollingUpdate") &&
      existing.At("/spec/updateStrategy").Has("rollingUpdate"))
    spec["updateStrategy"].Set("rollingUpdate", nullptr);
  Json patch = Json::Obj({{"spec", std::move(spec)}});
  for (const char* key : {"labels", "annotations"})
    if (updated["metadata"][key] != existing["metadata"][key])
      patch["metadata"].Set(key, updated["metadata"][key]);
  return patch;
}

std::string Refusal(const Json& existing, const Json& updated) {
  bool refused = ClaimsInBytes(existing.At("/spec/volumeClaimTemplates")) !=
                 ClaimsInBytes(updated.At("/spec/volumeClaimTemplates"));
  for (const char* fixed : {"serviceName", "selector", "podManagementPolicy"})
    refused |= existing["spec"][fixed] != updated["spec"][fixed];
  if (!refused) return "";
  return "StatefulSet.apps \"" + NameOf(existing) +
         "\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than "
         "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
         "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
}

}  // namespace slipway::sim::operators::mongodb
