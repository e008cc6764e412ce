"""Every right that config/deploy gives is needed, and the operation that needs a missing right names it. This runs on a real control plane.

An operation starts with no rights and gets just those that it says it waits for, one after the other. In the end it must have exactly
the shipped rights: if a right was never asked for by name, then nothing needs it, or nobody would learn that it is missing.
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
from integration.host import Host, bind_volume, build_of, leftovers, make_dir, remove_dir, wait_for

DEPLOY = os.path.join(SOURCE, "config", "deploy")
# The definition that the certificates of the replica sets need. The test does the work of its operator.
CERTIFICATES = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "certificates.cert-manager.io"}, "spec": {
    "group": "cert-manager.io", "scope": "Namespaced", "names": {"plural": "certificates", "singular": "certificate", "kind": "Certificate", "listKind": "CertificateList"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}

PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"
STORAGE_CLASSES = "storageclasses.storage.k8s.io"


def rules_of(path):
    with open(os.path.join(DEPLOY, path), encoding="utf-8") as f:
        return [rule for document in yaml.safe_load_all(f) if document["kind"] == "ClusterRole" for rule in document.get("rules", [])]


def rights(rules):
    return {(group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}


def shipped(database):
    """The rights that the host has where it runs only this engine."""
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
    """An engines.d that has only this engine. MongoDB uses TLS, which needs more rights."""
    directory = os.path.join(data, "engines.d-" + database.id)
    os.makedirs(directory)
    name = database.engine + ".yaml"
    shutil.copy(os.path.join(build_of(True), "engines.d", name), directory)
    if database is databases.MONGODB:
        with open(os.path.join(directory, name), "a", encoding="utf-8") as f:
            f.write("settings: {tls_issuer: databases}\n")
    return directory


def hold(server, namespace, granted):
    """Holds MySQL at the point where the engine asks for what it may not see, until it may see that."""
    server.clear_faults()
    names = " ".join(map(name_of, granted))
    if PRIORITY_CLASSES not in names:  # without pods the engine asks whether their PriorityClass exists
        server.fault(match={"method": "POST", "path": f"/namespaces/{namespace}/pods"}, action="status", status=403)
    if "get pods" not in names:  # while the first backup is being written, the engine asks for its pod; here that takes no time
        server.fault(match={"method": "PATCH", "path": f"/namespaces/{namespace}/pods/*vtbackup-init*/status"}, action="status", status=503)


def by_and_by(host, account, operation, granted, wanted, namespace):
    """Gives the operation the rights that it waits for until it has ended. Returns what is wrong with its requests."""
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
            # Lists, watches and objects without a namespace need rights for the whole cluster. So do the rights that the host would pass on.
            whole = verb in ("list", "watch") or resource in ("namespaces", "persistentvolumes", PRIORITY_CLASSES, STORAGE_CLASSES) or "not currently held" in waiting["reason"]
            if not whole and waiting.get("namespace") != namespace:
                wrong.append(f"{namespace}: no namespace in {waiting}")
            granted.add(by_name[name])
            server = account.server
            if namespace.endswith(databases.MYSQL.id):
                hold(server, namespace, granted)
            if name == "list resourcequotas":
                assert server.call("DELETE", f"/api/v1/namespaces/{namespace}/resourcequotas/others", server=server.direct).status == 200
        account.give(granted)
        host.call("POST", f"/v1/operations/{operation}/retry", {})


def live(server, data, database, given):
    """Creates and deletes an instance that uses everything. `given` tells which rights it has at first. Returns what is wrong."""
    wanted = shipped(database)
    granted = {right for right in wanted if given(right)}
    account = Account(server, "short-" + database.id)
    account.give(granted)
    project = "short-" + database.id
    host = Host(os.path.join(data, project), account, check=False, engines=one_engine(data, database), fast=True,
                config=f"stage_timeout_seconds: {{default: 900}}\nbackup_stores: [{{name: here, url: 'file://{data}/backups'}}]\n")
    host.start(wait_ready=False)
    try:
        if database is databases.MYSQL:
            hold(server, "acme-" + project, granted)
        # The host puts the keys of its own store into the namespace; a bucket of one's own brings its Secret.
        own = database is databases.POSTGRESQL
        more = {"backup": {} if own else database.backup} if database.backup else {}
        created = host.create(project, "STANDARD", database=database, **more).json
        wrong = by_and_by(host, account, created["id"], granted, wanted, "acme-" + project)
        if wrong:
            return wrong
        shown = host.call("GET", created["target"]["path"]).json["status"]["endpoints"]
        if any(endpoint["tls"] != (database is databases.MONGODB) for endpoint in shown):
            wrong.append(f"{database.id}: of the endpoints {shown} only those with TLS should say so")
        if database.backup:
            taken = host.call("POST", created["target"]["path"] + "/backups", {}).json
            wrong += by_and_by(host, account, taken["id"], granted, wanted, "acme-" + project)
        for verb in ("restart", "switchover") if database is databases.POSTGRESQL else ():
            asked = host.call("POST", f"{created['target']['path']}/{verb}", {}).json
            wrong += by_and_by(host, account, asked["id"], granted, wanted, "acme-" + project)
        if database is databases.POSTGRESQL:
            grown = host.call("PATCH", created["target"]["path"], {"storage": "60Gi"}, {"Content-Type": "application/merge-patch+json"}).json
            wrong += by_and_by(host, account, grown["id"], granted, wanted, "acme-" + project)
        bind_volume(server, "acme-" + project)
        deleted = host.call("DELETE", created["target"]["path"] + "?retainVolumes=true").json
        wrong += by_and_by(host, account, deleted["id"], granted, wanted, "acme-" + project)
        assert leftovers(server, "acme-" + project) == []
    finally:
        host.stop()
    return wrong + [f"{database.id}: nothing needs {name_of(right)}" for right in sorted(wanted - granted)]


def give_what_others_make(server, stop, refuse_pods):
    """Makes the Secret that a backup needs, and the certificates, in every namespace that wants them; and, once, a quota that refuses pods."""
    refused = set()
    while not stop():
        for namespace in [n["metadata"]["name"] for n in server.list("/api/v1/namespaces") if n["metadata"]["name"].startswith("acme-")]:
            if refuse_pods and namespace not in refused:
                refused.add(namespace)
                server.call("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "others"}, "spec": {"hard": {"pods": "0"}}}, server=server.direct)
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
    # When a server streams lists, the host needs "watch" alone; with an older server it needs "list" as well.
    def given(right):
        return (right[2] == "list") == streams

    data = make_dir()
    server = ControlPlane(os.path.join(data, "server"), databases=False, fast=True, arguments=() if streams else ("--apiserver-args=--feature-gates=WatchList=false",))
    ended = []
    try:
        server.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(CERTIFICATES))
        with concurrent.futures.ThreadPoolExecutor(4) as lives:
            others = lives.submit(give_what_others_make, server, lambda: bool(ended), not streams)
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
