"""Compares the simulated operator with the real one: both get the same request, and we compare what they write, object by object.

A difference is a path with both values. Each one is mended in devcluster/cnpg or listed in differences.yaml with a reason; a listed
difference that is not found fails as well. Values that differ in every run (uids, times, addresses, certificates, generated names) are normalised here.
"""
import difflib
import json
import os
import re
import threading

import pytest
import yaml

from conftest import HERE, TIERS, NodeHost, engines_of
from integration.host import Host, Sim, make_dir, remove_dir, wait_for
from realnode.api import Api, Watch, resource

NAMESPACE, NAME, MOST = "acme-compared", "compared", 15
KINDS = [("postgresql.cnpg.io/v1", "Cluster"), ("v1", "Pod"), ("v1", "PersistentVolumeClaim"), ("v1", "Service"), ("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "ServiceAccount"),
         ("v1", "ResourceQuota"), ("batch/v1", "Job"), ("policy/v1", "PodDisruptionBudget"), ("rbac.authorization.k8s.io/v1", "Role"),
         ("rbac.authorization.k8s.io/v1", "RoleBinding"), ("networking.k8s.io/v1", "NetworkPolicy"), ("coordination.k8s.io/v1", "Lease")]
# Kubernetes itself makes these in every namespace.
KUBERNETES = {"ServiceAccount/default", "ConfigMap/kube-root-ca.crt"}


class Recorder:
    """Records everything that happens in the namespace: `events` are in the order of the server's revisions."""

    def __init__(self, api):
        self.api, self.events, self.lock = api, [], threading.Lock()
        self.watches = [Watch(api, resource(api_version, kind, NAMESPACE), self.heard(api_version, kind)) for api_version, kind in KINDS]

    def heard(self, api_version, kind):
        def take(event, it):
            with self.lock:
                self.events.append({"type": event, "revision": int(it["metadata"]["resourceVersion"]), "object": {**it, "apiVersion": api_version, "kind": kind}})
        return take

    def result(self):
        """created: objects as they were made; phases: those of the Cluster; final: what is left at the end."""
        for watch in self.watches:
            watch.stop()
        with self.lock:
            events = sorted(self.events, key=lambda e: e["revision"])
        final = []
        for api_version, kind in KINDS:
            final += [{**o, "apiVersion": api_version, "kind": kind} for o in self.api.list(resource(api_version, kind, NAMESPACE))]
        return {"created": [e["object"] for e in events if e["type"] == "ADDED"],
                "statuses": [e["object"].get("status", {}) for e in events if e["object"]["kind"] == "Cluster" and e["type"] != "DELETED"], "final": final}


def provision(api, host):
    recorder = Recorder(api)
    answer = host.create(NAME, "COMPARED")
    operation = host.finish(answer.json["id"], 300)
    assert operation["state"] == "SUCCEEDED", operation

    def settled():
        cluster = api.get(resource("postgresql.cnpg.io/v1", "Cluster", NAMESPACE, NAME))
        status = cluster["status"]  # its count of jobs is updated after the jobs end
        return status.get("phase") == "Cluster in healthy state" and "jobCount" not in status and not api.list(resource("batch/v1", "Job", NAMESPACE))
    wait_for(settled, 90, "a settled cluster")
    result = recorder.result()
    deleted = host.finish(host.call("DELETE", operation["target"]["path"]).json["id"], 180)
    assert deleted["state"] == "SUCCEEDED", deleted
    return result


def real(node):
    data = make_dir()
    host = NodeHost(node, data, settings={"storage_class": ""}).start()
    try:
        return provision(node.api, host)
    finally:
        host.stop()
        remove_dir(data)


def simulated(image):
    data = make_dir()
    sim = Sim(os.path.join(data, "sim"), pace="0.1")
    host = Host(os.path.join(data, "host"), sim, engines=engines_of(data, {"image": image}), config=TIERS).start()
    try:
        return provision(Api(sim.url), host)
    finally:
        host.stop()
        sim.stop()
        remove_dir(data)


# Values that differ in every run.
VALUES = [(re.compile(pattern), name) for pattern, name in (
    (r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "<uid>"), (r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( \+0000 UTC|Z)$", "<time>"), (r"^\d+(\.\d+){3}$", "<address>"),
    (r"^[0-9a-f]{40,}$", "<hash>"), (r"^ins_[0-9a-z]{26}$", "<instance>"), (r"^\d{19}$", "<system>"))]
PATHS = [(re.compile(r"ResourceVersion\."), "<version>"), (re.compile(r"status\.cloudNativePGCommitHash$"), "<commit>")]


def name_of(it):
    """The pods of a job have generated names."""
    owned_by_job = any(owner["kind"] == "Job" for owner in it["metadata"].get("ownerReferences", []))
    return it["kind"] + "/" + (re.sub(r"-[a-z0-9]{5}$", "-*", it["metadata"]["name"]) if owned_by_job else it["metadata"]["name"])


def leaves(value, path):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for position, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{inner.get('type') or inner.get('name') or position}]")
    else:
        yield path, value


def normal(path, value):
    for pattern, name in PATHS:
        if pattern.search(path):
            return name
    if isinstance(value, list):
        return [normal(path, inner) for inner in value]
    for pattern, name in VALUES:
        if isinstance(value, str) and pattern.match(value):
            return name
    return value


def facts(record):
    """{path: value} of what exists at the end."""
    found = {}
    for it in record["final"]:
        name, metadata = name_of(it), it["metadata"]
        if name in KUBERNETES:
            continue
        found[name] = "there"
        pieces = {"labels": metadata.get("labels"), "finalizers": metadata.get("finalizers"), "annotations": dict.fromkeys(metadata.get("annotations", {}), "there"),
                  "ownerReferences": [{key: value for key, value in owner.items() if key != "uid"} for owner in metadata.get("ownerReferences", [])]}
        if it["kind"] == "Cluster":
            pieces["status"], pieces["spec"] = it["status"], it["spec"]
        elif it["kind"] == "Secret":
            pieces["type"], pieces["data"] = it["type"], dict.fromkeys(it.get("data", {}), "there")
        elif it["kind"] == "ConfigMap":
            pieces["data"] = dict.fromkeys(it.get("data", {}), "there")
        elif it["kind"] == "Service":
            pieces["spec"] = {key: it["spec"].get(key) for key in ("type", "ports", "selector")}
        elif it["kind"] == "PodDisruptionBudget":
            pieces["spec"] = it["spec"]
        elif it["kind"] in ("Role", "RoleBinding"):
            pieces["rules"] = {key: it.get(key) for key in ("rules", "roleRef", "subjects") if key in it}
        elif it["kind"] == "Pod":
            pieces["containers"] = [{"name": c["name"], "ports": [port["name"] for port in c.get("ports", [])]} for c in it["spec"].get("initContainers", []) + it["spec"]["containers"]]
            pieces["phase"] = it["status"]["phase"]
        for piece, value in pieces.items():
            if value not in (None, {}, []):
                found.update((path, normal(path, leaf)) for path, leaf in leaves(value, f"{name}.{piece}"))
    return found


def order(record):
    """Leaves out the pods of jobs: another controller makes them at times of its own."""
    return [name for name in map(name_of, record["created"]) if name not in KUBERNETES and not name.endswith("-*")]


def phases(record):
    found = []
    for status in record["statuses"]:
        told = ": ".join(filter(None, (status.get("phase"), status.get("phaseReason"))))
        if told and found[-1:] != [told]:
            found.append(told)
    return found


def differences(simulated_record, real_record):
    """{path: (simulated, real)}"""
    ours, theirs = facts(simulated_record), facts(real_record)
    found = {path: (ours.get(path), theirs.get(path)) for path in sorted(ours.keys() | theirs.keys()) if ours.get(path) != theirs.get(path)}
    # One line is enough for an object that only one side has.
    alone = [path for path, sides in found.items() if "there" in sides and None in sides and "." not in path]
    found = {path: sides for path, sides in found.items() if not any(path.startswith(name + ".") for name in alone)}
    for what, list_of in (("order", order), ("phases", phases)):
        mine, real_ones = list_of(simulated_record), list_of(real_record)
        for tag, a, b, c, d in difflib.SequenceMatcher(None, mine, real_ones, autojunk=False).get_opcodes():
            if tag != "equal":
                found[f"{what}[{a}]"] = (mine[a:b], real_ones[c:d])
    return found


@pytest.fixture(scope="module")
def found(node):
    return differences(simulated(node.image), real(node))


def test_every_difference_is_listed_with_a_reason(found):
    with open(os.path.join(HERE, "differences.yaml"), encoding="utf-8") as f:
        listed = yaml.safe_load(f)
    assert all(isinstance(reason, str) and reason for reason in listed.values())
    print(f"{len(found)} differences")
    new = {path: {"simulated": sides[0], "real": sides[1]} for path, sides in found.items() if path not in listed}
    gone = [path for path in listed if path not in found]
    assert not new, json.dumps(new, indent=1)
    assert not gone, f"listed, but the two agree: {gone}"
    assert len(found) <= MOST
