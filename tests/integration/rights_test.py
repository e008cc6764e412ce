"""Every right that config/deploy gives is needed, and one that is missing is named by the operation that needs it. On a real control plane."""
import concurrent.futures
import copy
import json
import os

import pytest
import yaml

from controlplane.controlplane import SOURCE, ControlPlane
from integration.host import Host, bind_volume, leftovers, make_dir, remove_dir, wait_for

DEPLOY = os.path.join(SOURCE, "config", "deploy")
BACKUP = {"destinationPath": "s3://bucket/acme/", "credentialsSecret": "s3-keys"}


def shipped_rules():
    found = []
    for path in [os.path.join(DEPLOY, "rbac.yaml")] + [os.path.join(DEPLOY, "engines", name) for name in sorted(os.listdir(os.path.join(DEPLOY, "engines")))]:
        with open(path, encoding="utf-8") as f:
            for document in yaml.safe_load_all(f):
                if document["kind"] == "ClusterRole":
                    found += document["rules"]
    return found


RULES = shipped_rules()
RIGHTS = sorted({(group, resource, verb) for rule in RULES for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]})


def without(right):
    """The shipped rules but one right: one verb on one resource."""
    group, resource, verb = right
    out = []
    for rule in RULES:
        for kind in rule["resources"]:
            verbs = [v for v in rule["verbs"] if (rule["apiGroups"], kind, v) != ([group], resource, verb)]
            if verbs:
                out.append({"apiGroups": rule["apiGroups"], "resources": [kind], "verbs": verbs})
    return out


def name_of(right):
    group, resource, verb = right
    return f"{verb} {resource}.{group}" if group else f"{verb} {resource}"


class Account:
    """A service account with a role of its own."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "slipway-system"}
        server.kubectl("create", "serviceaccount", name, "-n", "slipway-system")
        self.give(RULES)
        server.kubectl("apply", "-f", "-", text=json.dumps({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name}, "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}}))
        token = server.kubectl("create", "token", name, "-n", "slipway-system", "--duration=24h").strip()
        self.kubeconfig = server.write_kubeconfig(os.path.join(server.data, name + ".kubeconfig"), token)

    def give(self, rules):
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": self.name}, "rules": copy.deepcopy(rules)}
        self.server.kubectl("apply", "-f", "-", text=json.dumps(role))


def denied(host, operation):
    """The right that the operation waits for, None when it has ended."""
    def look():
        seen = host.operation(operation)
        if seen["done"]:
            return "ended", seen["state"]
        stages = seen["stages"] + seen.get("rollback", {}).get("steps", [])
        waiting = [s["waitingFor"] for s in stages if s.get("waitingFor", {}).get("kind") == "Permission"]
        return ("waits", waiting[0]) if waiting else None
    how, what = wait_for(look, 90, f"operation {operation} to end or to name a right", pause=0.2)
    assert how == "waits" or what == "SUCCEEDED", what
    return what if how == "waits" else None


def remove(server, host, created):
    bind_volume(server, "acme-" + os.path.basename(host.data))
    return host.call("DELETE", created["target"]["path"] + "?retainVolumes=true").json


def live_without(server, data, number, right):
    """Creates and deletes an instance that uses everything, one right short. Returns what is wrong, "" for nothing."""
    account = Account(server, f"short-{number}")
    account.give(without(right))
    project = f"short{number}"
    host = Host(os.path.join(data, project), account, check=False, config="stage_timeout_seconds: {default: 600}")
    host.start(wait_ready=False)
    try:
        created = host.create(project, "STANDARD", backup=BACKUP).json
        waiting = denied(host, created["id"])
        deleted = None
        if waiting is None:
            deleted = remove(server, host, created)
            waiting = denied(host, deleted["id"])
        account.give(RULES)
        if deleted is None:
            ended = host.finish(created["id"], 300)
            assert ended["state"] == "SUCCEEDED", ended
            deleted = remove(server, host, created)
        assert host.finish(deleted["id"], 300)["state"] == "SUCCEEDED"
        assert leftovers(server, f"acme-{project}") == []
    finally:
        host.stop()
    if waiting is None:
        return f"{name_of(right)}: nothing needs it"
    scopes = ("", f"acme-{project}")
    if waiting.get("name") != name_of(right) or waiting.get("namespace", "") not in scopes:
        return f"{name_of(right)}: the operation waits for {waiting}"
    if right[2] not in ("list", "watch") and right[1] not in ("namespaces", "persistentvolumes") and waiting.get("namespace") != f"acme-{project}":
        return f"{name_of(right)}: no namespace in {waiting}"
    return ""


def keys_everywhere(server, stop):
    """The Secret that a backup needs, in every namespace that appears."""
    made = set()
    while not stop():
        for namespace in server.list("/api/v1/namespaces"):
            name = namespace["metadata"]["name"]
            if name.startswith("acme-") and name not in made:
                made.add(name)
                server.call("POST", f"/api/v1/namespaces/{name}/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3-keys"}, "stringData": {"ACCESS_KEY_ID": "a", "ACCESS_SECRET_KEY": "b"}}, server=server.direct)
        try:
            wait_for(stop, 0.3, pause=0.1)
        except AssertionError:
            pass


@pytest.mark.parametrize("streams", [True, False], ids=["streamed-lists", "plain-lists"])
def test_each_right_is_needed_and_named_when_it_is_missing(streams, capsys):
    # A server that streams lists asks for "watch" alone; an older one needs "list" as well.
    rights = [right for right in RIGHTS if (right[2] == "list") != streams]
    assert rights
    data = make_dir()
    server = ControlPlane(os.path.join(data, "server"), databases=False, fast=True, arguments=() if streams else ("--apiserver-args=--feature-gates=WatchList=false",))
    ended = []
    try:
        with concurrent.futures.ThreadPoolExecutor(7) as lives:
            keys = lives.submit(keys_everywhere, server, lambda: bool(ended))
            try:
                wrong = [text for text in lives.map(lambda one: live_without(server, data, one[0], one[1]), enumerate(rights)) if text]
            finally:
                ended.append(True)
            keys.result()
        assert not wrong, "\n".join(wrong)
        assert not server.warnings(), server.warnings()
    finally:
        server.stop()
        remove_dir(data)
    with capsys.disabled():
        print(f"\nrights: each of {len(rights)} is needed, and named when it is missing")
