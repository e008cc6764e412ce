"""One node for all tests of a run, with the tests inside its network; a host with the rights that config/deploy ships."""
import json
import os
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from integration.host import BUILD, Host, make_dir, remove_dir, wait_for  # noqa: E402
from realnode.node import HERE, Node, missing  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(HERE))


@pytest.fixture(scope="session")
def node():
    if why := missing():
        pytest.skip(why)
    with Node() as started, started.network():
        deploy = os.path.join(SOURCE, "config", "deploy")
        started.kubectl("apply", "--server-side", "-f", os.path.join(deploy, "rbac.yaml"), "-f", os.path.join(deploy, "engines"))
        wait_for(lambda: started.api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/slipwayd").get("rules"), 30, "the host's role")
        yield started


TIERS = f"tiers_file: {os.path.join(HERE, 'tiers.yaml')}"


def engines_of(data, settings):
    """A directory that enables our engine with these settings."""
    engines = os.path.join(data, "engines.d")
    os.makedirs(engines, exist_ok=True)
    with open(os.path.join(engines, "postgres-cnpg.yaml"), "w", encoding="utf-8") as f:
        json.dump({"name": "postgres-cnpg", "path": os.path.join(BUILD, "engines", "postgres-cnpg.so"), "enabled": True, "settings": settings}, f)
    return engines


class NodeHost(Host):
    """slipwayd on the node, with its own service account and with tiers that fit the node; `settings` are the engine's."""

    def __init__(self, node, data, settings=None, config="", **more):
        self.node = node
        self.kubeconfig = os.path.join(data, "kubeconfig")
        os.makedirs(data, exist_ok=True)
        token = node.kubectl("create", "token", "slipwayd", "-n", "slipway-system", "--duration=24h").strip()
        with open(node.kubeconfig, encoding="utf-8") as f:
            account = json.load(f)
        account["users"] = [{"name": "admin", "user": {"token": token}}]
        with open(os.open(self.kubeconfig, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            json.dump(account, f)
        engines = engines_of(data, {"image": node.image, "storage_class": "local", **(settings or {})})
        super().__init__(data, sim=self, engines=engines, config=f"{TIERS}\n{config}", **more)

    def submit(self, project, tier="STANDARD", **more):
        """Starts a create and returns (operation id, instance id)."""
        answer = self.create(project, tier, **more)
        assert answer.status == 202, answer.body
        return answer.json["id"], answer.json["target"]["id"]

    def provision(self, project, tier="STANDARD", **more):
        operation_id, instance = self.submit(project, tier, **more)
        operation = self.finish(operation_id, 300)
        assert operation["state"] == "SUCCEEDED", json.dumps(operation, indent=1)
        return instance

    def show(self, instance):
        return self.call("GET", f"/v1/instances/{instance}").json

    def remove(self, instance, query=""):
        answer = self.call("DELETE", f"/v1/instances/{instance}{query}")
        assert answer.status == 202, answer.body
        operation = self.finish(answer.json["id"], 180)
        assert operation["state"] == "SUCCEEDED", json.dumps(operation, indent=1)
        return operation

    def uri(self, instance, role="READ_WRITE"):
        """A connection string as the API shows it. The node's name server knows its host."""
        shown = self.call("GET", f"/v1/instances/{instance}/credentials").json
        return next(e["uri"] for e in shown["endpoints"] if e["role"] == role)


@pytest.fixture(scope="module")
def host(node):
    data = make_dir()
    started = NodeHost(node, data).start()
    yield started
    started.stop()
    remove_dir(data)


def psql(uri, statement, ok=True):
    done = subprocess.run(["psql", uri, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True, timeout=60, env={**os.environ, "PGCONNECT_TIMEOUT": "2"})
    if ok:
        assert done.returncode == 0, done.stderr
    return done.stdout.strip() if done.returncode == 0 else None


def left(node, namespace):
    """What is left of a project on the node: its namespace, and volumes that are still bound."""
    found = ["namespace " + namespace] if node.api.get(f"/api/v1/namespaces/{namespace}") else []
    for path in ("/apis/postgresql.cnpg.io/v1/clusters", "/api/v1/pods", "/api/v1/secrets", "/api/v1/persistentvolumeclaims", "/api/v1/services", "/apis/networking.k8s.io/v1/networkpolicies",
                 "/apis/coordination.k8s.io/v1/leases"):
        found += [f"{path} {o['metadata']['name']}" for o in node.api.list(path) if o["metadata"].get("namespace") == namespace]
    found += [v["metadata"]["name"] for v in node.api.list("/api/v1/persistentvolumes") if v["spec"].get("claimRef", {}).get("namespace") == namespace and v["status"]["phase"] == "Bound"]
    return found


def timed(check, seconds, what):
    """(value, the seconds that it took)"""
    began = time.monotonic()
    value = wait_for(check, seconds, what)
    return value, time.monotonic() - began
