"""A toy cluster that plays the MongoDB Community operator from the engine's own objects."""
import json

from engine_toy import INSTANCE, NAMESPACE, ToyCluster, condition, meta

API = "mongodbcommunity.mongodb.com/v1"
KIND = API + "/MongoDBCommunity"
OLD = {"mongodb.com/v1/MongoDBSearch": False}  # the MongoDB Community Operator
NEW = {"mongodb.com/v1/MongoDBSearch": True}   # MongoDB Controllers for Kubernetes
TLS = '{"tls_issuer":"databases"}'
VERSION = "8.0.21"
NOT_READY = "ReplicaSet is not yet ready, retrying in 10 seconds"


def pod(number, ready=True, agent="1"):
    it = meta("orders-%d" % number, app="orders-svc")
    if agent is not None:
        it["annotations"] = {"agent.mongodb.com/version": agent}
    statuses = [{"name": "mongod", "ready": True, "state": {"running": {}}},
                {"name": "mongodb-agent", "ready": ready, "state": {"running": {}}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": it,
            "status": {"phase": "Running", "containerStatuses": statuses, "initContainerStatuses": [],
                       "conditions": [condition("PodScheduled"), condition("Ready", "True" if ready else "False")]}}


def claim(number, phase="Bound", part="data"):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": meta("%s-volume-orders-%d" % (part, number), app="orders-svc"),
            "spec": {"storageClassName": "fast"}, "status": {"phase": phase}}


def stateful_set(wanted, ready=None, name="orders", **status):
    ready = wanted if ready is None else ready
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": dict(meta(name), generation=1),
            "spec": {"replicas": wanted},
            "status": {"observedGeneration": 1, "replicas": ready, "readyReplicas": ready, "updatedReplicas": ready,
                       **status}}


def replica_set(members, phase="Running", confirmed=True, version=VERSION, **status):
    it = meta("orders")
    if confirmed:
        it["annotations"] = {"mongodb.com/v1.lastSuccessfulConfiguration": json.dumps(
            {"members": members, "type": "ReplicaSet", "version": version})}
    base = {"phase": phase, "mongoUri": "", "version": version if phase == "Running" else None,
            "message": NOT_READY if phase == "Pending" else None,
            "currentMongoDBMembers": members if phase == "Running" else 0,
            "currentStatefulSetReplicas": members if phase == "Running" else 0}
    base.update(status)
    return {"apiVersion": API, "kind": "MongoDBCommunity", "metadata": it,
            "status": {k: v for k, v in base.items() if v is not None}}


def access(*kinds):
    apis = {"ServiceAccount": "v1"}
    return [{"apiVersion": apis.get(kind, "rbac.authorization.k8s.io/v1"), "kind": kind,
             "metadata": meta("orders-mongodb")} for kind in kinds or ("ServiceAccount", "Role", "RoleBinding")]


def healthy(members):
    return (access() + [replica_set(members), stateful_set(members), stateful_set(0, name="orders-arb")] +
            [pod(n) for n in range(members)] + [claim(n, part=p) for n in range(members) for p in ("data", "logs")])


class Toy(ToyCluster):
    """Every pass of its operator moves the replica set on by one member; the claims stay until they are deleted."""

    def __init__(self, issues=True):
        super().__init__()
        self.pods, self.claims, self.issues, self.confirmed = 0, set(), issues, False

    def wanted(self):
        return self.applied.get((KIND, "orders"))

    def move(self):
        wanted = self.wanted()
        if wanted is None:
            self.pods, self.confirmed = max(0, self.pods - 1), False
        elif self.pods < wanted["spec"]["members"]:
            self.claims |= {(self.pods, "data"), (self.pods, "logs")}
            self.pods += 1
        else:
            self.confirmed = True

    def take(self, result):
        """As the host would: the claims are deleted because they are observed, all else by the inventory."""
        claims = [gone for gone in result.get("delete", []) if gone["kind"] == "PersistentVolumeClaim"]
        if claims:
            assert self.wanted() is None and self.pods == 0, "deletes volumes that are in use"
        for gone in claims:
            part, _, rest = gone["name"].partition("-volume-orders-")
            self.claims.remove((int(rest), part))
        super().take(dict(result, delete=[gone for gone in result.get("delete", []) if gone not in claims]))

    def observed(self):
        out = [dict(o, metadata=meta(name)) for (kind, name), o in self.applied.items()
               if kind.split("/")[-1] in ("ServiceAccount", "Role", "RoleBinding")]
        out += [pod(n) for n in range(self.pods)] + [claim(n, part=part) for n, part in sorted(self.claims)]
        wanted = self.wanted()
        if wanted is None:
            return out
        members = wanted["spec"]["members"]
        out.append(stateful_set(members, self.pods))
        done = self.confirmed and self.pods == members
        made = replica_set(members, "Running" if done else "Pending", confirmed=done, version=wanted["spec"]["version"])
        return out + [dict(made, spec={"security": wanted["spec"]["security"]})]

    def fetch(self, ref):
        found = lambda keys: {"metadata": {"name": ref["name"], "namespace": NAMESPACE}, "keys": keys}
        if ref["kind"] == "Secret" and ref["name"] == "orders-app":
            return found(["connectionString.standard", "connectionString.standardSrv", "password",
                          "username"]) if self.confirmed else None
        if ref["kind"] == "Secret" and ref["name"] == "orders-tls":
            made = ("v1/Secret", "orders-tls") in self.applied
            certificate = ("cert-manager.io/v1/Certificate", "orders-tls") in self.applied
            return found(["ca.crt", "tls.crt", "tls.key"] if certificate and self.issues else []) if made else None
        return super().fetch(ref)

    def get(self, ref):
        return self.applied.get((ref["apiVersion"] + "/" + ref["kind"], ref["name"]))


assert INSTANCE["name"] == "orders"
