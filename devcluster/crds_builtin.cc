#include "base/yaml.h"
#include "devcluster/crds.h"

namespace slipway::sim {

namespace {

// A short form of structural schemas. A mapping is an object, and a sequence of one element is a
// list. A "!" behind a key makes the key required. A scalar is a type with facts: "integer
// default=1 min=1", "string enum=a|b", "map" (of strings), "quantities", "quantity" and "any" (the
// value is kept as it is).
constexpr char kDefinitions[] = R"yaml(
- group: postgresql.cnpg.io
  kind: Cluster
  plural: clusters
  scale: {specReplicasPath: .spec.instances, statusReplicasPath: .status.instances, labelSelectorPath: .status.selector}
  columns:
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Instances, type: integer, jsonPath: .status.instances, description: Number of instances}
    - {name: Ready, type: integer, jsonPath: .status.readyInstances, description: Number of ready instances}
    - {name: Status, type: string, jsonPath: .status.phase, description: Cluster current status}
    - {name: Primary, type: string, jsonPath: .status.currentPrimary, description: Primary pod}
  spec:
    instances!: integer default=1 min=1
    description: string
    imageName: string
    imagePullPolicy: string
    imagePullSecrets: [{name!: string}]
    imageCatalogRef: {apiGroup: string, kind!: string enum=ImageCatalog|ClusterImageCatalog, name!: string, major!: integer}
    storage: &storage {size: string, storageClass: string, resizeInUseVolumes: boolean default=true, pvcTemplate: any}
    walStorage: *storage
    tablespaces: [{name!: string, owner: {name: string}, storage!: *storage, temporary: boolean default=false}]
    resources: {requests: quantities, limits: quantities, claims: any}
    affinity: any
    topologySpreadConstraints: [any]
    nodeMaintenanceWindow: {inProgress: boolean default=false, reusePVC: boolean default=true}
    priorityClassName: string
    schedulerName: string
    postgresUID: integer default=26
    postgresGID: integer default=26
    postgresql:
      parameters: map
      pg_hba: [string]
      pg_ident: [string]
      shared_preload_libraries: [string]
      enableAlterSystem: boolean
      promotionTimeout: integer
      synchronous:
        method!: string enum=any|first
        number!: integer
        dataDurability: string enum=required|preferred
        failoverQuorum: boolean
        maxStandbyNamesFromCluster: integer
        standbyNamesPre: [string]
        standbyNamesPost: [string]
      syncReplicaElectionConstraint: {enabled!: boolean, nodeLabelsAntiAffinity: [string]}
      ldap: any
      extensions: [any]
    bootstrap:
      initdb:
        database: string
        owner: string
        secret: &secret {name!: string}
        encoding: string
        locale: string
        localeProvider: string
        localeCollate: string
        localeCType: string
        builtinLocale: string
        icuLocale: string
        icuRules: string
        dataChecksums: boolean
        walSegmentSize: integer min=1 max=1024
        options: [string]
        postInitSQL: [string]
        postInitApplicationSQL: [string]
        postInitTemplateSQL: [string]
        import: any
      recovery:
        source: string
        database: string
        owner: string
        secret: *secret
        backup: {name!: string, endpointCA: any}
        recoveryTarget:
          backupID: string
          exclusive: boolean
          targetImmediate: boolean
          targetLSN: string
          targetName: string
          targetTLI: string
          targetTime: string
          targetXID: string
        volumeSnapshots: any
      pg_basebackup: {source!: string, database: string, owner: string, secret: *secret}
    externalClusters:
      - name!: string
        connectionParameters: map
        password: any
        sslCert: any
        sslKey: any
        sslRootCert: any
        barmanObjectStore: any
        plugin: &plugin {name!: string, enabled: boolean default=true, isWALArchiver: boolean default=false, parameters: map}
    replica: {enabled: boolean, source!: string, primary: string, self: string, promotionToken: string, minApplyDelay: string}
    plugins: [*plugin]
    backup: {barmanObjectStore: any, volumeSnapshot: any, retentionPolicy: string, target: string enum=primary|prefer-standby default=prefer-standby}
    superuserSecret: *secret
    enableSuperuserAccess: boolean default=false
    enablePDB: boolean default=true
    certificates: {serverCASecret: string, serverTLSSecret: string, clientCASecret: string, replicationTLSSecret: string, serverAltDNSNames: [string]}
    primaryUpdateMethod: string enum=switchover|restart default=restart
    primaryUpdateStrategy: string enum=unsupervised|supervised default=unsupervised
    minSyncReplicas: integer default=0 min=0
    maxSyncReplicas: integer default=0 min=0
    failoverDelay: integer default=0
    switchoverDelay: integer default=3600
    startDelay: integer default=3600
    stopDelay: integer default=1800
    smartShutdownTimeout: integer default=180
    livenessProbeTimeout: integer
    logLevel: string enum=error|warning|info|debug|trace default=info
    inheritedMetadata: {labels: map, annotations: map}
    serviceAccountName: string
    serviceAccountTemplate: any
    monitoring: any
    managed:
      roles:
        - name!: string
          ensure: string enum=present|absent default=present
          comment: string
          login: boolean
          superuser: boolean
          createdb: boolean
          createrole: boolean
          inherit: boolean default=true
          replication: boolean
          bypassrls: boolean
          connectionLimit: integer default=-1
          validUntil: string
          disablePassword: boolean
          inRoles: [string]
          passwordSecret: *secret
      services:
        disabledDefaultServices: [string]
        additional:
          - selectorType!: string enum=rw|r|ro
            updateStrategy: string enum=patch|replace default=patch
            serviceTemplate!: any
    replicationSlots:
      $default: {highAvailability: {enabled: true}}
      highAvailability:
        $default: {enabled: true}
        enabled: boolean default=true
        slotPrefix: string default=_cnpg_
        synchronizeLogicalDecoding: boolean
      synchronizeReplicas: {enabled!: boolean default=true, excludePatterns: [string]}
      updateInterval: integer default=30 min=1
    env: [any]
    envFrom: [any]
    projectedVolumeTemplate: any
    ephemeralVolumeSource: any
    ephemeralVolumesSizeLimit: any
    probes: any
    seccompProfile: any
    securityContext: any
    podSecurityContext: any
- group: postgresql.cnpg.io
  kind: Backup
  plural: backups
  columns:
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Cluster, type: string, jsonPath: .spec.cluster.name}
    - {name: Method, type: string, jsonPath: .spec.method}
    - {name: Phase, type: string, jsonPath: .status.phase}
    - {name: Error, type: string, jsonPath: .status.error}
  spec: &backup
    cluster!: {name!: string}
    method: string enum=barmanObjectStore|volumeSnapshot|plugin default=barmanObjectStore
    target: string enum=primary|prefer-standby
    online: boolean
    onlineConfiguration: {immediateCheckpoint: boolean, waitForArchive: boolean default=true}
    pluginConfiguration: {name!: string, parameters: map}
- group: postgresql.cnpg.io
  kind: ScheduledBackup
  plural: scheduledbackups
  columns:
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Cluster, type: string, jsonPath: .spec.cluster.name}
    - {name: Last Backup, type: date, jsonPath: .status.lastScheduleTime}
  spec:
    <<: *backup
    schedule!: string
    suspend: boolean
    immediate: boolean
    backupOwnerReference: string enum=none|self|cluster default=none
- group: postgresql.cnpg.io
  kind: Pooler
  plural: poolers
  scale: {specReplicasPath: .spec.instances, statusReplicasPath: .status.instances}
  columns:
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Cluster, type: string, jsonPath: .spec.cluster.name}
    - {name: Type, type: string, jsonPath: .spec.type}
    - {name: Phase, type: string, jsonPath: .status.phase}
  spec:
    cluster!: {name!: string}
    type: string enum=rw|ro|r default=rw
    instances: integer default=1
    pgbouncer!:
      poolMode: string enum=session|transaction default=session
      paused: boolean default=false
      parameters: map
      pg_hba: [string]
      authQuery: string
      authQuerySecret: any
      image: string
      clientCASecret: any
      clientTLSSecret: any
      serverCASecret: any
      serverTLSSecret: any
    deploymentStrategy: any
    monitoring: any
    template: any
    serviceTemplate: any
    serviceAccountName: string
- {group: postgresql.cnpg.io, kind: Database, plural: databases, spec: any}
- {group: postgresql.cnpg.io, kind: DatabaseRole, plural: databaseroles, spec: any}
- {group: postgresql.cnpg.io, kind: ImageCatalog, plural: imagecatalogs, spec: any}
- {group: postgresql.cnpg.io, kind: ClusterImageCatalog, plural: clusterimagecatalogs, scope: Cluster, spec: any}
- {group: postgresql.cnpg.io, kind: FailoverQuorum, plural: failoverquorums, spec: any}
- {group: postgresql.cnpg.io, kind: Publication, plural: publications, spec: any}
- {group: postgresql.cnpg.io, kind: Subscription, plural: subscriptions, spec: any}
- group: barmancloud.cnpg.io
  kind: ObjectStore
  plural: objectstores
  spec!:
    retentionPolicy: string pattern=^[1-9][0-9]*[dwm]$
    configuration!:
      destinationPath!: string minLength=1
      endpointURL: string
      endpointCA: any
      serverName: string
      tags: map
      historyTags: map
      s3Credentials: any
      azureCredentials: any
      googleCredentials: any
      wal:
        compression: string enum=bzip2|gzip|lz4|snappy|xz|zstd
        encryption: string enum=AES256|aws:kms
        maxParallel: integer min=1
        archiveAdditionalCommandArgs: [string]
        restoreAdditionalCommandArgs: [string]
      data:
        compression: string enum=bzip2|gzip|lz4|snappy
        encryption: string enum=AES256|aws:kms
        immediateCheckpoint: boolean
        jobs: integer min=1
        additionalCommandArgs: [string]
        restoreAdditionalCommandArgs: [string]
    instanceSidecarConfiguration:
      env: [any]
      logLevel: string enum=error|warning|info|debug|trace default=info
      retentionPolicyIntervalSeconds: integer default=1800
      additionalContainerArgs: [string]
      resources: {requests: quantities, limits: quantities, claims: any}
- {group: monitoring.coreos.com, kind: PodMonitor, plural: podmonitors, short: pmon, spec: any}
)yaml";

constexpr char kQuantity[] =
    R"(^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$)";

Json Plain(const char* type) {
  return Json::Obj({{"type", type}});
}

Json Quantity() {
  return Json::Obj({{"x-kubernetes-int-or-string", true}, {"pattern", kQuantity}});
}

Json Typed(const std::string& type, const std::string& text) {
  if (type == "string") return text;
  auto value = Json::Parse(text);
  return value ? *std::move(value) : Json();
}

Json FromScalar(const std::string& text) {
  const std::string type = text.substr(0, text.find(' '));
  if (type == "any") {
    Json out = Plain("object");
    return out.Set("x-kubernetes-preserve-unknown-fields", true);
  }
  if (type == "map") return Plain("object").Set("additionalProperties", Plain("string"));
  if (type == "quantities") return Plain("object").Set("additionalProperties", Quantity());
  if (type == "quantity") return Quantity();
  Json out = Plain(type.c_str());
  for (size_t at = type.size(); at < text.size();) {
    const size_t begin = at + 1, end = std::min(text.find(' ', begin), text.size());
    const size_t equals = text.find('=', begin);
    const std::string fact = text.substr(begin, equals - begin),
                      value = text.substr(equals + 1, end - equals - 1);
    if (fact == "default") out.Set("default", Typed(type, value));
    if (fact == "min") out.Set("minimum", Typed("integer", value));
    if (fact == "max") out.Set("maximum", Typed("integer", value));
    if (fact == "minLength") out.Set("minLength", Typed("integer", value));
    if (fact == "pattern") out.Set("pattern", value);
    for (size_t from = 0; fact == "enum" && from < value.size();) {
      const size_t bar = std::min(value.find('|', from), value.size());
      out["enum"].Push(value.substr(from, bar - from));
      from = bar + 1;
    }
    at = end;
  }
  return out;
}

Json Expand(const Json& shorthand) {
  if (shorthand.is_string()) return FromScalar(shorthand.AsString());
  if (shorthand.is_array()) return Plain("array").Set("items", Expand(shorthand[0]));
  Json out = Plain("object");
  for (const auto& [key, value] : shorthand.members()) {
    if (key == "$default") {
      out.Set("default", value);
      continue;
    }
    if (key == "<<") {
      const Json merged = Expand(value);
      for (const auto& [name, property] : merged["properties"].members())
        out["properties"].Set(name, property);
      for (const Json& name : merged["required"].items()) out["required"].Push(name);
      continue;
    }
    const bool required = key.back() == '!';
    const std::string name = required ? key.substr(0, key.size() - 1) : key;
    out["properties"].Set(name, Expand(value));
    if (required) out["required"].Push(name);
  }
  return out;
}

Json Definition(const Json& row) {
  const Json* spec = row.Find("spec") != nullptr ? row.Find("spec") : row.Find("spec!");
  const std::string& group = row["group"].AsString();
  const std::string& plural = row["plural"].AsString();
  Json schema = Plain("object");
  schema["properties"] = Json::Obj({{"apiVersion", Plain("string")},
                                    {"kind", Plain("string")},
                                    {"metadata", Plain("object")},
                                    {"spec", Expand(*spec)},
                                    {"status", FromScalar("any")}});
  if (spec->is_object()) schema.Set("required", Json::Arr({"metadata", "spec"}));
  Json subresources = Json::Obj({{"status", Json::MakeObject()}});
  if (row.Has("scale")) subresources.Set("scale", row["scale"]);
  Json version = Json::Obj({{"name", row["version"].AsString("v1")},
                            {"served", true},
                            {"storage", true},
                            {"schema", Json::Obj({{"openAPIV3Schema", std::move(schema)}})}});
  // A `plain` kind has a status that is a field like any other.
  if (!row["plain"].AsBool()) version.Set("subresources", std::move(subresources));
  if (row.Has("columns")) version.Set("additionalPrinterColumns", row["columns"]);
  Json names = Json::Obj({{"kind", row["kind"]}, {"plural", plural}});
  if (row.Has("short")) names.Set("shortNames", Json::Arr({row["short"]}));
  return Json::Obj({{"apiVersion", "apiextensions.k8s.io/v1"},
                    {"kind", "CustomResourceDefinition"},
                    {"metadata", Json::Obj({{"name", plural + "." + group}})},
                    {"spec", Json::Obj({{"group", group},
                                        {"names", std::move(names)},
                                        {"scope", row["scope"].AsString("Namespaced")},
                                        {"versions", Json::Arr({std::move(version)})}})}});
}

}  // namespace

Result<std::vector<Json>> BuiltinDefinitions() {
  std::vector<Json> out;
  for (const char* text : {kDefinitions, kMongodbDefinitions, kVitessDefinitions}) {
    TRY(const YamlDocument rows, ParseYamlDocument(text));
    for (const Json& row : rows.value.items()) out.push_back(Definition(row));
  }
  return out;
}

}  // namespace slipway::sim
