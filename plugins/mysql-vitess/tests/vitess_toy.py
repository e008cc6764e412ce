"""A toy cluster that plays the Vitess operator from the engine's own objects."""
import datetime
import hashlib
import re

from engine_toy import INSTANCE, NAMESPACE, NOW, ToyCluster, condition, uid
from engine_toy import meta as any_meta

API = "planetscale.com/v2"
BACKUP = {"destinationPath": "s3://bucket/acme", "endpointURL": "https://s3.example.com",
          "credentialsSecret": "orders-s3"}
CLUSTER = (API + "/VitessCluster", "orders")


def joined(*parts, limit=253, first="[a-z0-9]"):
    """The operator's names, written down a second time."""
    digest = hashlib.md5(b"".join(p.encode() + b"\0" for p in parts)).hexdigest()[:8]
    text = "-".join(re.sub("[^a-z0-9-]", "-", p.lower()) for p in parts)
    if not re.match(first, text):
        text = "x" + text
    return "%s-%s" % (text, digest) if len(text) + 9 <= limit else "%s---%s" % (text[:limit - 11], digest)


def alias(cell, key_range, index):
    text = "%s app %s replica %d\n" % (cell, key_range, index)
    return "%s-%010d" % (cell, int.from_bytes(hashlib.md5(text.encode()).digest()[:4], "big"))


def ranges(parts):
    bounds = [""] + ["%02x" % (i * 256 // parts) for i in range(1, parts)] + [""]
    return ["%s-%s" % pair for pair in zip(bounds, bounds[1:])]


def safe(key_range):
    start, end = key_range.split("-")
    return (start or "x") + "-" + (end or "x")


def shard_name(key_range="-"):
    return joined("orders", "app", safe(key_range))


def pod_name(tablet):
    return joined("orders", "vttablet", tablet)


VTGATE = joined("orders", "vtgate", limit=63, first="[a-z]")
ETCD = joined("orders", "etcd", limit=56)
STORAGE = joined("orders")
KEYSPACE = joined("orders", "app")
SUBCONTROLLER = STORAGE + "-vitessbackupstorage-subcontroller"
FIRST_BACKUP = joined("orders", "app", "x-x", "vtbackup", "init")


def pod(name, component, ready=True, cell="zone1"):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": any_meta(name, **{"planetscale.com/cluster": "orders", "planetscale.com/component": component,
                                          "planetscale.com/cell": cell}),
            "status": {"phase": "Running" if ready else "Pending",
                       "conditions": [condition("PodScheduled"), condition("Ready", "True" if ready else "False")],
                       "containerStatuses": [{"name": component, "ready": ready, "restartCount": 0,
                                              "state": {"running": {}}}]}}


def volume(name, phase="Bound"):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": NAMESPACE},
            "status": {"phase": phase}}


def iso(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def vitess_backup(start_ms, by="vtbackup-2093948112", shard="x-x", complete=True, engine="xtrabackup"):
    """A VitessBackup, that was listed a second after it began."""
    text = iso(start_ms)
    name = text[:10] + "." + text[11:19].replace(":", "") + "." + by
    status = {"startTime": text, "storageDirectory": "app/-", "storageName": name}
    if complete:
        status.update(complete=True, finishedTime=iso(start_ms + 12000), engine=engine, position="MySQL56/8f1e2a9c-1111-11ee-9a55-0242ac110005:1-412")
    return {"apiVersion": API, "kind": "VitessBackup", "status": status,
            "metadata": {"name": "b-" + name, "namespace": NAMESPACE, "creationTimestamp": iso(start_ms + 1000),
                         "labels": {"planetscale.com/cluster": "orders", "planetscale.com/shard": shard}}}


def job(name, state="Complete", start_ms=NOW - 60000, shard="x-x"):
    status = {"startTime": iso(start_ms)} if start_ms else {}
    if state:
        status["conditions"] = [dict(condition(state), lastTransitionTime=iso(start_ms + 30000))]
    if state == "Complete":
        status["completionTime"] = iso(start_ms + 30000)
    return {"apiVersion": "batch/v1", "kind": "Job", "status": status,
            "metadata": dict(any_meta(name, **{"planetscale.com/cluster": "orders", "planetscale.com/shard": shard}),
                             creationTimestamp=iso((start_ms or NOW) - 1000))}


def source_of(engine, target=None, of=None, parameters=None, **change):
    """arguments of a create that restores the instance `billing`."""
    backup = {"id": "b-1", "reference": "2026-09-20.031700", "started_ms": 1789874220000, "finished_ms": 1789874232000, "engine_version": ""}
    spec = engine.spec("STANDARD", of or dict(BACKUP, destinationPath="s3://bucket/billing"), parameters)
    return {"source": dict({"instance": {"id": "99999999-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "billing", "namespace": "acme-billing",
                                         "seed": "B111-6789abcdef", "organization": "acme", "project": "billing"},
                            "spec": spec, "credentials_secret": "orders-copied", "backup": backup, "target": target or {"type": "LATEST"}}, **change)}


class Toy(ToyCluster):
    """Phases of its operator: 0 nothing seen, 1 seen, 2 etcd, 3 tablets restore, 4 tablets ready, 5 primary, 6 vtgate, 7 backups."""

    SECRETS = {"orders-s3": ["credentials"], "orders-copied": ["credentials"]}

    def __init__(self):
        super().__init__()
        self.phase, self.last = 0, None

    def cluster(self):
        return self.applied.get(CLUSTER)

    def move(self):
        if self.cluster() is not None:
            self.last = self.cluster()["spec"]
            self.phase = min(self.phase + 1, 7)
        else:
            self.phase = min(self.phase, 4)
            self.phase = max(self.phase - 1, 0)

    # What the spec says.
    def tablets(self):
        keyspace = self.last["keyspaces"][0]["partitionings"][0]["equal"]
        return {key_range: [alias(p["cell"], key_range, i + 1) for p in keyspace["shardTemplate"]["tabletPools"]
                            for i in range(p["replicas"])] for key_range in ranges(keyspace["parts"])}

    def yes(self, phase):
        return "True" if self.phase >= phase else "False"

    def volumes(self):
        if self.last is None or self.phase == 0:
            return []
        return ["%s-%d" % (ETCD, i) for i in (1, 2, 3)] + [pod_name(t) for ts in self.tablets().values() for t in ts]

    def pods(self):
        if self.last is None or self.phase < 1 or (self.cluster() is None and self.phase < 2):
            return []
        out = [pod("%s-%d" % (ETCD, i), "etcd", self.phase >= 2) for i in (1, 2, 3)]
        out += [pod(pod_name(t), "vttablet", self.phase >= 4, t.split("-")[0]) for ts in self.tablets().values() for t in ts]
        out += [pod("orders-%s-vtgate-%d" % (c["name"], n), "vtgate", self.phase >= 6, c["name"])
                for c in self.last["cells"] for n in range(c["gateway"]["replicas"])]
        return out

    def observed(self):
        out = self.pods()
        for (kind, name), wanted in self.applied.items():
            if kind.endswith("/VitessBackupSchedule"):
                status = {"nextScheduledTimes": {"all-app-x-x": "2026-12-01T00:00:00Z"}} if self.phase >= 7 else {}
                out.append({"apiVersion": API, "kind": "VitessBackupSchedule", "metadata": any_meta(name), "status": status})
        if self.cluster() is not None:
            self.last = self.cluster()["spec"]
            out.append({"apiVersion": API, "kind": "VitessCluster", "metadata": dict(any_meta("orders"), generation=1, uid=uid("VitessCluster", "orders")),
                        "spec": {"keyspaces": self.last["keyspaces"]}, "status": self.cluster_status()})
        return out + self.jobs()

    def jobs(self):
        return [job(name, shard=o["metadata"]["labels"]["planetscale.com/shard"]) for (kind, name), o in self.applied.items() if kind == "batch/v1/Job"]

    def backups(self):
        """Newest first: those of the Jobs, and the operator's own of an empty database."""
        if self.phase < 7 or "backup" not in self.last:
            return []
        out = [vitess_backup(NOW - 50000, alias("zone1", "-", 1), j["metadata"]["labels"]["planetscale.com/shard"]) for j in self.jobs()]
        removed = [o["spec"]["template"]["spec"]["containers"][0]["args"][-1] for (kind, _), o in self.applied.items() if kind == "batch/v1/Job"]
        seed = vitess_backup(NOW - 800000)
        return out + ([] if seed["status"]["storageName"] in removed else [seed])

    def list(self, kind, selector):
        assert kind in ("VitessBackup", "Pod"), kind
        return self.backups() if kind == "VitessBackup" else []

    def cluster_status(self):
        if self.phase < 1:
            return {}
        shards = self.tablets()
        total = sum(len(t) for t in shards.values())
        counts = {"desiredShards": len(shards), "shards": len(shards), "desiredTablets": total, "tablets": total}
        if self.phase >= 4:
            counts.update(readyTablets=total, readyShards=len(shards))
        return {"observedGeneration": 1, "globalLockserver": {"etcd": {"available": self.yes(2)}},
                "gatewayServiceName": VTGATE, "keyspaces": {"app": counts},
                "cells": {c["name"]: {"gatewayAvailable": self.yes(6)} for c in self.last["cells"]}}

    def shard(self, key_range):
        tablets = self.tablets()[key_range]
        status = {"observedGeneration": 1, "hasMaster": self.yes(5), "servingWrites": "True", "tablets": {
            t: {"poolType": "replica", "index": n + 1, "running": "True", "dataVolumeBound": "True",
                "ready": "True" if self.phase >= 4 else "Unknown", "available": "True" if self.phase >= 4 else "Unknown",
                "type": "restore" if self.phase < 4 else "primary" if n == 0 and self.phase >= 5 else "replica"}
            for n, t in enumerate(tablets)}}
        if self.phase >= 5:
            status["masterAlias"] = tablets[0]
        if "backup" in self.last:
            status["backupLocations"] = [{"completeBackups": int(self.phase >= 7), "incompleteBackups": 0}]
        return {"apiVersion": API, "kind": "VitessShard", "metadata": {"name": shard_name(key_range), "namespace": NAMESPACE,
                                                                      "generation": 1}, "status": status}

    def get(self, ref):
        kind, name = ref["kind"], ref["name"]
        if kind == "PersistentVolumeClaim":
            return volume(name) if name in self.volumes() else None
        if kind == "PriorityClass":
            return {"metadata": {"name": name}}
        if self.cluster() is None or self.phase < 1:
            return None
        if kind == "VitessShard":
            return {shard_name(r): self.shard(r) for r in self.tablets()}.get(name)
        if kind == "VitessKeyspace" and name == KEYSPACE:
            reason = "TabletsReady" if self.phase >= 5 else "TabletsNotReady"
            return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE},
                    "status": {"observedGeneration": 1, "conditions": [condition("Ready", self.yes(5), reason)]}}
        if kind == "VitessBackupStorage" and name == STORAGE and "backup" in self.last:
            return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE},
                    "status": {"observedGeneration": 1}}
        if kind == "Pod" and name == SUBCONTROLLER and "backup" in self.last:
            return pod(name, "vbs-subcontroller")
        if kind == "Pod" and name.startswith("orders-vttablet-"):
            pool = self.last["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]["tabletPools"][0]
            args = ["--%s=%s" % flag for flag in pool["vttablet"]["extraFlags"].items()]
            return dict(pod(name, "vttablet"), spec={"containers": [{"name": "vttablet", "args": args}]})
        if kind == "Pod" and name.startswith("orders-app-") and "-vtbackup-init-" in name:
            return pod(name, "vtbackup") if self.phase == 3 else None
        raise AssertionError("the toy has no %s" % ref)


def at_phase(engine, spec, phase):
    """A toy whose cluster came so far."""
    toy = Toy()
    for stage in ("NAMESPACE_CREATION", "CRD_DEPLOYMENT"):
        toy.step(engine, stage, spec)
    if spec["backup"]:
        toy.step(engine, "BACKUP_CONFIG", spec)
    for _ in range(phase):
        toy.move()
    return toy
