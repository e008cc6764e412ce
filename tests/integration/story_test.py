"""The whole story over HTTP against the real slipwayd with a real PostgreSQL behind each instance."""
import os
import shutil
import subprocess

import pytest

from integration import clusters
from integration.host import Host, make_dir, postgres_processes, remove_dir, wait_for

STAGES = ["VALIDATING", "NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP", "COMPLETED"]
HAVE_POSTGRES = os.path.isdir("/usr/lib/postgresql") and shutil.which("psql")
pytestmark = pytest.mark.skipif(not HAVE_POSTGRES, reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def host():
    data = make_dir()
    if clusters.REAL:
        server = clusters.start(data, databases=True, pace="0.01")
        started = Host(data, server).start()
        started.databases, started.kubectl = os.path.join(server.data, "databases"), server.kubectl
    else:  # the cluster inside the host, as slipwayd --dev has it
        server = None
        started = Host(data, pace="0.01").start()
        started.databases = os.path.join(data, "state", "databases")
        started.kubectl = lambda *arguments, check=True: kubectl(os.path.join(data, "state", "kubeconfig"), *arguments, check=check)
    yield started
    started.stop()
    if server:
        server.stop()
    assert postgres_processes(started.databases) == []
    remove_dir(data)


def kubectl(kubeconfig, *arguments, check=True):
    done = subprocess.run(["kubectl", "--kubeconfig", kubeconfig, *arguments], capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout if check else done


def psql(uri, statement, ok=True):
    done = subprocess.run(["psql", uri, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True, timeout=60)
    if ok:
        assert done.returncode == 0, done.stderr
    return done.stdout.strip() if done.returncode == 0 else None


def server_files(host):
    """What still lies about of simulated instances; the empty cluster that new ones are copied from stays."""
    return [name for name in os.listdir(host.databases) if not name.startswith("template-") and os.path.isdir(os.path.join(host.databases, name)) and
            any("PG_VERSION" in names for _, _, names in os.walk(os.path.join(host.databases, name)))]


def provision(host, project, tier, **more):
    answer = host.create(project, tier, **more)
    assert answer.status == 202, answer.body
    assert answer.headers["location"] == f"/v1/operations/{answer.json['id']}"
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "SUCCEEDED", operation
    assert [s["name"] for s in operation["stages"]] == STAGES
    return operation, operation["target"]["id"]


def credentials(host, instance):
    answer = host.call("GET", f"/v1/instances/{instance}/credentials")
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store"
    return answer.json


def uri(host, instance, role="READ_WRITE"):
    return next(e["uri"] for e in credentials(host, instance)["endpoints"] if e["role"] == role)


def test_free_reaches_a_login_and_leaves_nothing(host):
    operation, instance = provision(host, "free", "FREE")
    states = {s["name"]: s for s in operation["stages"]}
    for name in ("BACKUP_CONFIG", "METRICS_SETUP"):
        assert states[name]["state"] == "SKIPPED" and states[name]["reason"], states[name]
    for earlier, later in zip(operation["stages"], operation["stages"][1:]):
        assert earlier["finishedAt"] <= later["finishedAt"]
    shown = host.call("GET", f"/v1/instances/{instance}").json
    assert shown["status"]["state"] == "ACTIVE"
    assert shown["status"]["loginProof"]["state"] == "PROVED"
    assert psql(uri(host, instance), "SELECT current_user || '/' || current_database()") == "app/app"
    deleted = host.call("DELETE", f"/v1/instances/{instance}")
    assert deleted.status == 202
    assert host.finish(deleted.json["id"])["state"] == "SUCCEEDED"
    assert host.call("GET", "/v1/instances?projectName=free").json["items"] == []
    assert server_files(host) == []


def test_standard_has_replicas_and_its_own_system_and_survives_failover(host):
    _, first = provision(host, "one", "STANDARD")
    _, second = provision(host, "two", "FREE")
    rw, ro = uri(host, first), uri(host, first, "READ_ONLY")
    system = "SELECT system_identifier FROM pg_control_system()"
    assert psql(rw, system) != psql(uri(host, second), system)
    assert psql(rw, "SELECT pg_is_in_recovery()") == "f"
    assert psql(ro, "SELECT pg_is_in_recovery()") == "t"
    psql(rw, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert wait_for(lambda: psql(ro, "SELECT answer FROM kept", ok=False), 30, "replication") == "42"

    primary = host.kubectl("-n", "acme-one", "get", "pods", "-l", "cnpg.io/instanceRole=primary", "-o", "name").strip()
    host.kubectl("-n", "acme-one", "delete", primary, "--wait=false")

    def writable_again():
        for endpoint in credentials(host, first)["endpoints"]:
            if endpoint["role"] == "READ_WRITE" and endpoint["uri"] != rw:
                return psql(endpoint["uri"], "INSERT INTO kept VALUES (43) RETURNING answer", ok=False)
        return None

    wait_for(writable_again, 60, "the new primary takes writes")
    assert psql(uri(host, first), "SELECT min(answer) FROM kept") == "42"
    for instance in (first, second):
        deleted = host.call("DELETE", f"/v1/instances/{instance}")
        assert host.finish(deleted.json["id"])["state"] == "SUCCEEDED"
    wait_for(lambda: postgres_processes(host.databases) == [], 30, "all PostgreSQL processes to end")


def test_enterprise_with_backup_writes_all_of_its_objects(host):
    backup = {"destinationPath": "s3://bucket/acme/", "credentialsSecret": "s3-keys"}
    answer = host.create("big", "ENTERPRISE", backup=backup)
    secret = ("-n", "acme-big", "create", "secret", "generic", "s3-keys", "--from-literal=ACCESS_KEY_ID=a", "--from-literal=ACCESS_SECRET_KEY=b")
    wait_for(lambda: host.kubectl(*secret, check=False).returncode == 0, 30, "the namespace to take the Secret")
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "SUCCEEDED", operation
    instance = operation["target"]["id"]
    states = {s["name"]: s["state"] for s in operation["stages"]}
    assert states["BACKUP_CONFIG"] == "SUCCEEDED" and states["METRICS_SETUP"] == "SUCCEEDED"
    names = host.kubectl("-n", "acme-big", "get", "objectstores,scheduledbackups,podmonitors,networkpolicies,resourcequotas", "-o", "name")
    for kind in ("objectstore", "scheduledbackup", "podmonitor", "networkpolicy", "resourcequota"):
        assert kind in names, names
    deleted = host.call("DELETE", f"/v1/instances/{instance}")
    assert host.finish(deleted.json["id"])["state"] == "SUCCEEDED"
    assert "acme-big" not in host.kubectl("get", "namespaces", "-o", "name")


def test_two_instances_share_a_project_and_the_last_takes_the_namespace(host):
    _, first = provision(host, "shared", "FREE", name="a")
    _, second = provision(host, "shared", "FREE", name="b")
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{first}").json["id"])
    assert [s["state"] for s in deleted["stages"] if s["name"] == "NAMESPACE_DELETION"] == ["SKIPPED"]
    assert psql(uri(host, second), "SELECT 1") == "1"
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{second}").json["id"])
    assert [s["state"] for s in deleted["stages"] if s["name"] == "NAMESPACE_DELETION"] == ["SUCCEEDED"]
