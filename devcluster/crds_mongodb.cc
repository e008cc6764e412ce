#include "devcluster/crds.h"

namespace slipway::sim {

// MongoDBCommunity as in MCK 1.10.
const char kMongodbDefinitions[] = R"yaml(
- group: mongodbcommunity.mongodb.com
  kind: MongoDBCommunity
  plural: mongodbcommunity
  short: mdbc
  columns:
    - {name: Phase, type: string, jsonPath: .status.phase, description: Current state of the MongoDB deployment}
    - {name: Version, type: string, jsonPath: .status.version, description: Version of MongoDB server}
  spec:
    additionalConnectionStringConfig: any
    additionalMongodConfig: any
    agent:
      auditLogRotate: &rotation
        includeAuditLogsWithMongoDBLogs: boolean
        numTotal: integer
        numUncompressed: integer
        percentOfDiskspace: string
        sizeThresholdMB!: string
        timeThresholdHrs!: integer
      logFile: string
      logLevel: string
      logRotate: *rotation
      maxLogFileDurationHours: integer
      systemLog: {destination!: string, logAppend!: boolean, path!: string}
    arbiters: integer
    automationConfig:
      processes: [{name!: string, disabled!: boolean, logRotate: *rotation}]
      replicaSet: {id: string, settings: any}
    clusterDomain: string
    featureCompatibilityVersion: string
    memberConfig: [{priority: string, tags: map, votes: integer}]
    members: integer
    prometheus:
      metricsPath: string pattern=^\/[a-z0-9]+$
      passwordSecretRef!: &key {key: string, name!: string}
      port: integer
      tlsSecretKeyRef: *key
      username!: string
    replicaSetHorizons: [map]
    security!:
      authentication:
        agentCertificateSecretRef: &reference {name: string}
        agentMode: string enum=SCRAM|SCRAM-SHA-256|SCRAM-SHA-1|X509
        ignoreUnknownUsers: boolean default=true
        modes!: [string enum=SCRAM|SCRAM-SHA-256|SCRAM-SHA-1|X509]
      roles:
        - authenticationRestrictions: [{clientSource!: [string], serverAddress!: [string]}]
          db!: string
          privileges!: [{actions!: [string], resource!: {anyResource: boolean, cluster: boolean, collection: string, db: string}}]
          role!: string
          roles: [&role {db!: string, name!: string}]
      tls:
        caCertificateSecretRef: *reference
        caConfigMapRef: *reference
        certificateKeySecretRef: *reference
        enabled!: boolean
        optional: boolean
    statefulSet: {metadata: {annotations: map, labels: map}, spec!: any}
    type!: string enum=ReplicaSet
    users!:
      - additionalConnectionStringConfig: any
        connectionStringSecretAnnotations: map
        connectionStringSecretName: string
        connectionStringSecretNamespace: string
        db: string default=admin
        name!: string
        passwordSecretRef: *key
        roles!: [*role]
        scramCredentialsSecretName: string pattern=^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
    version: string
)yaml";

}  // namespace slipway::sim
