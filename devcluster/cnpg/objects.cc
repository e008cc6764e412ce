#include "devcluster/cnpg/objects.h"

#include <algorithm>

#include "base/crypto.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr char kManagedBy[] = "app.kubernetes.io/managed-by";

void Inherit(const ClusterSpec& spec, Json& metadata) {
  for (const auto& [key, value] : spec.inherited_labels.members())
    metadata["labels"].Set(key, value);
  for (const auto& [key, value] : spec.inherited_annotations.members())
    metadata["annotations"].Set(key, value);
}

Json Metadata(const ClusterSpec& spec, const std::string& name, Json labels, Json annotations,
              bool block = false) {
  Json out = Json::Obj({{"name", name}, {"namespace", spec.ns}, {"labels", std::move(labels)}});
  if (!annotations.empty()) out.Set("annotations", std::move(annotations));
  out.Set("ownerReferences", Json::Arr({OwnerReference(spec, block)}));
  return out;
}

Json Operated() {
  return Json::Obj({{"cnpg.io/operatorVersion", kOperatorVersion}});
}

Json AppLabels(const ClusterSpec& spec) {
  return Json::Obj({{"app.kubernetes.io/component", "database"},
                    {"app.kubernetes.io/instance", spec.name},
                    {kManagedBy, "cloudnative-pg"},
                    {"app.kubernetes.io/name", "postgresql"},
                    {"app.kubernetes.io/version", std::to_string(spec.major_version)},
                    {"cnpg.io/cluster", spec.name}});
}

Json Object(const char* api_version, const char* kind, Json metadata) {
  return Json::Obj(
      {{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}});
}

Json Secret(const ClusterSpec& spec, const std::string& name, const char* type,
            const std::vector<std::pair<std::string, std::string>>& values) {
  Json data = Json::MakeObject();
  for (const auto& [key, value] : values) data.Set(key, Base64Encode(value));
  Json out =
      Object("v1", "Secret", Metadata(spec, name, Json::Obj({{kManagedBy, "cloudnative-pg"}}), {}));
  return out.Set("type", type).Set("data", std::move(data));
}

Json Service(const ClusterSpec& spec, const char* suffix, const char* label, const char* value) {
  Json body = Json::Obj(
      {{"ports",
        Json::Arr({Json::Obj(
            {{"name", "postgres"}, {"protocol", "TCP"}, {"port", 5432}, {"targetPort", 5432}})})},
       {"selector", Json::Obj({{"cnpg.io/cluster", spec.name}, {label, value}})},
       {"type", "ClusterIP"}});
  Json annotations = Json::Obj(
      {{"cnpg.io/lastAppliedSpec", body.Dump()}, {"cnpg.io/operatorVersion", kOperatorVersion}});
  Json metadata = Metadata(spec, spec.name + suffix, AppLabels(spec), std::move(annotations));
  Inherit(spec, metadata);
  return Object("v1", "Service", std::move(metadata)).Set("spec", std::move(body));
}

Json DisruptionBudget(const ClusterSpec& spec, const std::string& name, const char* role,
                      int min_available) {
  Json metadata = Metadata(spec, name, AppLabels(spec), Operated());
  Inherit(spec, metadata);
  return Object("policy/v1", "PodDisruptionBudget", std::move(metadata))
      .Set(
          "spec",
          Json::Obj({{"minAvailable", min_available},
                     {"selector",
                      Json::Obj({{"matchLabels", Json::Obj({{"cnpg.io/cluster", spec.name},
                                                            {"cnpg.io/instanceRole", role}})}})}}));
}

Json List(std::initializer_list<const char*> items) {
  Json out = Json::MakeArray();
  for (const char* item : items) out.Push(item);
  return out;
}

Json Rule(Json verbs, const char* group, const char* resource, Json names = {}) {
  Json out = Json::Obj(
      {{"verbs", std::move(verbs)}, {"apiGroups", List({group})}, {"resources", List({resource})}});
  if (!names.empty()) out.Set("resourceNames", std::move(names));
  return out;
}

Json InstanceRules(const ClusterSpec& spec) {
  static constexpr char kGroup[] = "postgresql.cnpg.io";
  const Json self = Json::Arr({Json(spec.name)});
  Json secrets =
      Json::Arr({Json(spec.app_secret), Json(spec.name + "-ca"), Json(spec.name + "-replication"),
                 Json(spec.name + "-server"), Json(spec.name + "-superuser")});
  Json rules =
      Json::Arr({Rule(List({"get", "watch"}), "", "configmaps",
                      Json::Arr({Json("cnpg-default-monitoring"), Json(spec.name)})),
                 Rule(List({"get", "watch"}), "", "secrets", std::move(secrets)),
                 Rule(List({"get", "list", "watch"}), kGroup, "clusters", self),
                 Rule(List({"get", "patch", "update", "watch"}), kGroup, "clusters/status", self),
                 Rule(List({"list", "get", "delete"}), kGroup, "backups"),
                 Rule(List({"get", "patch", "update"}), kGroup, "backups/status"),
                 Rule(List({"create", "patch"}), "", "events")});
  const auto add = [&rules](const char* plural) {
    rules.Push(Rule(List({"get", "update", "list", "watch"}), kGroup, plural));
    rules.Push(
        Rule(List({"get", "patch", "update"}), kGroup, (std::string(plural) + "/status").c_str()));
  };
  for (const char* plural : {"databases", "publications", "subscriptions"}) add(plural);
  rules.Push(Rule(List({"get", "update"}), "coordination.k8s.io", "leases", self));
  rules.Push(Rule(List({"get", "list", "watch"}), kGroup, "failoverquorums", self));
  rules.Push(
      Rule(List({"get", "patch", "update", "watch"}), kGroup, "failoverquorums/status", self));
  add("databaseroles");
  return rules;
}

Json Binding(Json metadata, const ClusterSpec& spec, const std::string& role) {
  return Object("rbac.authorization.k8s.io/v1", "RoleBinding", std::move(metadata))
      .Set("subjects",
           Json::Arr({Json::Obj(
               {{"kind", "ServiceAccount"}, {"name", spec.name}, {"namespace", spec.ns}})}))
      .Set(
          "roleRef",
          Json::Obj({{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", role}}));
}

bool Disabled(const ClusterSpec& spec, const std::string& service) {
  return std::find(spec.disabled_services.begin(), spec.disabled_services.end(), service) !=
         spec.disabled_services.end();
}

}  // namespace

Json OwnerReference(const ClusterSpec& spec, bool block) {
  Json out = Json::Obj({{"apiVersion", "postgresql.cnpg.io/v1"},
                        {"kind", "Cluster"},
                        {"name", spec.name},
                        {"uid", spec.uid},
                        {"controller", true}});
  if (block) out.Set("blockOwnerDeletion", true);
  return out;
}

Json SecretOpaque(const ClusterSpec& spec, const std::string& name,
                  const std::vector<std::pair<std::string, std::string>>& data) {
  return Secret(spec, name, "Opaque", data);
}

Json SecretTls(const ClusterSpec& spec, const std::string& name, const std::string& cert_pem,
               const std::string& key_pem) {
  return Secret(spec, name, "kubernetes.io/tls", {{"tls.crt", cert_pem}, {"tls.key", key_pem}});
}

Json SecretUser(const ClusterSpec& spec, const std::string& name, const std::string& user_type,
                const std::string& user, const std::string& password, const std::string& database) {
  const std::string host = spec.name + "-rw";
  const std::string account = user + ":" + password + "@";
  const std::string query = "?password=" + password + "&user=" + user;
  const auto address = [&](const std::string& domain) {
    return host + "." + spec.ns + domain + ":5432/" + database;
  };
  Json out =
      Secret(spec, name, "kubernetes.io/basic-auth",
             {{"dbname", database},
              {"fqdn-jdbc-uri", "jdbc:postgresql://" + address(".svc.cluster.local") + query},
              {"fqdn-uri", "postgresql://" + account + address(".svc.cluster.local")},
              {"host", host},
              {"jdbc-uri", "jdbc:postgresql://" + address("") + query},
              {"password", password},
              {"pgpass", host + ":5432:" + database + ":" + user + ":" + password + "\n"},
              {"port", "5432"},
              {"uri", "postgresql://" + account + address("")},
              {"user", user},
              {"username", user}});
  Json& metadata = out["metadata"];
  metadata["labels"]
      .Set("cnpg.io/cluster", spec.name)
      .Set("cnpg.io/reload", "true")
      .Set("cnpg.io/userType", user_type);
  metadata.Set("annotations", Operated());
  Inherit(spec, metadata);
  return out;
}

std::vector<Json> PlatformObjects(const ClusterSpec& spec) {
  std::vector<Json> out;
  if (!Disabled(spec, "r")) out.push_back(Service(spec, "-r", "cnpg.io/podRole", "instance"));
  if (!Disabled(spec, "ro")) out.push_back(Service(spec, "-ro", "cnpg.io/instanceRole", "replica"));
  out.push_back(Service(spec, "-rw", "cnpg.io/instanceRole", "primary"));
  if (spec.enable_pdb) {
    out.push_back(DisruptionBudget(spec, spec.name + "-primary", "primary", 1));
    if (spec.instances >= 3)
      out.push_back(DisruptionBudget(spec, spec.name, "replica", spec.instances - 2));
  }
  const Json labels = Json::Obj({{kManagedBy, "cloudnative-pg"}, {"cnpg.io/cluster", spec.name}});
  const auto metadata = [&](Json annotations) {
    Json one = Metadata(spec, spec.name, labels, std::move(annotations));
    Inherit(spec, one);
    return one;
  };
  out.push_back(Object("v1", "ServiceAccount",
                       metadata(Json::Obj({{"cnpg.io/managedSecrets", "[]"},
                                           {"cnpg.io/operatorVersion", kOperatorVersion}}))));
  out.push_back(Object("rbac.authorization.k8s.io/v1", "Role", metadata(Operated()))
                    .Set("rules", InstanceRules(spec)));
  out.push_back(Binding(metadata(Operated()), spec, spec.name));
  out.push_back(DefaultMonitoring(spec.ns));
  Json lease = Metadata(spec, spec.name, Json::Obj({{"cnpg.io/cluster", spec.name}}), Operated());
  Inherit(spec, lease);
  out.push_back(
      Object("coordination.k8s.io/v1", "Lease", std::move(lease)).Set("spec", Json::MakeObject()));
  return out;
}

Json DefaultMonitoring(const std::string& ns) {
  Json metadata = Json::Obj(
      {{"name", "cnpg-default-monitoring"},
       {"namespace", ns},
       {"labels", Json::Obj({{kManagedBy, "cloudnative-pg"}, {"cnpg.io/reload", "true"}})},
       {"annotations", Operated()}});
  return Object("v1", "ConfigMap", std::move(metadata))
      .Set("data", Json::Obj({{"queries",
                               "backends:\n  query: SELECT count(*) AS total FROM "
                               "pg_catalog.pg_stat_activity\n"}}));
}

std::vector<Json> PluginObjects(const ClusterSpec& spec, const Json& store) {
  Json labels = AppLabels(spec);
  labels.Erase("cnpg.io/cluster");
  labels.Set(kManagedBy, "plugin-barman-cloud")
      .Set("app.kubernetes.io/name", "barman-cloud-plugin")
      .Set("app.kubernetes.io/version", kPluginVersion)
      .Set("barmancloud.cnpg.io/cluster", spec.name);
  const std::string name = spec.name + "-barman-cloud";
  Json secrets = Json::MakeArray();
  std::vector<std::string> seen;
  const auto mention = [&](const Json& reference) {
    const std::string& secret = reference["name"].AsString();
    if (secret.empty() || std::find(seen.begin(), seen.end(), secret) != seen.end()) return;
    seen.push_back(secret);
    secrets.Push(secret);
  };
  const Json& configuration = store.At("/spec/configuration");
  for (const char* credentials : {"s3Credentials", "azureCredentials", "googleCredentials"})
    for (const auto& [key, value] : configuration[credentials].members()) mention(value);
  mention(configuration["endpointCA"]);
  Json rules = Json::Arr({Rule(List({"get", "watch", "list"}), "barmancloud.cnpg.io",
                               "objectstores", Json::Arr({Json(spec.object_store)})),
                          Rule(List({"update"}), "barmancloud.cnpg.io", "objectstores/status",
                               Json::Arr({Json(spec.object_store)}))});
  if (!secrets.empty())
    rules.Push(Rule(List({"get", "watch", "list"}), "", "secrets", std::move(secrets)));
  std::vector<Json> out;
  out.push_back(
      Object("rbac.authorization.k8s.io/v1", "Role", Metadata(spec, name, labels, {}, true))
          .Set("rules", std::move(rules)));
  out.push_back(Binding(Metadata(spec, name, labels, {}, true), spec, name));
  return out;
}

Json VolumeClaim(const ClusterSpec& spec, int serial, const std::string& role) {
  const std::string instance = spec.InstanceName(serial);
  const bool wal = role == "PG_WAL";
  Json labels = Json::Obj({{"app.kubernetes.io/component", "database"},
                           {kManagedBy, "cloudnative-pg"},
                           {"app.kubernetes.io/name", "postgresql"},
                           {"cnpg.io/cluster", spec.name},
                           {"cnpg.io/instanceName", instance},
                           {"cnpg.io/pvcRole", role}});
  Json annotations = Json::Obj({{"cnpg.io/nodeSerial", std::to_string(serial)},
                                {"cnpg.io/operatorVersion", kOperatorVersion},
                                {"cnpg.io/pvcStatus", "initializing"}});
  Json metadata =
      Metadata(spec, wal ? instance + "-wal" : instance, std::move(labels), std::move(annotations));
  Inherit(spec, metadata);
  Json body = Json::Obj(
      {{"accessModes", List({"ReadWriteOnce"})},
       {"resources",
        Json::Obj({{"requests", Json::Obj({{"storage", wal ? spec.wal_storage : spec.storage}})}})},
       {"volumeMode", "Filesystem"}});
  if (!spec.storage_class.empty()) body.Set("storageClassName", spec.storage_class);
  return Object("v1", "PersistentVolumeClaim", std::move(metadata)).Set("spec", std::move(body));
}

}  // namespace slipway::sim::operators::cnpg
