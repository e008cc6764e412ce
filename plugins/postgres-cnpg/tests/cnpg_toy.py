"""The engine under test, and a toy cluster that plays the operator from the engine's own objects."""
import copy
import json
import os
import subprocess

NOW = 1790000000000
INSTANCE = {"id": "0b6f3c1e-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "orders", "namespace": "acme-orders",
            "seed": "5eed0123456789abcdef", "organization": "acme", "project": "orders"}
TIERS = {
    "FREE": {"instances": 1, "storage": "5Gi", "memory": "512Mi", "cpu": "500m", "pod_monitor": False},
    "STANDARD": {"instances": 3, "storage": "50Gi", "memory": "4Gi", "cpu": "2", "pod_monitor": True},
    "ENTERPRISE": {"instances": 5, "storage": "500Gi", "memory": "16Gi", "cpu": "4", "pod_monitor": True},
}
BACKUP = {"destinationPath": "s3://bucket/acme", "endpointURL": "https://s3.example.com",
          "credentialsSecret": "orders-s3"}
PLUGIN = "barman-cloud.cloudnative-pg.io"


class Engine:
    """One driver process; calls are lines. `raw` keeps the bytes."""

    def __init__(self, settings="{}"):
        self.process = subprocess.Popen(
            [os.environ["CNPG_DRIVE"], os.environ["CNPG_ENGINE"], settings],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def raw(self, function, document, now=NOW):
        text = document if isinstance(document, str) else json.dumps(document)
        self.process.stdin.write(("%s\t%d\t%s\n" % (function, now, text)).encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the engine died"
        return line

    def call(self, function, document, now=NOW):
        return json.loads(self.raw(function, document, now))

    def ok(self, function, document, now=NOW):
        answer = self.call(function, document, now)
        assert answer["code"] == 0, answer
        return answer["result"]

    def spec(self, tier, backup=None, parameters=None):
        asked = dict(TIERS[tier], tier=tier, parameters=parameters or {}, backup=backup)
        return self.ok("validate", request(asked))["spec"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def request(spec):
    return {"schema": 1, "verb": "create", "instance": {"name": "orders", "namespace": "acme-orders"},
            "spec": spec, "previous": None}


def step_input(stage, spec, observed=(), inventory=(), verb="create", kinds=None, needs=None, started=NOW):
    return {"schema": 1, "verb": verb, "stage": stage, "attempt": 1, "stage_started_ms": started,
            "instance": INSTANCE, "spec": spec, "previous": None, "carry": {},
            "facts": {"kinds": kinds if kinds is not None else {
                "postgresql.cnpg.io/v1/Cluster": True, "postgresql.cnpg.io/v1/ScheduledBackup": True,
                "barmancloud.cnpg.io/v1/ObjectStore": True, "monitoring.coreos.com/v1/PodMonitor": True}},
            "observed": list(observed), "inventory": list(inventory), "needs": needs or {}}


def condition(kind, value="True", reason="", message=""):
    return {"type": kind, "status": value, "reason": reason, "message": message}


def meta(name, **labels):
    return {"name": name, "namespace": "acme-orders",
            "labels": {"slipway.dev/instance": INSTANCE["id"], "cnpg.io/cluster": "orders", **labels}}


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


class Toy:
    """Holds what was applied; every pass() of its operator moves the cluster on by one instance."""

    def __init__(self):
        self.applied, self.pods, self.sidecars, self.applies = {}, 0, 0, []

    def take(self, result):
        for wanted in result.get("apply", []):
            kind = wanted["apiVersion"] + "/" + wanted["kind"]
            self.applied[(kind, wanted["metadata"]["name"])] = copy.deepcopy(wanted)
            self.applies.append(wanted)
        for gone in result.get("delete", []):
            key = (gone["apiVersion"] + "/" + gone["kind"], gone["name"])
            assert key in self.applied, "deletes what it never applied: %s" % (key,)
            del self.applied[key]

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

    def inventory(self):
        return [{"apiVersion": o["apiVersion"], "kind": o["kind"], "namespace": "acme-orders", "name": name}
                for (_, name), o in self.applied.items()]

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

    SECRETS = {"orders-app": ["dbname", "password", "username"],
               "orders-s3": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY"]}

    def step(self, engine, stage, spec, verb="create", kinds=None):
        """One tick of the host: step, and again with what it needs, at most four rounds."""
        needs = {}
        for _ in range(5):
            document = step_input(stage, spec, self.observed(), self.inventory(), verb, kinds, needs)
            result = engine.ok("step", document)
            fresh = {k: v for k, v in result.get("need", {}).items() if k not in needs}
            if not fresh:
                break
            for name, ref in fresh.items():
                keys = self.SECRETS.get(ref["name"])
                needs[name] = keys and {"metadata": {"name": ref["name"], "namespace": "acme-orders"}, "keys": keys}
        else:
            raise AssertionError("needs without end")
        self.take(result)
        return result

    def run(self, engine, plan, spec, verb="create", kinds=None):
        """Walks the plan's stages to their ends; returns stage → last result."""
        out = {}
        for stage in plan["stages"]:
            if "skip" in stage:
                continue
            for _ in range(40):
                result = self.step(engine, stage["name"], spec, verb, kinds)
                out[stage["name"]] = result
                state = result["verdict"]["state"]
                if state in ("ready", "skipped"):
                    break
                assert state == "progressing", result
                self.move()
            else:
                raise AssertionError("%s never ends: %s" % (stage["name"], result))
        return out


def plan(engine, spec, verb="create"):
    return engine.ok("plan", {"schema": 1, "verb": verb, "instance": INSTANCE, "spec": spec, "previous": None})
