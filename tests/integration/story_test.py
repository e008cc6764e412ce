"""The whole story over HTTP against the real slipwayd, with a real server behind each instance where one is available."""
import base64
import json
import os
import subprocess

import pytest

from integration import clusters, databases
from integration.host import Host, make_dir, database_processes, remove_dir, wait_for

STAGES = ["VALIDATING", "NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP", "COMPLETED"]
SERVER_FILES = {"PG_VERSION", "ibdata1", "admin.sqlite"}


@pytest.fixture(scope="module")
def host():
    data = make_dir()
    # The cluster's own tests run with the sanitizers; here it would need more of the processor than all that the test is about.
    server = clusters.start(data, databases=True, pace="0.01", fast=True)
    started = Host(data, server).start()
    started.databases, started.kubectl = os.path.join(server.data, "databases"), server.kubectl
    yield started
    started.stop()
    server.stop()
    assert database_processes(started.databases) == []
    remove_dir(data)


def psql(uri, statement, ok=True):
    done = subprocess.run(["psql", uri, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True, timeout=60)
    if ok:
        assert done.returncode == 0, done.stderr
    return done.stdout.strip() if done.returncode == 0 else None


def server_files(host):
    """The files that are left of simulated instances. The empty ones that serve as templates stay."""
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


def outside(host, instance):
    """The endpoint, once it says how it is reached from outside. The operator may have to say that again in its next pass."""
    def shown():
        found = endpoint(host, instance)
        return found if ".svc." not in found["uri"] else None
    return wait_for(shown, 30, "an address outside the cluster")


def ask_who(host, instance, database):
    """Logs in as an application does, with the given credentials. None when no server is behind them."""
    if database is databases.POSTGRESQL:
        return psql(uri(host, instance), "SELECT current_user || '/' || current_database()")
    if database is databases.MYSQL:
        return databases.mysql(endpoint(host, instance), "SELECT CONCAT(SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '/', DATABASE())")
    if database.proof == "SKIPPED":
        return None
    client = databases.mongodb(outside(host, instance))
    user = client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"][0]["user"]
    return f"{user}/{client.get_default_database().name}"


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
    # The server behind vtgate sees every user as vt_app.
    assert ask_who(host, instance, database) in (None, "app/app", "vt_app/app")
    assert credentials(host, instance)["uri"].startswith(database.type.lower() + "://app:")
    assert credentials(host, instance)["database"] == "app"
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
    create = "CREATE TABLE IF NOT EXISTS kept (answer INT PRIMARY KEY); REPLACE INTO kept VALUES (42)"
    wait_for(lambda: databases.mysql(endpoint(host, first), create, ok=False) is not None, 30, "vtgate to find the primary")
    assert databases.mysql(endpoint(host, second), "SELECT answer FROM kept", ok=False) is None
    wrong = {**endpoint(host, first), "password": "wrong"}
    assert databases.mysql(wrong, "SELECT 1", ok=False) is None

    def primary():
        shard = json.loads(host.kubectl("-n", "acme-one", "get", "vitessshards", "-o", "json"))["items"][0]["status"]
        tablets = shard["tablets"]
        return shard["masterAlias"], len([alias for alias, tablet in tablets.items() if tablet["type"] == "replica" and tablet["ready"] == "True"])

    lost, replicas = primary()
    assert replicas == 2
    # With semi-sync a replica has every acknowledged write.
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
    own = base64.b64decode(host.kubectl("-n", "acme-one", "get", "secret", "one-app", "-o", "jsonpath={.data.connectionString\\.standard}")).decode()
    assert [f"one-{n}.one-svc.acme-one.svc.cluster.local:27017" in own for n in (0, 1, 2)] == [True] * 3 and "/app?replicaSet=one" in own, own
    if databases.MONGODB.proof == "SKIPPED":
        assert credentials(host, instance)["uri"] == own
    uid = host.kubectl("-n", "acme-one", "get", "pod", "one-1", "-o", "jsonpath={.metadata.uid}")
    host.kubectl("-n", "acme-one", "delete", "pod", "one-1", "--wait=false")
    again = lambda: host.kubectl("-n", "acme-one", "get", "pod", "one-1", "-o", "jsonpath={.metadata.uid}", check=False)
    wait_for(lambda: getattr(again(), "stdout", again()) not in ("", uid), 60, "the member to be made again")
    wait_for(lambda: host.call("GET", f"/v1/instances/{instance}").json["status"]["conditions"][0]["status"] == "TRUE", 60, "the instance to be well again")
    end(host, instance)


def test_standard_mongodb_survives_the_loss_of_its_primary_and_takes_a_new_password(host):
    if databases.MONGODB.proof == "SKIPPED":
        pytest.skip("no program ferretdb on PATH, and SLIPWAY_FERRETDB is not set: tests/realparts/build ferretdb")
    import pymongo
    import pymongo.monitoring

    class Seen(pymongo.monitoring.TopologyListener):
        """Notes whether the driver knew a primary, one word for each change."""
        kinds = []

        def opened(self, event): pass
        def closed(self, event): pass

        def description_changed(self, event):
            self.kinds.append(event.new_description.topology_type_name)

    _, first = provision(host, "one", "STANDARD", database=databases.MONGODB)
    _, second = provision(host, "two", "FREE", database=databases.MONGODB)
    address = outside(host, first)
    assert databases.mongodb(outside(host, second)).app.kept.count_documents({}) == 0
    client = databases.mongodb(address, replicaSet="one", event_listeners=[Seen()], heartbeatFrequencyMS=500)
    client.app.kept.insert_one({"answer": 42})
    assert databases.mongodb(outside(host, second)).app.kept.count_documents({}) == 0
    wrong = databases.mongodb({**address, "uri": address["uri"].replace(address["password"], "wrong")})
    with pytest.raises(pymongo.errors.OperationFailure):
        wrong.app.kept.count_documents({})

    members = lambda: {name: uid for name, uid in (line.split() for line in host.kubectl(
        "-n", "acme-one", "get", "pods", "--no-headers", "-o", "custom-columns=NAME:.metadata.name,UID:.metadata.uid").splitlines())}
    before, lost = members(), "one-0"  # the first member leads
    assert len(before) == 3
    del Seen.kinds[:]
    host.kubectl("-n", "acme-one", "delete", "pod", lost, "--wait=false")

    def written_elsewhere():
        try:
            client.app.kept.insert_one({"answer": 43})
        except pymongo.errors.PyMongoError:
            return False
        return "ReplicaSetNoPrimary" in Seen.kinds

    wait_for(written_elsewhere, 60, "the driver to lose its primary and to write to another one")
    wait_for(lambda: Seen.kinds[-1] == "ReplicaSetWithPrimary", 30, "the driver to say that it knows a primary")
    assert client.app.kept.count_documents({"answer": 42}) == 1
    assert outside(host, first) == address
    wait_for(lambda: len(members()) == 3 and members()[lost] != before[lost], 60, "the member to be made again")
    wait_for(lambda: host.call("GET", f"/v1/instances/{first}").json["status"]["conditions"][0]["status"] == "TRUE", 60, "the instance to be well again")

    host.kubectl("-n", "acme-one", "patch", "secret", "one-app-password", "-p", json.dumps({"stringData": {"password": "another-one"}}))
    wait_for(lambda: endpoint(host, first)["password"] == "another-one", 60, "the credentials to be the Secret's")
    assert databases.mongodb(outside(host, first)).app.kept.count_documents({"answer": 42}) == 1
    with pytest.raises(pymongo.errors.OperationFailure):
        databases.mongodb(address).app.kept.count_documents({})
    assert host.call("GET", f"/v1/instances/{first}").json["status"]["loginProof"]["state"] == "PROVED"
    end(host, first, second)
    wait_for(lambda: server_files(host) == [], 30, "the files to be removed")
    wait_for(lambda: database_processes(host.databases) == [], 30, "all servers to end")


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
