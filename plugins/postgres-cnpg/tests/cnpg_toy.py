"""A toy cluster that plays CloudNativePG from the engine's own objects."""
import copy

from engine_toy import INSTANCE, ToyCluster, condition, uid
from engine_toy import meta as any_meta

BACKUP = {"destinationPath": "s3://bucket/acme", "endpointURL": "https://s3.example.com",
          "credentialsSecret": "orders-s3"}
PLUGIN = "barman-cloud.cloudnative-pg.io"
SERVER = "orders-" + INSTANCE["seed"][:8]
CLUSTER, BACKUPS, STORE = ("postgresql.cnpg.io/v1/Cluster", "postgresql.cnpg.io/v1/Backup", "barmancloud.cnpg.io/v1/ObjectStore")


def meta(name):
    return any_meta(name, **{"cnpg.io/cluster": "orders"})


def pod(number, ready=True, sidecar=False):
    name = "orders-%d" % number
    status = {"phase": "Running" if ready else "Pending",
              "conditions": [condition("PodScheduled"), condition("Ready", "True" if ready else "False")],
              "initContainerStatuses": [{"name": "bootstrap-controller", "ready": True,
                                         "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
              "containerStatuses": [{"name": "postgres", "ready": ready, "state": {"running": {}}}]}
    if sidecar:
        status["initContainerStatuses"].append({"name": "plugin-barman-cloud", "ready": True, "state": {"running": {}}})
    labels = meta(name)
    labels["labels"].update({"cnpg.io/podRole": "instance", "cnpg.io/instanceName": name})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": labels, "status": status}


def volume(number, phase="Bound"):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("orders-%d" % number),
            "status": {"phase": phase}}


def cluster(instances, phase="Cluster in healthy state", archiving=False, **status):
    base = {"phase": phase, "instances": instances, "readyInstances": instances,
            "currentPrimary": "orders-1", "targetPrimary": "orders-1",
            "conditions": [condition("Ready"), condition("ContinuousArchiving")]}
    if archiving:
        base["pluginStatus"] = [{"name": PLUGIN, "version": "0.14.0"}]
    base.update(status)
    return {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": dict(meta("orders"), uid=uid("Cluster", "orders")),
            "spec": {"instances": instances}, "status": {k: v for k, v in base.items() if v is not None}}


def backup(name, phase=None, created="2026-09-21T14:12:00Z", scheduled=False, of="orders", **status):
    """As the operator shows it: without a phase it has not looked at it yet."""
    metadata = dict(meta(name), creationTimestamp=created)
    if scheduled:
        metadata["labels"]["cnpg.io/scheduled-backup"] = "orders-backup"
    out = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "metadata": metadata,
           "spec": {"cluster": {"name": of}, "method": "plugin"}}
    return dict(out, status=dict(status, phase=phase)) if phase else out


def completed(name, began, ended, **more):
    return backup(name, "completed", created=began, startedAt=began, stoppedAt=ended, backupId="id-of-" + name, majorVersion=18,
                  endLSN="0/6000158", **more)


def store(name="orders-store", **servers):
    """`servers`: what the plugin has found in the folder of that name."""
    return {"apiVersion": "barmancloud.cnpg.io/v1", "kind": "ObjectStore", "metadata": meta(name),
            "status": {"serverRecoveryWindow": {k.replace("_", "-"): v for k, v in servers.items()}}}


def healthy(instances, archiving=False):
    return ([cluster(instances, archiving=archiving)] + [pod(n + 1, sidecar=archiving) for n in range(instances)] +
            [volume(n + 1) for n in range(instances)])


class Toy(ToyCluster):
    """Every pass of its operator moves the cluster on by one instance."""

    SECRETS = {"orders-app": ["dbname", "password", "username"],
               "orders-s3": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY"],
               "orders-copied": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY"]}
    PHASES = [None, "pending", "started", "completed"]  # of a Backup

    def __init__(self):
        super().__init__()
        self.pods, self.sidecars, self.restored = 0, 0, 0
        self.made = {}  # Backup → how many of the operator's passes it has seen

    def cluster(self):
        return self.applied.get((CLUSTER, "orders"))

    def get(self, ref):
        return next((o for o in self.backups() if o["metadata"]["name"] == ref["name"]), None)

    def backups(self):
        out = []
        for (kind, name), wanted in self.applied.items():
            if kind == BACKUPS:
                phase = self.PHASES[min(self.made.get(name, 0), len(self.PHASES) - 1)]
                ended = {"backupId": "20260921T141200", "startedAt": "2026-09-21T14:12:00Z", "stoppedAt": "2026-09-21T14:12:12Z"} if phase == "completed" else {}
                out.append(dict(backup(name, phase, **ended), spec=copy.deepcopy(wanted["spec"])))
        return out

    def recovering(self, wanted):
        """The passes that a restore takes."""
        return "recovery" in wanted["spec"]["bootstrap"] and self.restored < 3

    def move(self):
        wanted = self.cluster()
        for kind, name in self.applied:
            if kind == BACKUPS:
                self.made[name] = self.made.get(name, 0) + 1
        if wanted is None:
            self.pods = max(0, self.pods - 1)
        elif self.recovering(wanted):
            self.restored += 1
        elif self.pods < wanted["spec"]["instances"]:
            self.pods += 1
        elif "plugins" in wanted["spec"] and self.sidecars < self.pods:
            self.sidecars += 1

    def observed(self):
        wanted = self.cluster()
        out = [pod(n + 1, sidecar=n < self.sidecars) for n in range(self.pods)]
        out += [volume(n + 1) for n in range(self.pods)]
        out += self.backups() + [store(name) for kind, name in self.applied if kind == STORE]
        if wanted is None:
            return out
        instances = wanted["spec"]["instances"]
        if self.pods == 0:
            return out + [cluster(instances, phase=None, readyInstances=None, currentPrimary=None)]
        phase = "Cluster in healthy state" if self.pods == instances else "Creating a new replica"
        return out + [cluster(instances, phase, "plugins" in wanted["spec"], readyInstances=self.pods)]


def source_of(engine, target=None, of=None, tier="STANDARD", parameters=None, **change):
    """arguments of a create that restores the instance `billing`."""
    backup = {"id": "billing-backup-20260921010000", "reference": "20260921T010000", "started_ms": 1789952400000, "finished_ms": 1789952412000,
              "engine_version": "18"}
    spec = engine.spec(tier, of or dict(BACKUP, destinationPath="s3://bucket/billing", retentionPolicy="7d"), parameters)
    return {"source": dict({"instance": {"id": "99999999-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "billing", "namespace": "acme-billing",
                                         "seed": "B111-6789abcdef", "organization": "acme", "project": "billing"},
                            "spec": spec, "credentials_secret": "orders-copied", "backup": backup, "target": target or {"type": "LATEST"}}, **change)}
