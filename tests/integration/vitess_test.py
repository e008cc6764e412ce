"""MySQL with the real Vitess behind it: etcd, vtctld, vtorc, vtgate, and a vttablet over a MySQL server in each simulated pod of a tablet."""
import base64
import json
import os
import signal
import subprocess
import time

import pytest

os.environ["SLIPWAY_MYSQL_SERVER"] = "vitess"

from integration import clusters, databases  # noqa: E402
from integration.host import Host, database_processes, make_dir, mysql_server, remove_dir, wait_for  # noqa: E402
from realparts import parts  # noqa: E402

PACE = "0.01"
TYPES = {1: "primary", 2: "replica", 3: "rdonly", 6: "backup", 7: "restore", 8: "drained"}
BACKUP = {"destinationPath": "s3://bucket/acme/", "credentialsSecret": "s3-keys"}


class Cluster:
    """A host with its cluster inside, or beside a real control plane."""

    def __init__(self):
        mysql_server()  # skips where the programs are not available
        self.data = make_dir()
        self.server = clusters.start(self.data, databases=True, pace=PACE, fast=True) if clusters.REAL else None
        self.host = Host(self.data, self.server, pace=PACE).start()
        self.databases = os.path.join(self.server.data if self.server else os.path.join(self.data, "state"), "databases")

    def kubectl(self, *arguments, check=True):
        if self.server:
            done = self.server.kubectl(*arguments, check=check)
            return done if check else done.stdout
        done = subprocess.run(["kubectl", "--kubeconfig", os.path.join(self.data, "state", "kubeconfig"), *arguments], capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def get(self, project, kind):
        return json.loads(self.kubectl("-n", f"acme-{project}", "get", kind, "-o", "json"))["items"]

    def provision(self, project, tier, **more):
        answer = self.host.create(project, tier, database=databases.MYSQL, **more)
        assert answer.status == 202, answer.body
        operation = self.host.finish(answer.json["id"], seconds=300)
        assert operation["state"] == "SUCCEEDED", operation
        return operation["target"]["id"]

    def shown(self, instance):
        return self.host.call("GET", f"/v1/instances/{instance}").json

    def endpoint(self, instance, role="READ_WRITE"):
        answer = self.host.call("GET", f"/v1/instances/{instance}/credentials")
        return next(e for e in answer.json["endpoints"] if e["role"] == role)

    def sql(self, instance, statement, ok=True):
        return databases.mysql(self.endpoint(instance), statement, ok)

    def delete(self, instance):
        deleted = self.host.call("DELETE", f"/v1/instances/{instance}")
        assert self.host.finish(deleted.json["id"], seconds=300)["state"] == "SUCCEEDED"
        wait_for(lambda: self.processes() == [] and self.directories() == [], 60, "programs and files to go")

    def processes(self, *names):
        """The ids of the running processes of the programs with these names, or of all."""
        found = database_processes(self.databases)
        return [pid for pid in found if not names or comm(pid) in names]

    def directories(self):
        volumes = os.path.join(self.databases, "vitess", "volumes")
        return os.listdir(volumes) if os.path.isdir(volumes) else []

    def vtctldclient(self, *arguments):
        """Asks the real vtctld and bypasses the simulated operator."""
        ports = [p for d in self.directories() if d.endswith(".vtctld") for p in [open(os.path.join(self.databases, "vitess", "volumes", d, "port-grpc")).read()]]
        program = os.path.join(parts.path("vitess"), "vtctldclient")
        done = subprocess.run([program, f"--server=127.0.0.1:{ports[0]}", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tablets(self):
        """Alias and type of each tablet in the real topology."""
        return {f"{t['alias']['cell']}-{t['alias']['uid']:010d}": TYPES.get(t.get("type", 0)) for t in json.loads(self.vtctldclient("GetTablets", "--format=json"))}

    def status(self, project):
        return self.get(project, "vitessshards")[0]["status"]

    def says_what_is(self, project):
        """Checks that the operator's status of the shard equals the topology, and that all of it is well."""
        status, real = self.status(project), self.tablets()
        types = {alias: tablet.get("type") for alias, tablet in status["tablets"].items()}
        well = status["hasMaster"] == "True" and types.get(status.get("masterAlias")) == "primary" and all(t["ready"] == "True" for t in status["tablets"].values())
        return well and types == real

    def stop(self):
        self.host.stop()
        if self.server:
            self.server.stop()
        assert self.processes() == []
        remove_dir(self.data)


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def cluster():
    started = Cluster()
    yield started
    started.stop()


def test_a_free_instance_is_the_real_vitess(cluster):
    instance = cluster.provision("free", "FREE")
    assert cluster.shown(instance)["status"]["loginProof"]["state"] == "PROVED"
    assert "Vitess" in cluster.sql(instance, "SELECT VERSION()")
    # vtgate learns of a tablet's health a moment after the tablet serves.
    shown = wait_for(lambda: cluster.sql(instance, "SHOW VITESS_TABLETS"), 30, "vtgate to name its tablets")
    assert [tuple(row.split("\t")[3:6]) for row in shown.splitlines()] == [("PRIMARY", "SERVING", cluster.status("free")["masterAlias"])], shown
    wait_for(lambda: cluster.says_what_is("free"), 60, "the status to be the topology's")
    assert databases.mysql({**cluster.endpoint(instance), "password": "wrong"}, "SELECT 1", ok=False) is None
    cluster.sql(instance, "CREATE TABLE kept (answer INT PRIMARY KEY); INSERT INTO kept VALUES (42)")

    # Somebody else changes the Secret: vtgate reads its file every 30 s, and no pod restarts.
    pods = {pod["metadata"]["uid"] for pod in cluster.get("free", "pods")}
    users = base64.b64encode(json.dumps({"app": [{"Password": "new", "UserData": "app"}]}).encode()).decode()
    before = cluster.endpoint(instance)
    cluster.kubectl("-n", "acme-free", "patch", "secret", "free-users", "--type=merge", "-p", json.dumps({"data": {"users.json": users}}))
    wait_for(lambda: databases.mysql({**before, "password": "new"}, "SELECT answer FROM kept", ok=False) == "42", 90, "the new password to be taken")
    assert databases.mysql(before, "SELECT 1", ok=False) is None
    assert {pod["metadata"]["uid"] for pod in cluster.get("free", "pods")} == pods
    old = base64.b64encode(json.dumps({"app": [{"Password": before["password"], "UserData": "app"}]}).encode()).decode()
    cluster.kubectl("-n", "acme-free", "patch", "secret", "free-users", "--type=merge", "-p", json.dumps({"data": {"users.json": old}}))
    wait_for(lambda: databases.mysql(before, "SELECT 1", ok=False) == "1", 90, "the old password to be taken again")

    # The host, or the operators, are killed with SIGKILL: everything ends with them, and the next life finds the rows.
    if cluster.server:
        cluster.server.kill_behaviours()
    else:
        cluster.host.kill()
        wait_for(lambda: cluster.processes() == [], 30, "everything to end with its parent")
        cluster.host.start()
    wait_for(lambda: cluster.sql(instance, "SELECT answer FROM kept", ok=False) == "42", 120, "the instance to come back")
    cluster.delete(instance)


def test_vtorc_heals_a_lost_primary_and_a_drained_one_is_replaced_by_plan(cluster):
    instance = cluster.provision("three", "STANDARD")
    wait_for(lambda: cluster.says_what_is("three"), 60, "the status to be the topology's")
    # vtgate learns of a primary's health a moment after the operator calls the primary ready.
    wait_for(lambda: cluster.sql(instance, "CREATE TABLE IF NOT EXISTS kept (answer INT PRIMARY KEY); REPLACE INTO kept VALUES (1)", ok=False) is not None, 60, "vtgate to find the primary")
    assert len(cluster.processes("mysqld")) == 3 and len(cluster.processes("vttablet")) == 3
    lost = cluster.status("three")["masterAlias"]
    uid = str(int(lost.rsplit("-", 1)[1]))

    def of_lost(pid):
        with open(f"/proc/{pid}/cmdline") as f:
            words = f.read()
        return f"vt_{int(uid):010d}" in words or lost in words or f"--tablet-uid={uid}" in words

    victims = [pid for pid in cluster.processes("mysqld", "mysqlctld", "vttablet") if of_lost(pid)]
    assert len(victims) == 3, victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    killed, answer = time.monotonic(), 2
    wait_for(lambda: cluster.sql(instance, f"INSERT INTO kept VALUES ({answer})", ok=False) is not None, 120, "writes to go on", 0.2)
    print(f"\nwrites went on {time.monotonic() - killed:.1f} s after the primary was killed (goal: below 30)")
    assert cluster.sql(instance, "SELECT MIN(answer) FROM kept") == "1"
    wait_for(lambda: cluster.says_what_is("three"), 120, "all three to be well again")
    healed = cluster.status("three")["masterAlias"]
    if healed == lost:  # it started again before vtorc noticed that it was gone
        print("the primary came back by itself")

    pod = next(p["metadata"]["name"] for p in cluster.get("three", "pods") if healed in p["metadata"]["name"])
    cluster.kubectl("-n", "acme-three", "annotate", "pod", pod, "drain.planetscale.com/started=test")
    wait_for(lambda: cluster.status("three")["masterAlias"] != healed, 60, "a planned reparent")
    cluster.kubectl("-n", "acme-three", "annotate", "pod", pod, "drain.planetscale.com/started-")
    wait_for(lambda: cluster.says_what_is("three"), 60, "the status to be the topology's")
    assert cluster.tablets()[healed] == "replica"
    cluster.sql(instance, "INSERT INTO kept VALUES (3)")
    cluster.delete(instance)


def test_vtbackup_fills_the_bucket_and_a_new_tablet_is_restored_from_it(cluster):
    answer = cluster.host.create("saved", "FREE", database=databases.MYSQL, backup={**BACKUP, "schedule": "* * * * *"})
    wait_for(lambda: "created" in cluster.kubectl("-n", "acme-saved", "create", "secret", "generic", "s3-keys", "--from-literal=credentials=[default]", check=False), 30, "the namespace to take the Secret")
    operation = cluster.host.finish(answer.json["id"], seconds=400)
    assert operation["state"] == "SUCCEEDED", operation
    instance = operation["target"]["id"]

    def complete():
        return [b["status"] for b in cluster.get("saved", "vitessbackups") if b["status"].get("complete")]

    first = wait_for(complete, 60, "the first backup to be listed")
    assert first[0]["engine"] == "builtin" and first[0]["position"].startswith("MySQL56/")
    cluster.sql(instance, "CREATE TABLE kept (answer INT PRIMARY KEY); INSERT INTO kept VALUES (42)")
    rows_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    wait_for(lambda: [b for b in complete() if b["startTime"] > rows_at], 300, "a backup that has the rows")
    bucket = os.path.join(cluster.databases, "vitess", "buckets", "bucket")
    assert len([where for where, _, names in os.walk(bucket) if "MANIFEST" in names]) >= 2

    spec = json.loads(cluster.kubectl("-n", "acme-saved", "get", "vitesscluster", "saved", "-o", "json"))["spec"]
    spec["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]["tabletPools"][0]["replicas"] = 2
    cluster.kubectl("-n", "acme-saved", "patch", "vitesscluster", "saved", "--type=merge", "-p", json.dumps({"spec": {"keyspaces": spec["keyspaces"]}}))
    wait_for(lambda: len(cluster.tablets()) == 2 and cluster.says_what_is("saved"), 300, "the second tablet to be restored")
    replica = {**cluster.endpoint(instance), "database": "app@replica"}
    assert wait_for(lambda: databases.mysql(replica, "SELECT answer FROM kept", ok=False), 60, "the replica to serve") == "42"
    logs = [open(os.path.join(cluster.databases, "vitess", "volumes", d, "log"), encoding="utf-8", errors="replace").read() for d in cluster.directories() if d.endswith(".vttablet")]
    assert any("Restore: " in log for log in logs), "no tablet was restored"
    cluster.delete(instance)
