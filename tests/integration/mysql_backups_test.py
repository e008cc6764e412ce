"""Backups and restores of MySQL over HTTP against the real slipwayd: the MariaDB behind vtgate's address is backed up, and its rows come back."""
import os
import time

import pytest

from integration.backups_test import RESTORE_STAGES, back_up, condition, delete, host, told  # noqa: F401
from integration.databases import MYSQL, have_servers, mysql
from integration.host import wait_for

pytestmark = pytest.mark.skipif(not have_servers(MYSQL), reason="MariaDB is not installed")


def endpoint(host, instance, **change):
    answer = host.call("GET", f"/v1/instances/{instance}/credentials").json
    return dict({key: answer[key] for key in ("host", "port", "username", "password", "database")}, **change)


def sql(host, instance, statement):
    return mysql(endpoint(host, instance), statement)


def rows(host, instance):
    return sql(host, instance, "SELECT GROUP_CONCAT(id ORDER BY id) FROM t")


def provision(host, project, tier="FREE", **more):
    answer = host.create(project, tier, database=MYSQL, **more)
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 300)
    assert operation["state"] == "SUCCEEDED", operation
    if "source" in more:
        assert [s["name"] for s in operation["stages"]] == RESTORE_STAGES
    return operation["target"]["id"]


@pytest.fixture(scope="module")
def source(host):
    """An instance with rows 1 to 3 in its first backup on demand and rows 1 to 5 in its last one; row 6 is in none."""
    instance = provision(host, "orders", backup={})
    sql(host, instance, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3); CREATE VIEW v AS SELECT COUNT(*) AS n FROM t")
    first = back_up(host, instance)
    sql(host, instance, "INSERT INTO t VALUES (4), (5)")
    time.sleep(1.1)  # Vitess names a backup by its second
    last = back_up(host, instance)
    sql(host, instance, "INSERT INTO t VALUES (6)")
    return {"instance": instance, "first": first, "last": last}


def test_a_backup_is_listed_with_what_the_operator_says(host, source):
    listed = host.call("GET", f"/v1/instances/{source['instance']}/backups").json["items"]
    # The operator made the oldest one, of an empty database.
    assert [b["id"] for b in listed[:2]] == [source["last"]["id"], source["first"]["id"]] and len(listed) == 3
    assert [(b["trigger"], b["type"], b["state"]) for b in listed] == [("REQUEST", "FULL", "COMPLETED")] * 2 + [("SCHEDULE", "FULL", "COMPLETED")]
    assert all(b["startedAt"] <= b["finishedAt"] and b["position"].startswith("MySQL56/") for b in listed)
    window = wait_for(lambda: (lambda w: w if len(w["windows"]) == 3 else None)(host.call("GET", f"/v1/instances/{source['instance']}/recovery-window").json), 60, "a window")
    assert window["supported"] and window["archiving"] == "HEALTHY" and all(w["from"] == w["to"] and not w.get("open") for w in window["windows"])
    assert window["latestRestorable"][:19] == source["last"]["finishedAt"][:19]
    wait_for(lambda: condition(host, source["instance"], "BackedUp").get("status") == "TRUE", 60, "BackedUp")
    assert condition(host, source["instance"], "ArchivingHealthy")["status"] == "TRUE"


@pytest.mark.parametrize("kind", ["latest", "backup"])
def test_a_restore_has_exactly_the_rows_of_its_backup(host, source, kind):
    wanted = {"latest": ({"instanceId": source["instance"]}, "1,2,3,4,5"), "backup": ({"backupId": source["first"]["id"]}, "1,2,3")}
    body, expected = wanted[kind]
    copy = provision(host, f"copy-{kind}", source=body, backup={})
    assert rows(host, copy) == expected
    assert sql(host, copy, "SELECT n FROM v") == str(len(expected.split(",")))
    assert rows(host, source["instance"]) == "1,2,3,4,5,6", "the source is as it was"
    old, new = endpoint(host, source["instance"]), endpoint(host, copy)
    assert old["password"] != new["password"]
    assert mysql(dict(new, password=old["password"]), "SELECT 1", ok=False) is None, "the source's password opens the copy"
    # It has one backup, its own, and another copy can be made of it.
    own = host.call("GET", f"/v1/instances/{copy}/backups").json["items"]
    assert [(b["trigger"], b["state"]) for b in own] == [("REQUEST", "COMPLETED")]
    sql(host, copy, "INSERT INTO t VALUES (100)")
    if kind == "latest":
        second = provision(host, "copy-of-a-copy", source={"backupId": own[0]["id"]}, backup={})
        assert rows(host, second) == expected
        delete(host, second)
    delete(host, copy)


def test_a_drill_proves_a_backup_and_leaves_nothing(host, source):
    folders = set(os.listdir(os.path.join(host.store, "acme")))
    answer = host.call("POST", f"/v1/instances/{source['instance']}/restore-drills", {})
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 300)
    assert operation["state"] == "SUCCEEDED", operation
    shown = host.call("GET", f"/v1/instances/{source['instance']}/restore-drills").json["items"][0]
    assert shown["state"] == "PASSED" and shown["login"]["state"] == "PROVED" and shown["backupId"] == source["last"]["id"]
    assert host.call("GET", f"/v1/backups/{source['last']['id']}").json["verified"]["result"] == "PASSED"
    wait_for(lambda: set(os.listdir(os.path.join(host.store, "acme"))) == folders, 60, "the folder of the copy to go")
    refused = host.call("POST", f"/v1/instances/{source['instance']}/restore-drills", {"checks": [{"statement": "SELECT 1"}]})
    assert refused.status == 422 and refused.json["errors"][0]["code"] == "CHECKS_NOT_SUPPORTED", refused.body


def test_a_copy_grows_to_its_tier(host, source):
    copy = provision(host, "copy-large", "STANDARD", source={"backupId": source["first"]["id"]}, backup={})
    assert rows(host, copy) == "1,2,3"
    sql(host, copy, "INSERT INTO t VALUES (7)")
    # A repair sends the plan again; it must not go back to the source.
    repaired = host.finish(host.call("POST", f"/v1/instances/{copy}/repair").json["id"], 240)
    assert repaired["state"] == "SUCCEEDED" and rows(host, copy) == "1,2,3,7", repaired
    time.sleep(1.1)
    backup = back_up(host, copy)  # of a replica
    assert backup["state"] == "COMPLETED"
    again = provision(host, "copy-small", "STANDARD", source={"instanceId": copy}, backup={})
    assert rows(host, again) == "1,2,3,7"
    delete(host, again)
    delete(host, copy)


def test_what_cannot_be_restored_is_refused_before_anything_is_made(host, source):
    instance = source["instance"]
    sharded = provision(host, "sharded", backup={}, parameters={"shards": 2})
    cases = [({"instanceId": instance, "target": {"type": "TIME", "value": "2999-01-01T00:00:00Z"}}, {}, "/source/target/type", "TARGET_UNSUPPORTED"),
             ({"instanceId": instance, "target": {"type": "BACKUP"}}, {}, "/source/backupId", "REQUIRED"),
             ({"instanceId": instance}, {"backup": None}, "/backup", "REQUIRED"),
             ({"instanceId": instance}, {"parameters": {"shards": 2}}, "/parameters/shards", "OUT_OF_RANGE"),
             ({"backupId": "bkp_none"}, {}, "/source/backupId", "BACKUP_NOT_FOUND")]
    for body, more, pointer, code in cases:
        answer = host.create("refused", database=MYSQL, source=body, **dict({"backup": {}}, **more))
        assert answer.status == 422, answer.body
        assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json["errors"]], answer.json
    one = wait_for(lambda: (lambda items: items if len(items) == 2 else None)(host.call("GET", f"/v1/instances/{sharded}/backups").json["items"]), 150, "a backup of each shard")
    answer = host.create("refused", database=MYSQL, source={"backupId": one[0]["id"]}, backup={})
    assert ("/source/instanceId", "SOURCE_SHARDED") in [(e["pointer"], e["code"]) for e in answer.json["errors"]], answer.json
    assert host.call("POST", f"/v1/instances/{instance}/backups", {"type": "INCREMENTAL"}).status == 422
    assert host.call("GET", "/v1/instances?projectName=refused").json["items"] == []
    delete(host, sharded)


def test_a_deleted_instance_comes_back_until_its_backups_go(host):
    instance = provision(host, "gone", backup={})
    sql(host, instance, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    backup = back_up(host, instance)
    told(host, instance, backup)
    delete(host, instance)
    copy = provision(host, "back", source={"instanceId": instance}, backup={})
    assert rows(host, copy) == "1"
    folder = os.path.join(host.store, "acme", copy)
    delete(host, copy, "?retainBackups=false")
    wait_for(lambda: not os.path.exists(folder), 60, "the folder to go")


def test_a_store_that_is_gone_fails_a_backup_and_comes_back(host, source):
    instance = source["instance"]
    away = host.store + ".away"
    os.rename(host.store, away)
    with open(host.store, "w", encoding="utf-8"):  # so that nobody makes the directory again
        pass
    try:
        operation = host.finish(host.call("POST", f"/v1/instances/{instance}/backups", {}).json["id"], 240)
        assert operation["state"] == "FAILED", operation
        wait_for(lambda: condition(host, instance, "BackedUp").get("reason") == "LAST_BACKUP_FAILED", 150, "the failure to show")
        listed = host.call("GET", f"/v1/instances/{instance}/backups").json["items"]
        assert listed[0]["state"] == "FAILED" and "mkdir" in listed[0]["error"] and len(listed) == 4, listed
    finally:
        os.remove(host.store)
        os.rename(away, host.store)
    assert back_up(host, instance)["state"] == "COMPLETED"
