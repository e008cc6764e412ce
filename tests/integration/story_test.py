"""The whole story over HTTP against the real slipwayd, with a real server behind each instance where there is one to be had."""
import json
import os
import subprocess

import pytest

from integration import clusters, databases
from integration.host import Host, make_dir, database_processes, remove_dir, wait_for

STAGES = ["VALIDATING", "NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP", "COMPLETED"]
SERVER_FILES = {"PG_VERSION", "ibdata1"}


@pytest.fixture(scope="module")
def host():
    data = make_dir()
    if clusters.REAL:
        server = clusters.start(data, databases=True, pace="0.01", fast=True)
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
    assert database_processes(started.databases) == []
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
    """What still lies about of simulated instances; the empty ones that new ones are copied from stay."""
    return [where for where, _, names in os.walk(host.databases) if SERVER_FILES & set(names) and "template" not in where]


def provision(host, project, tier, **more):
    if not databases.have_servers(more.get("database", databases.POSTGRESQL)):
        pytest.skip("the database's server is not installed")
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


def end(host, *instances):
    for instance in instances:
        deleted = host.call("DELETE", f"/v1/instances/{instance}")
        assert host.finish(deleted.json["id"])["state"] == "SUCCEEDED"


def endpoint(host, instance, role="READ_WRITE"):
    return next(e for e in credentials(host, instance)["endpoints"] if e["role"] == role)


def ask_who(host, instance, database):
    """Logs in as an application does, with what the credentials say. None where no server is behind it."""
    if database is databases.POSTGRESQL:
        return psql(uri(host, instance), "SELECT current_user || '/' || current_database()")
    if database is databases.MYSQL:
        return databases.mysql(endpoint(host, instance), "SELECT CONCAT(SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '/', DATABASE())")
    return None


@databases.each
def test_free_reaches_a_login_and_leaves_nothing(host, database):
    operation, instance = provision(host, "free", "FREE", database=database)
    states = {s["name"]: s for s in operation["stages"]}
    for name in ("BACKUP_CONFIG", "METRICS_SETUP"):
        assert states[name]["state"] == "SKIPPED" and states[name]["reason"], states[name]
    for earlier, later in zip(operation["stages"], operation["stages"][1:]):
        assert earlier["finishedAt"] <= later["finishedAt"]
    shown = host.call("GET", f"/v1/instances/{instance}").json
    assert shown["status"]["state"] == "ACTIVE"
    proof = shown["status"]["loginProof"]
    assert proof["state"] == database.proof and (proof["state"] == "PROVED" or "no MongoDB server" in proof["message"]), proof
    assert ask_who(host, instance, database) in (None, "app/app")
    assert credentials(host, instance)["uri"].startswith(database.type.lower() + "://app:")
    end(host, instance)
    assert host.call("GET", "/v1/instances?projectName=free").json["items"] == []
    wait_for(lambda: server_files(host) == [], 30, "the files to be removed")


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
    end(host, first, second)
    wait_for(lambda: database_processes(host.databases) == [], 30, "all PostgreSQL processes to end")


def test_standard_mysql_has_replicas_and_survives_the_loss_of_its_primary(host):
    _, first = provision(host, "one", "STANDARD", database=databases.MYSQL)
    _, second = provision(host, "two", "FREE", database=databases.MYSQL)
    assert databases.mysql(endpoint(host, first), "SELECT @@port") != databases.mysql(endpoint(host, second), "SELECT @@port")
    databases.mysql(endpoint(host, first), "CREATE TABLE kept AS SELECT 42 AS answer")
    assert databases.mysql(endpoint(host, second), "SELECT answer FROM kept", ok=False) is None
    wrong = {**endpoint(host, first), "password": "wrong"}
    assert databases.mysql(wrong, "SELECT 1", ok=False) is None

    def primary():
        shard = json.loads(host.kubectl("-n", "acme-one", "get", "vitessshards", "-o", "json"))["items"][0]["status"]
        tablets = shard["tablets"]
        return shard["masterAlias"], len([alias for alias, tablet in tablets.items() if tablet["type"] == "replica" and tablet["ready"] == "True"])

    lost, replicas = primary()
    assert replicas == 2
    # With semi-sync a replica has what was acknowledged.
    before = databases.mysql(endpoint(host, first), "SELECT @@port")
    pod = next(name for name in host.kubectl("-n", "acme-one", "get", "pods", "-o", "name").split() if lost in name)
    host.kubectl("-n", "acme-one", "delete", pod, "--wait=false")

    def writable_again():
        return databases.mysql(endpoint(host, first), "INSERT INTO kept SELECT 43 WHERE @@port <> " + before + "; SELECT COUNT(*) FROM kept", ok=False) == "2"

    wait_for(writable_again, 60, "the new primary takes writes")
    wait_for(lambda: primary()[0] != lost, 60, "the operator to say who the primary is")
    assert databases.mysql(endpoint(host, first), "SELECT MIN(answer) FROM kept") == "42"
    wait_for(lambda: host.call("GET", f"/v1/instances/{first}").json["status"]["conditions"][0]["status"] == "TRUE", 60, "the instance to be well again")
    end(host, first, second)
    wait_for(lambda: database_processes(host.databases) == [], 30, "all servers to end")


def test_standard_mongodb_has_three_members_and_gets_a_lost_one_back(host):
    _, instance = provision(host, "one", "STANDARD", database=databases.MONGODB)
    shown = credentials(host, instance)
    assert [f"one-{n}.one-svc.acme-one.svc.cluster.local:27017" in shown["uri"] for n in (0, 1, 2)] == [True] * 3 and "/app?replicaSet=one" in shown["uri"], shown["uri"]
    uid = host.kubectl("-n", "acme-one", "get", "pod", "one-1", "-o", "jsonpath={.metadata.uid}")
    host.kubectl("-n", "acme-one", "delete", "pod", "one-1", "--wait=false")
    again = lambda: host.kubectl("-n", "acme-one", "get", "pod", "one-1", "-o", "jsonpath={.metadata.uid}", check=False)
    wait_for(lambda: getattr(again(), "stdout", again()) not in ("", uid), 60, "the member to be made again")
    wait_for(lambda: host.call("GET", f"/v1/instances/{instance}").json["status"]["conditions"][0]["status"] == "TRUE", 60, "the instance to be well again")
    end(host, instance)


@databases.each
def test_enterprise_with_backup_writes_all_of_its_objects(host, database):
    answer = host.create("big", "ENTERPRISE", database=database, **({"backup": database.backup} if database.backup else {}))
    if database.keys:
        keys = [f"--from-literal={name}={value}" for name, value in database.keys.items()]
        secret = ("-n", "acme-big", "create", "secret", "generic", database.backup["credentialsSecret"], *keys)
        wait_for(lambda: host.kubectl(*secret, check=False).returncode == 0, 30, "the namespace to take the Secret")
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "SUCCEEDED", operation
    instance = operation["target"]["id"]
    states = {s["name"]: s for s in operation["stages"]}
    assert states["METRICS_SETUP"]["state"] == "SUCCEEDED"
    backup = states["BACKUP_CONFIG"]
    assert backup["state"] == "SUCCEEDED" if database.backup else (backup["state"], backup["reason"]) == ("SKIPPED", "BACKUP_NOT_SUPPORTED"), backup
    names = host.kubectl("-n", "acme-big", "get", ",".join(database.enterprise), "-o", "name")
    for kind in database.enterprise:
        assert kind[:-3] in names, names  # networkpolic(y|ies)
    end(host, instance)
    assert "acme-big" not in host.kubectl("get", "namespaces", "-o", "name")


def test_instances_of_all_kinds_share_a_project_and_the_last_takes_the_namespace(host):
    instances = [provision(host, "shared", "FREE", name=database.id, database=database)[1] for database in databases.ALL]
    while len(instances) > 1:
        deleted = host.finish(host.call("DELETE", f"/v1/instances/{instances.pop()}").json["id"])
        assert [s["state"] for s in deleted["stages"] if s["name"] == "NAMESPACE_DELETION"] == ["SKIPPED"]
        assert psql(uri(host, instances[0]), "SELECT 1") == "1"
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{instances[0]}").json["id"])
    assert [s["state"] for s in deleted["stages"] if s["name"] == "NAMESPACE_DELETION"] == ["SUCCEEDED"]
