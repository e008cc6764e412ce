"""Every right that config/deploy gives is needed, and one that is missing is named by the operation that needs it. On a real control plane.

An operation starts with no right at all and is given just what it says it waits for, one after the other. What it has in the end
must be what is shipped: a right that was never asked for by name is one that nothing needs, or whose lack nobody would be told.
"""
import concurrent.futures
import json
import os
import shutil
import time

import pytest
import yaml

from controlplane.controlplane import SOURCE, ControlPlane
from integration import databases
from integration.host import BUILD, Host, bind_volume, leftovers, make_dir, remove_dir, wait_for

DEPLOY = os.path.join(SOURCE, "config", "deploy")
# The definition that the certificates of the replica sets need; what the operator of it does, the test does.
CERTIFICATES = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "certificates.cert-manager.io"}, "spec": {
    "group": "cert-manager.io", "scope": "Namespaced", "names": {"plural": "certificates", "singular": "certificate", "kind": "Certificate", "listKind": "CertificateList"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}

PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"


def rules_of(path):
    with open(os.path.join(DEPLOY, path), encoding="utf-8") as f:
        return [rule for document in yaml.safe_load_all(f) if document["kind"] == "ClusterRole" for rule in document.get("rules", [])]


def rights(rules):
    return {(group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}


def shipped(database):
    """What the host has where it runs this engine alone."""
    return rights(rules_of("rbac.yaml")) | rights(rules_of(f"engines/{database.engine}.yaml"))


def name_of(right):
    group, resource, verb = right
    return f"{verb} {resource}.{group}" if group else f"{verb} {resource}"


class Account:
    """A service account with a role of its own."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "slipway-system"}
        server.kubectl("create", "serviceaccount", name, "-n", "slipway-system")
        self.give(set())
        server.kubectl("apply", "-f", "-", text=json.dumps({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name}, "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}}))
        token = server.kubectl("create", "token", name, "-n", "slipway-system", "--duration=24h").strip()
        self.kubeconfig = server.write_kubeconfig(os.path.join(server.data, name + ".kubeconfig"), token)

    def give(self, granted):
        rules = [{"apiGroups": [group], "resources": [resource], "verbs": [verb]} for group, resource, verb in sorted(granted)]
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": self.name}, "rules": rules}
        self.server.kubectl("apply", "-f", "-", text=json.dumps(role))


def one_engine(data, database):
    """An engines.d with this engine alone; MongoDB's with TLS, which asks for more."""
    directory = os.path.join(data, "engines.d-" + database.id)
    os.makedirs(directory)
    name = database.engine + ".yaml"
    shutil.copy(os.path.join(BUILD, "engines.d", name), directory)
    if database is databases.MONGODB:
        with open(os.path.join(directory, name), "a", encoding="utf-8") as f:
            f.write("settings: {tls_issuer: databases}\n")
    return directory


def by_and_by(host, account, operation, granted, wanted, namespace):
    """Gives the operation what it waits for until it has ended. Returns what is wrong with what it asked for."""
    by_name = {name_of(right): right for right in wanted}
    wrong = []

    def look():
        seen = host.operation(operation)
        if seen["done"]:
            return seen, None
        stages = seen["stages"] + seen.get("rollback", {}).get("steps", [])
        waiting = [s["waitingFor"] for s in stages if s.get("waitingFor", {}).get("kind") == "Permission"]
        asked = set(waiting[0]["name"].split(", ")) if waiting else set()
        return (seen, waiting[0]) if asked - {name_of(right) for right in granted} else None

    while True:
        seen, waiting = wait_for(look, 200, f"{namespace}: operation {operation} to end or to name another right", pause=0.05)
        if waiting is None:
            assert seen["state"] == "SUCCEEDED", json.dumps(seen, indent=1)
            return wrong
        for name in waiting["name"].split(", "):
            if name not in by_name:
                return wrong + [f"{namespace}: waits for {waiting}, which is not shipped"]
            verb, resource = name.split(" ", 1)
            if waiting.get("namespace", "") not in ("", namespace):
                wrong.append(f"{namespace}: asked for {name} in {waiting['namespace']}")
            # Lists, watches and what has no namespace are for the whole cluster; so is what it would give away.
            whole = verb in ("list", "watch") or resource in ("namespaces", "persistentvolumes", PRIORITY_CLASSES) or "not currently held" in waiting["reason"]
            if not whole and waiting.get("namespace") != namespace:
                wrong.append(f"{namespace}: no namespace in {waiting}")
            granted.add(by_name[name])
            if resource == PRIORITY_CLASSES:
                account.server.clear_faults()
        account.give(granted)
        host.call("POST", f"/v1/operations/{operation}/retry", {})


def live(server, data, database, given):
    """Creates and deletes an instance that uses everything. `given`: the rights it has at first. Returns what is wrong."""
    wanted = shipped(database)
    granted = {right for right in wanted if given(right)}
    account = Account(server, "short-" + database.id)
    account.give(granted)
    project = "short-" + database.id
    host = Host(os.path.join(data, project), account, check=False, engines=one_engine(data, database), config="stage_timeout_seconds: {default: 900}")
    host.start(wait_ready=False)
    try:
        if database is databases.MYSQL and PRIORITY_CLASSES not in " ".join(map(name_of, granted)):  # without pods it is asked whether their PriorityClass is there
            server.fault(match={"method": "POST", "path": f"/namespaces/acme-{project}/pods"}, action="status", status=403)
        more = {"backup": database.backup} if database.backup else {}
        created = host.create(project, "STANDARD", database=database, **more).json
        wrong = by_and_by(host, account, created["id"], granted, wanted, "acme-" + project)
        if wrong:
            return wrong
        shown = host.call("GET", created["target"]["path"]).json["status"]["endpoints"]
        if any(endpoint["tls"] != (database is databases.MONGODB) for endpoint in shown):
            wrong.append(f"{database.id}: of the endpoints {shown} only those with TLS should say so")
        bind_volume(server, "acme-" + project)
        deleted = host.call("DELETE", created["target"]["path"] + "?retainVolumes=true").json
        wrong += by_and_by(host, account, deleted["id"], granted, wanted, "acme-" + project)
        assert leftovers(server, "acme-" + project) == []
    finally:
        host.stop()
    return wrong + [f"{database.id}: nothing needs {name_of(right)}" for right in sorted(wanted - granted)]


def give_what_others_make(server, stop):
    """The Secret that a backup needs, and the certificates, in every namespace that wants them."""
    while not stop():
        for namespace in [n["metadata"]["name"] for n in server.list("/api/v1/namespaces") if n["metadata"]["name"].startswith("acme-")]:
            path = f"/api/v1/namespaces/{namespace}/secrets"
            keys = next((d.keys for d in databases.ALL if namespace.endswith(d.id)), None)
            if keys:
                server.call("POST", path, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3-keys"}, "stringData": keys}, server=server.direct)
            for certificate in server.list(f"/apis/cert-manager.io/v1/namespaces/{namespace}/certificates"):
                filled = {"stringData": {"tls.crt": "c", "tls.key": "k", "ca.crt": "a"}}
                server.call("PATCH", path + "/" + certificate["spec"]["secretName"], filled, {"Content-Type": "application/merge-patch+json"}, server=server.direct)
        time.sleep(0.3)


@pytest.mark.parametrize("streams", [True, False], ids=["streamed-lists", "plain-lists"])
def test_each_right_is_needed_and_named_when_it_is_missing(streams, capsys):
    # A server that streams lists asks for "watch" alone; an older one needs "list" as well.
    def given(right):
        return (right[2] == "list") == streams

    data = make_dir()
    server = ControlPlane(os.path.join(data, "server"), databases=False, fast=True, arguments=() if streams else ("--apiserver-args=--feature-gates=WatchList=false",))
    ended = []
    try:
        server.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(CERTIFICATES))
        with concurrent.futures.ThreadPoolExecutor(4) as lives:
            others = lives.submit(give_what_others_make, server, lambda: bool(ended))
            try:
                wrong = [text for texts in lives.map(lambda database: live(server, data, database, given), databases.ALL) for text in texts]
            finally:
                ended.append(True)
            others.result()
        assert not wrong, "\n".join(wrong)
        assert not server.warnings(), server.warnings()
    finally:
        server.stop()
        remove_dir(data)
    with capsys.disabled():
        for database in databases.ALL:
            count = sum(not given(right) for right in shipped(database))
            print(f"\nrights: each of {count} for {database.type} is needed, and named when it is missing", end="")
