"""Backups and restores through the API, with the real CloudNativePG, the real Barman Cloud plugin and an S3 store on a node."""
import os
import time

import pytest

from conftest import SOURCE, NodeHost, left, psql
from integration.host import make_dir, remove_dir, wait_for
from realnode.node import Node, missing
from realparts.parts import path_or_skip


@pytest.fixture(scope="module")
def node():
    if why := missing():
        pytest.skip(why)
    for part in ("object-store", "barman-plugin"):
        path_or_skip(part)
    with Node(extras=("backups",)) as started, started.network():
        deploy = os.path.join(SOURCE, "config", "deploy")
        started.kubectl("apply", "--server-side", "-f", os.path.join(deploy, "rbac.yaml"), "-f", os.path.join(deploy, "engines"))
        wait_for(lambda: started.api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/slipwayd").get("rules"), 30, "the host's role")
        yield started


@pytest.fixture(scope="module")
def host(node):
    data = make_dir()
    keys = os.path.join(data, "keys")
    with open(keys, "w", encoding="ascii") as f:
        f.write(f"[default]\naws_access_key_id = {node.store['access']}\naws_secret_access_key = {node.store['secret']}\n")
    store = f"{{name: node, url: 's3://{node.store['bucket']}/slipway', endpoint: '{node.store['url']}', ca_file: {node.store['ca']}, credentials_file: {keys}}}"
    started = NodeHost(node, data, config=f"backup_stores: [{store}]\n").start()
    yield started
    started.stop()
    remove_dir(data)


def back_up(host, instance):
    answer = host.call("POST", f"/v1/instances/{instance}/backups", {})
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 300)
    assert operation["state"] == "SUCCEEDED", operation
    return host.call("GET", f"/v1/instances/{instance}/backups").json["items"][0]


@pytest.fixture(scope="module")
def source(host):
    instance = host.provision("orders", "FREE", backup={})
    uri = host.uri(instance)
    psql(uri, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5)")
    first = back_up(host, instance)
    psql(uri, "INSERT INTO t SELECT generate_series(6, 8)")
    xid = psql(uri, "INSERT INTO t VALUES (9) RETURNING pg_current_xact_id()").splitlines()[0]
    time.sleep(1.1)
    at = psql(uri, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    time.sleep(1.1)
    psql(uri, "INSERT INTO t VALUES (10)")
    back_up(host, instance)  # it pushes the log into the archive
    return {"instance": instance, "first": first, "time": at, "xid": xid}


def restored(host, project, source):
    operation_id, instance = host.submit(project, "FREE", source=source)
    operation = host.finish(operation_id, 600)
    assert operation["state"] == "SUCCEEDED", operation
    stage = next(s for s in operation["stages"] if s["name"] == "RESTORE")
    print(f"{project}: RESTORE from {stage['startedAt']} to {stage['finishedAt']}")
    return instance


def rows(host, instance):
    return psql(host.uri(instance), "SELECT string_agg(id::text, ',' ORDER BY id) FROM t")


def test_the_window_is_what_the_plugin_wrote(node, host, source):
    window = wait_for(lambda: (lambda w: w if w["windows"] else None)(host.call("GET", f"/v1/instances/{source['instance']}/recovery-window").json), 60, "a window")
    assert window["archiving"] == "HEALTHY"
    stores = node.api.list("/apis/barmancloud.cnpg.io/v1/namespaces/acme-orders/objectstores")
    (written,) = [w for s in stores for w in s["status"]["serverRecoveryWindow"].values()]
    assert window["windows"][0]["from"][:19] == written["firstRecoverabilityPoint"][:19]
    states = {c["type"]: c["status"] for c in host.show(source["instance"])["status"]["conditions"]}
    assert states["ArchivingHealthy"] == "TRUE" and states["BackedUp"] == "TRUE"


@pytest.mark.parametrize("kind,expected", [("time", "1,2,3,4,5,6,7,8,9"), ("xid", "1,2,3,4,5,6,7,8,9"), ("backup", "1,2,3,4,5"), ("latest", "1,2,3,4,5,6,7,8,9,10")])
def test_a_restore_has_exactly_the_rows_up_to_its_target(node, host, source, kind, expected):
    body = {"time": {"instanceId": source["instance"], "target": {"type": "TIME", "value": source["time"]}},
            "xid": {"backupId": source["first"]["id"], "target": {"type": "XID", "value": source["xid"]}},
            "backup": {"backupId": source["first"]["id"]},
            "latest": {"instanceId": source["instance"]}}[kind]
    copy = restored(host, f"copy-{kind}", body)
    assert rows(host, copy) == expected
    old = host.uri(source["instance"]).split("@")[0].rsplit(":", 1)[1]
    new = host.uri(copy).split("@")[0].rsplit(":", 1)[1]
    assert old != new and psql(host.uri(copy).replace(new, old), "SELECT 1", ok=False) is None
    host.remove(copy)
    assert left(node, f"acme-copy-{kind}") == []
    assert rows(host, source["instance"]) == "1,2,3,4,5,6,7,8,9,10"


def test_a_deleted_instance_comes_back(node, host, source):
    host.remove(source["instance"])
    assert left(node, "acme-orders") == []
    copy = restored(host, "back", {"instanceId": source["instance"]})
    assert rows(host, copy) == "1,2,3,4,5,6,7,8,9,10"
    host.remove(copy)
