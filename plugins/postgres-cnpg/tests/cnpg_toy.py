"""A toy cluster that plays CloudNativePG from the engine's own objects."""
from engine_toy import ToyCluster, condition
from engine_toy import meta as any_meta

BACKUP = {"destinationPath": "s3://bucket/acme", "endpointURL": "https://s3.example.com",
          "credentialsSecret": "orders-s3"}
PLUGIN = "barman-cloud.cloudnative-pg.io"


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
    return {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": meta("orders"),
            "spec": {"instances": instances}, "status": {k: v for k, v in base.items() if v is not None}}


def healthy(instances, archiving=False):
    return ([cluster(instances, archiving=archiving)] + [pod(n + 1, sidecar=archiving) for n in range(instances)] +
            [volume(n + 1) for n in range(instances)])


class Toy(ToyCluster):
    """Every pass of its operator moves the cluster on by one instance."""

    SECRETS = {"orders-app": ["dbname", "password", "username"],
               "orders-s3": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY"]}

    def __init__(self):
        super().__init__()
        self.pods, self.sidecars = 0, 0

    def cluster(self):
        return self.applied.get(("postgresql.cnpg.io/v1/Cluster", "orders"))

    def move(self):
        wanted = self.cluster()
        if wanted is None:
            self.pods = max(0, self.pods - 1)
        elif self.pods < wanted["spec"]["instances"]:
            self.pods += 1
        elif "plugins" in wanted["spec"] and self.sidecars < self.pods:
            self.sidecars += 1

    def observed(self):
        wanted = self.cluster()
        out = [pod(n + 1, sidecar=n < self.sidecars) for n in range(self.pods)]
        out += [volume(n + 1) for n in range(self.pods)]
        if wanted is None:
            return out
        instances = wanted["spec"]["instances"]
        if self.pods == 0:
            return out + [cluster(instances, phase=None, readyInstances=None, currentPrimary=None)]
        phase = "Cluster in healthy state" if self.pods == instances else "Creating a new replica"
        return out + [cluster(instances, phase, "plugins" in wanted["spec"], readyInstances=self.pods)]
