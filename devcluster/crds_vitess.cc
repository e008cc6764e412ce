#include "devcluster/crds.h"

namespace slipway::sim {

// The definitions of Vitess operator 2.17. Resources that users and engines write declare their
// fields; resources that the operator makes itself take any field.
const char kVitessDefinitions[] = R"yaml(
- group: planetscale.com
  version: v2
  kind: VitessCluster
  plural: vitessclusters
  short: vt
  spec:
    backup:
      engine: string enum=builtin|xtrabackup|mysqlshell
      locations!:
        - annotations: map
          azblob: {account!: string minLength=1, authSecret!: &secret {key!: string, name: string, volumeName: string}, container!: string minLength=1, keyPrefix: string}
          ceph: {authSecret!: *secret}
          gcs: {authSecret: *secret, bucket!: string minLength=1, keyPrefix: string}
          name: string
          s3:
            authSecret: *secret
            bucket!: string minLength=1
            endpoint: string
            forcePathStyle: boolean
            keyPrefix: string
            minPartSize: integer
            region!: string minLength=1
          volume: any
          volumeSubPath: string
      schedules:
        - &schedule
          affinity: any
          allowedMissedRun: integer min=0
          annotations: map
          backupMethod: string enum=vtbackup|vtctldclient default=vtbackup
          concurrencyPolicy: string enum=Allow|Forbid default=Forbid
          failedJobsHistoryLimit: integer min=0
          frequency: string
          jobTimeoutMinute: integer default=10 min=0
          name!: string minLength=1 pattern=^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$
          resources!: &resources {claims: any, limits: quantities, requests: quantities}
          schedule: string
          startingDeadlineSeconds: integer min=0
          strategies!: [{extraFlags: map, keyspace: string, name!: string, scope: string enum=Shard|Keyspace|Cluster, shard: string}]
          successfulJobsHistoryLimit: integer min=0
          suspend: boolean
          tolerations: [any]
      subcontroller: {serviceAccountName: string}
    cells!:
      - gateway:
          <<: &component {affinity: any, annotations: map, extraEnv: [any], extraFlags: map, extraLabels: map, extraVolumeMounts: [any], extraVolumes: [any], initContainers: [any], resources: *resources, sidecarContainers: [any], tolerations: [any]}
          authentication: {static: {secret: *secret}}
          autoscaler: any
          lifecycle: any
          replicas: integer min=0
          secureTransport: {required: boolean, tls: {certSecret: *secret, clientCACertSecret: *secret, keySecret: *secret}}
          service: &service {annotations: map, clusterIP: string}
          strategy: any
          terminationGracePeriodSeconds: integer
          topologySpreadConstraints: [any]
        lockserver: &lockserver
          cellInfoAddress: string
          etcd: &etcd
            advertisePeerURLs: [string]
            affinity: any
            annotations: map
            clientService: *service
            createClientService: boolean
            createPDB: boolean
            createPeerService: boolean
            dataVolumeClaimTemplate: &claim
              accessModes: [string]
              dataSource: any
              dataSourceRef: any
              resources: {limits: quantities, requests: quantities}
              selector: any
              storageClassName: string
              volumeAttributesClassName: string
              volumeMode: string
              volumeName: string
            extraEnv: [any]
            extraFlags: map
            extraLabels: map
            extraVolumeMounts: [any]
            extraVolumes: [any]
            image: string
            imagePullPolicy: string
            imagePullSecrets: [{name: string}]
            initContainers: [any]
            localMemberIndex: integer min=1 max=3
            peerService: *service
            resources: *resources
            sidecarContainers: [any]
            tolerations: [any]
          external: {address!: string, implementation!: string, rootPath!: string}
        name!: string minLength=1 pattern=^[A-Za-z0-9]([A-Za-z0-9_.]*[A-Za-z0-9])?$
        zone: string
    extraVitessFlags: map
    gatewayService: *service
    globalLockserver: *lockserver
    imagePullPolicies: {mysqld: string, mysqldExporter: string, vtadmin: string, vtbackup: string, vtctld: string, vtgate: string, vtorc: string, vttablet: string}
    imagePullSecrets: [{name: string}]
    images:
      mysqld: {mariadb103Compatible: string, mariadbCompatible: string, mysql56Compatible: string, mysql80Compatible: string}
      mysqldExporter: string
      vtadmin: string
      vtbackup: string
      vtctld: string
      vtgate: string
      vtorc: string
      vttablet: string
    keyspaces:
      - annotations: map
        databaseName: string
        durabilityPolicy: string
        images:
          mysqld: {mysql56Compatible: string, mysql80Compatible: string}
          mysqldExporter: string
          vtbackup: string
          vtorc: string
          vttablet: string
        name!: string minLength=1 pattern=^[A-Za-z0-9]([A-Za-z0-9-_.]*[A-Za-z0-9])?$
        partitionings!:
          - custom:
              shards!:
                - &shard
                  annotations: map
                  databaseInitScriptSecret!: *secret
                  keyRange: {end: string, start: string}
                  replication: &replication {initializeBackup: boolean, initializeMaster: boolean, recoverRestartedMaster: boolean}
                  tabletPools: &pools
                    - affinity: any
                      annotations: map
                      backupLocationName: string
                      cell!: string minLength=1
                      dataVolumeClaimTemplate: *claim
                      externalDatastore: any
                      extraEnv: [any]
                      extraLabels: map
                      extraVolumeMounts: [any]
                      extraVolumes: [any]
                      initContainers: [any]
                      mysqld: {configOverrides: string, resources!: *resources}
                      mysqldExporter: {extraFlags: map, resources: *resources}
                      name: string default=
                      replicas!: integer min=0
                      sidecarContainers: [any]
                      tolerations: [any]
                      topologySpreadConstraints: [any]
                      type!: string enum=replica|rdonly|externalmaster|externalreplica|externalrdonly
                      vttablet: {extraFlags: map, lifecycle: any, resources: *resources, terminationGracePeriodSeconds: integer, vtbackupExtraFlags: map}
            equal:
              hexWidth: integer default=0 min=0 max=65536
              parts!: integer min=1 max=65536
              shardTemplate: {annotations: map, databaseInitScriptSecret!: *secret, replication: *replication, tabletPools: *pools}
        sidecarDbName: string
        turndownPolicy: string enum=RequireIdle|Immediate
        vitessOrchestrator:
          <<: *component
          service: *service
    tabletService: *service
    topologyReconciliation: {pruneCells: boolean, pruneKeyspaces: boolean, pruneShardCells: boolean, pruneShards: boolean, pruneSrvKeyspaces: boolean, pruneTablets: boolean, registerCells: boolean, registerCellsAliases: boolean}
    updateStrategy: {external: {allowResourceChanges: [string]}, type: string enum=External|Immediate}
    vitessDashboard:
      <<: *component
      cells: [string]
      replicas: integer
      service: *service
    vtadmin: any
- group: planetscale.com
  version: v2
  kind: VitessBackupSchedule
  plural: vitessbackupschedules
  spec:
    <<: *schedule
    cluster!: string
    image: string
    imagePullPolicy: string
- group: planetscale.com
  version: v2
  kind: VitessCell
  plural: vitesscells
  short: vtc
  scale: {labelSelectorPath: .status.gateway.labelSelector, specReplicasPath: .spec.gateway.replicas, statusReplicasPath: .status.gateway.replicas}
  spec: any
- {group: planetscale.com, version: v2, kind: VitessKeyspace, plural: vitesskeyspaces, short: vtk, spec: any}
- {group: planetscale.com, version: v2, kind: VitessShard, plural: vitessshards, short: vts, spec: any}
- {group: planetscale.com, version: v2, kind: EtcdLockserver, plural: etcdlockservers, short: etcdls, spec: any}
- {group: planetscale.com, version: v2, kind: VitessBackupStorage, plural: vitessbackupstorages, short: vtbs, spec: any}
- {group: planetscale.com, version: v2, kind: VitessBackup, plural: vitessbackups, short: vtb, plain: true, spec: any}
)yaml";

}  // namespace slipway::sim
