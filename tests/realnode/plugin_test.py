"""Backups as CloudNativePG makes them, with kubectl alone: the Barman Cloud plugin, an object store that goes away and comes back, and a recovery to a
second."""
import datetime
import json

import pytest

from conftest import wait_for
from realnode.node import Node, missing
from realparts.parts import path_or_skip

NAMESPACE = "plugin"
PLUGIN = "barman-cloud.cloudnative-pg.io"


@pytest.fixture(scope="module")
def node():
    if why := missing():
        pytest.skip(why)
    for part in ("object-store", "barman-plugin", "metrics-server"):
        path_or_skip(part)
    with Node(extras=("backups", "metrics")) as started, started.network():
        started.kubectl("create", "namespace", NAMESPACE)
        yield started


def apply(node, *objects):
    for o in objects:
        path = f"{node.directory}/{o['kind']}-{o['metadata']}.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump({**o, "metadata": {"name": o["metadata"], "namespace": NAMESPACE}}, f)
        node.kubectl("apply", "--server-side", "-f", path)


def get(node, kind, name):
    text = node.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json", "--ignore-not-found")
    return json.loads(text) if text.strip() else {}


def sql(node, cluster, statement):
    return node.kubectl("exec", "-n", NAMESPACE, f"{cluster}-1", "-c", "postgres", "--", "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "app", "-c", statement).strip()


def cluster(node, name, **more):
    return {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": name,
            "spec": {"instances": 1, "imageName": node.image, "storage": {"size": "1Gi", "storageClass": "local"}, **more}}


def healthy(node, name):
    wait_for(lambda: get(node, "cluster", name).get("status", {}).get("phase") == "Cluster in healthy state", 180, f"the cluster {name}", 0.5)


def archiving(node):
    """(status, message) of the condition ContinuousArchiving"""
    conditions = get(node, "cluster", "orders").get("status", {}).get("conditions", [])
    return next(((c["status"], c["message"]) for c in conditions if c["type"] == "ContinuousArchiving"), ("", ""))


def archive_everything(node):
    """Returns when everything written so far is in the store."""
    log = sql(node, "orders", "SELECT pg_walfile_name(pg_switch_wal())")
    wait_for(lambda: sql(node, "orders", f"SELECT last_archived_wal >= '{log}' FROM pg_stat_archiver") == "t", 120, f"the archive of {log}", 0.5)


@pytest.fixture(scope="module")
def orders(node):
    """A cluster that archives into the node's store."""
    with open(node.store["ca"], encoding="ascii") as f:
        ca = f.read()
    keys = {"ca.crt": ca, "access": node.store["access"], "secret": node.store["secret"]}
    apply(node, {"apiVersion": "v1", "kind": "Secret", "metadata": "store", "stringData": keys},
          {"apiVersion": "barmancloud.cnpg.io/v1", "kind": "ObjectStore", "metadata": "store", "spec": {"configuration": {
              "destinationPath": f"s3://{node.store['bucket']}/", "endpointURL": node.store["url"], "endpointCA": {"name": "store", "key": "ca.crt"},
              "s3Credentials": {"accessKeyId": {"name": "store", "key": "access"}, "secretAccessKey": {"name": "store", "key": "secret"}}, "wal": {"compression": "gzip"}}}},
          cluster(node, "orders", plugins=[{"name": PLUGIN, "isWALArchiver": True, "parameters": {"barmanObjectName": "store"}}]))
    healthy(node, "orders")
    return "orders"


def test_a_recovery_ends_at_the_second_that_was_asked_for(node, orders):
    sql(node, orders, "CREATE TABLE kept(n int); INSERT INTO kept SELECT generate_series(1, 100)")
    apply(node, {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "metadata": "first",
                 "spec": {"cluster": {"name": orders}, "method": "plugin", "pluginConfiguration": {"name": PLUGIN}}})
    backup = wait_for(lambda: (b := get(node, "backup", "first")).get("status", {}).get("phase") in ("completed", "failed") and b, 180, "the backup", 0.5)
    assert backup["status"]["phase"] == "completed", backup["status"]
    sql(node, orders, "INSERT INTO kept SELECT generate_series(101, 150)")
    # The target is a whole second, with a second to spare on both sides.
    target = sql(node, orders, "SELECT pg_sleep(1.1); SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC')").splitlines()[-1]
    sql(node, orders, "SELECT pg_sleep(1.1); INSERT INTO kept SELECT generate_series(151, 300)")
    archive_everything(node)
    asked = datetime.datetime.fromisoformat(target).replace(tzinfo=datetime.timezone.utc).isoformat()
    apply(node, cluster(node, "recovered", bootstrap={"recovery": {"source": "origin", "recoveryTarget": {"targetTime": asked}}}, externalClusters=[
        {"name": "origin", "plugin": {"name": PLUGIN, "parameters": {"barmanObjectName": "store", "serverName": orders}}}]))
    healthy(node, "recovered")
    assert sql(node, "recovered", "SELECT count(*), min(n), max(n) FROM kept") == "150|1|150"
    assert sql(node, orders, "SELECT count(*) FROM kept") == "300"


def test_archiving_stops_with_the_store_and_goes_on_with_it(node, orders):
    archive_everything(node)
    assert wait_for(lambda: archiving(node)[0] == "True", 60, "archiving", 0.5)
    node.switch("object-store", on=False)
    try:
        log = sql(node, orders, "CREATE TABLE late(n int); SELECT pg_walfile_name(pg_switch_wal())").splitlines()[-1]
        wait_for(lambda: archiving(node)[0] == "False", 120, "the end of archiving", 0.5)
        assert sql(node, orders, f"SELECT coalesce(last_archived_wal < '{log}', true) FROM pg_stat_archiver") == "t"
    finally:
        node.switch("object-store", on=True)
    wait_for(lambda: archiving(node)[0] == "True", 180, "archiving again", 0.5)
    wait_for(lambda: sql(node, orders, f"SELECT last_archived_wal >= '{log}' FROM pg_stat_archiver") == "t", 120, "the archive of what was held up", 0.5)


def test_kubectl_top_answers(node, orders):
    used = wait_for(lambda: node.kubectl("top", "pods", "-n", NAMESPACE, "--no-headers", check=False), 90, "kubectl top pods", 0.5)
    assert any(line.split()[0] == f"{orders}-1" and line.split()[2].endswith("Mi") for line in used.splitlines()), used
    assert node.kubectl("top", "nodes", "--no-headers").split()[0] == "node1"
