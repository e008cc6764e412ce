"""Backups and restores over HTTP against the real slipwayd: real PostgreSQL servers archive, are backed up and are restored."""
import datetime
import json
import os
import shutil
import subprocess
import time

import pytest

from integration import clusters
from integration.host import Host, database_processes, make_dir, remove_dir, wait_for

pytestmark = pytest.mark.skipif(not shutil.which("psql"), reason="PostgreSQL is not installed")
RESTORE_STAGES = ["VALIDATING", "NAMESPACE_CREATION", "CRD_DEPLOYMENT", "RESTORE", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP",
                  "COMPLETED"]


@pytest.fixture(scope="module")
def host():
    data = make_dir()
    if clusters.REAL:
        server = clusters.start(data, databases=True, pace="0.01", fast=True)
        started = Host(data, server, config=f"backup_stores: [{{name: here, url: 'file://{data}/state/backups'}}]\n").start()
        started.databases = os.path.join(server.data, "databases")
    else:  # the cluster inside the host, as slipwayd --dev has it, with its own store
        server = None
        started = Host(data, pace="0.01", fast=True).start()
        started.databases = os.path.join(data, "state", "databases")
    started.store = os.path.join(data, "state", "backups")
    yield started
    started.stop()
    if server:
        server.stop()
    assert database_processes(started.databases) == []
    remove_dir(data)


def sql(host, instance, statement, ok=True, uri=None):
    if uri is None:
        answer = host.call("GET", f"/v1/instances/{instance}/credentials").json
        uri = next(e["uri"] for e in answer["endpoints"] if e["role"] == "READ_WRITE")
    done = subprocess.run(["psql", uri, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True, timeout=60)
    if ok:
        assert done.returncode == 0, done.stderr
    return done.stdout.strip() if done.returncode == 0 else None


def provision(host, project, tier="FREE", **more):
    answer = host.create(project, tier, backup={}, **more)
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == "SUCCEEDED", operation
    return operation["target"]["id"]


def back_up(host, instance):
    answer = host.call("POST", f"/v1/instances/{instance}/backups", {})
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == "SUCCEEDED", operation
    return host.call("GET", f"/v1/instances/{instance}/backups").json["items"][0]


def condition(host, instance, kind):
    conditions = host.call("GET", f"/v1/instances/{instance}").json["status"]["conditions"]
    return next((c for c in conditions if c["type"] == kind), {})


def restore(host, project, source, **more):
    answer = host.create(project, more.pop("tier", "FREE"), source=source, **more)
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == "SUCCEEDED", operation
    assert [s["name"] for s in operation["stages"]] == RESTORE_STAGES
    return operation["target"]["id"]


def moment(host, instance):
    """The server's time between two commits, as a caller would write it down."""
    time.sleep(0.05)
    at = sql(host, instance, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    time.sleep(0.05)
    return at


@pytest.fixture(scope="module")
def source(host):
    """An instance with rows 1 to 5 in a backup, 6 to 10 after it, and a later backup that pushes everything into the archive."""
    instance = provision(host, "orders")
    sql(host, instance, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5)")
    first = back_up(host, instance)
    time.sleep(1)  # the times of backups have no fractions
    sql(host, instance, "INSERT INTO t SELECT generate_series(6, 8)")
    xid = sql(host, instance, "INSERT INTO t VALUES (9) RETURNING pg_current_xact_id()").splitlines()[0]
    at = moment(host, instance)
    lsn = sql(host, instance, "SELECT pg_current_wal_lsn()")
    sql(host, instance, "INSERT INTO t VALUES (10)")
    time.sleep(1)
    last = back_up(host, instance)
    return {"instance": instance, "first": first, "last": last, "time": at, "xid": xid, "lsn": lsn}


def rows(host, instance):
    return sql(host, instance, "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM t")


def test_a_backup_is_listed_with_what_the_operator_says(host, source):
    listed = host.call("GET", f"/v1/instances/{source['instance']}/backups").json["items"]
    assert [b["id"] for b in listed] == [source["last"]["id"], source["first"]["id"]]
    backup = host.call("GET", f"/v1/backups/{source['first']['id']}").json
    assert backup["state"] == "COMPLETED" and backup["trigger"] == "REQUEST" and backup["type"] == "FULL" and backup["sizeBytes"] is None
    assert backup["startedAt"] <= backup["finishedAt"] and "/" in backup["position"]
    window = wait_for(lambda: (lambda w: w if w["windows"] else None)(host.call("GET", f"/v1/instances/{source['instance']}/recovery-window").json), 60, "a window")
    assert window["supported"] and window["archiving"] == "HEALTHY" and window["windows"][0]["open"]
    assert window["windows"][0]["from"] <= backup["finishedAt"] or window["windows"][0]["from"][:19] == backup["finishedAt"][:19]
    wait_for(lambda: condition(host, source["instance"], "BackedUp").get("status") == "TRUE", 60, "BackedUp")
    assert condition(host, source["instance"], "ArchivingHealthy")["status"] == "TRUE"


@pytest.mark.parametrize("kind", ["latest", "time", "xid", "lsn", "backup"])
def test_a_restore_has_exactly_the_rows_up_to_its_target(host, source, kind):
    wanted = {"latest": ({"instanceId": source["instance"]}, "1,2,3,4,5,6,7,8,9,10"),
              "time": ({"instanceId": source["instance"], "target": {"type": "TIME", "value": source["time"]}}, "1,2,3,4,5,6,7,8,9"),
              "xid": ({"backupId": source["first"]["id"], "target": {"type": "XID", "value": source["xid"]}}, "1,2,3,4,5,6,7,8,9"),
              "lsn": ({"instanceId": source["instance"], "target": {"type": "LSN", "value": source["lsn"]}}, "1,2,3,4,5,6,7,8,9"),
              "backup": ({"backupId": source["first"]["id"]}, "1,2,3,4,5")}
    body, expected = wanted[kind]
    copy = restore(host, f"copy-{kind}", body, backup={})
    assert rows(host, copy) == expected
    assert rows(host, source["instance"]) == "1,2,3,4,5,6,7,8,9,10", "the source is as it was"
    sql(host, copy, "INSERT INTO t VALUES (100)")
    if kind == "latest":  # the copy archives for itself, under a prefix of its own
        assert back_up(host, copy)["state"] == "COMPLETED"
    assert host.finish(host.call("DELETE", f"/v1/instances/{copy}").json["id"])["state"] == "SUCCEEDED"


def test_the_sources_password_does_not_open_the_copy(host, source):
    copy = restore(host, "copy-password", {"instanceId": source["instance"]})
    old = host.call("GET", f"/v1/instances/{source['instance']}/credentials").json
    new = host.call("GET", f"/v1/instances/{copy}/credentials").json
    assert old["password"] != new["password"]
    uri = next(e["uri"] for e in new["endpoints"] if e["role"] == "READ_WRITE")
    assert sql(host, copy, "SELECT 1", uri=uri) == "1"
    assert sql(host, copy, "SELECT 1", ok=False, uri=uri.replace(new["password"], old["password"])) is None


def test_what_cannot_be_restored_is_refused_before_anything_is_made(host, source):
    instance = source["instance"]
    cases = [({"instanceId": instance, "target": {"type": "TIME", "value": "2020-01-01T00:00:00Z"}}, "/source/target/value", "TARGET_OUTSIDE_WINDOW"),
             ({"instanceId": instance, "target": {"type": "TIME", "value": "2999-01-01T00:00:00Z"}}, "/source/target/value", "TARGET_OUTSIDE_WINDOW"),
             ({"instanceId": instance, "target": {"type": "TIME", "value": "soon"}}, "/source/target/value", "INVALID_TIME"),
             ({"instanceId": instance, "target": {"type": "MOOD", "value": "x"}}, "/source/target/type", "TARGET_UNSUPPORTED"),
             ({"instanceId": "ins_none"}, "/source/instanceId", "INSTANCE_NOT_FOUND"),
             ({"backupId": "bkp_none"}, "/source/backupId", "BACKUP_NOT_FOUND"),
             ({}, "/source", "REQUIRED"),
             ({"instanceId": instance, "else": 1}, "/source/else", "UNKNOWN_FIELD")]
    for body, pointer, code in cases:
        answer = host.create("refused", source=body)
        assert answer.status == 422, answer.body
        assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json["errors"]], answer.json
    early = host.create("refused", source=cases[0][0]).json["errors"][0]["message"]
    assert "nearest points are 20" in early
    assert host.call("GET", "/v1/instances?projectName=refused").json["items"] == []


def test_a_backup_needs_a_backup_section(host):
    answer = host.create("plain")
    instance = host.finish(answer.json["id"])["target"]["id"]
    refused = host.call("POST", f"/v1/instances/{instance}/backups", {})
    assert refused.status == 409 and refused.json["code"] == "BACKUP_NOT_CONFIGURED"
    assert host.create("refused", source={"instanceId": instance}).json["errors"][0]["code"] == "NO_BACKUPS"
    window = host.call("GET", f"/v1/instances/{instance}/recovery-window").json
    assert window["windows"] == []


def with_rows(host, project):
    """An instance with rows 1 to 3 in a backup: its id and the backup."""
    instance = provision(host, project)
    sql(host, instance, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 3)")
    return instance, back_up(host, instance)


def delete(host, instance, query=""):
    answer = host.call("DELETE", f"/v1/instances/{instance}{query}")
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == "SUCCEEDED", operation


def folder(host, instance):
    return os.path.join(host.store, "acme", instance)


def manifest(host, instance):
    """None before there is one."""
    try:
        with open(os.path.join(folder(host, instance), "slipway-manifest.json"), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def told(host, instance, backup):
    """Waits until the instance's manifest tells of the backup."""
    wait_for(lambda: (lambda m: m and backup["id"] in [b["id"] for b in m["backups"]])(manifest(host, instance)), 60, "the manifest to tell of the backup")


def test_a_deleted_instance_can_be_restored_until_its_backups_expire(host):
    instance, backup = with_rows(host, "gone")
    assert backup["expiresAt"] is None
    told(host, instance, backup)
    assert host.call("GET", f"/v1/backups?deleted=true&instanceId={instance}").json["items"] == []
    delete(host, instance)
    kept = host.call("GET", f"/v1/backups?deleted=true&instanceId={instance}").json["items"]
    assert [b["id"] for b in kept] == [backup["id"]]
    deleted_at = host.call("GET", f"/v1/instances/{instance}").json["deletedAt"]
    days = (datetime.datetime.fromisoformat(kept[0]["expiresAt"]) - datetime.datetime.fromisoformat(deleted_at)).total_seconds() / 86400
    assert abs(days - 30) < 0.01, "what README says"
    wait_for(lambda: manifest(host, instance)["instance"]["deletedMs"], 30, "the manifest to tell of the deletion")
    copy = restore(host, "back", {"instanceId": instance})
    assert rows(host, copy) == "1,2,3"


def test_backups_that_a_delete_does_not_retain_are_removed_and_no_others(host, source):
    instance, backup = with_rows(host, "all-gone")
    delete(host, instance, "?retainBackups=false")
    wait_for(lambda: not os.path.exists(folder(host, instance)), 60, "the folder to go")
    wait_for(lambda: host.call("GET", f"/v1/backups/{backup['id']}").json["goneAt"], 30, "the backup to be gone")
    assert host.call("GET", f"/v1/backups?instanceId={instance}").json["items"] == []
    refused = host.create("refused", source={"instanceId": instance})
    assert refused.status == 422 and ("/source/instanceId", "BACKUPS_EXPIRED") in [(e["pointer"], e["code"]) for e in refused.json["errors"]], refused.body
    told(host, source["instance"], source["last"])


def drill(host, instance, body, state="SUCCEEDED"):
    """Runs a restore drill to its end: what the list says of it, and its operation."""
    answer = host.call("POST", f"/v1/instances/{instance}/restore-drills", body)
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == state, operation
    listed = host.call("GET", f"/v1/instances/{instance}/restore-drills").json["items"]
    return next(d for d in listed if d["id"] == operation["id"]), operation


def test_a_drill_proves_a_backup_and_leaves_nothing(host, source):
    before = {i["id"] for i in host.call("GET", "/v1/instances?pageSize=200").json["items"]}
    checks = [{"name": "rows", "statement": "SELECT count(*) FROM t", "equals": 9}, {"statement": "SELECT max(id) FROM t", "atLeast": 9, "atMost": 9},
              {"name": "text", "statement": "SELECT 'grün'", "equals": "grün"}]
    target = {"type": "TIME", "value": source["time"]}
    shown, operation = drill(host, source["instance"], {"target": target, "checks": checks})
    assert [s["name"] for s in operation["stages"]] == [*RESTORE_STAGES[:-1], "CHECK", "RESOURCE_DELETION", "NAMESPACE_DELETION", "COMPLETED"]
    assert shown["state"] == "PASSED" and shown["error"] is None and shown["login"]["state"] == "PROVED" and shown["target"]["value"] == source["time"]
    assert shown["checks"] == [{"name": "rows", "value": "9", "passed": True}, {"name": "check 2", "value": "9", "passed": True},
                               {"name": "text", "value": "gr??n", "passed": True}]
    took = datetime.datetime.fromisoformat(shown["finishedAt"]) - datetime.datetime.fromisoformat(shown["startedAt"])
    assert 0 < shown["recoverySeconds"] < took.total_seconds()
    assert shown["backupId"] == source["first"]["id"]
    verified = host.call("GET", f"/v1/backups/{shown['backupId']}").json["verified"]
    assert verified["result"] == "PASSED" and verified["at"] >= shown["finishedAt"]
    assert {i["id"] for i in host.call("GET", "/v1/instances?pageSize=200").json["items"]} == before
    assert host.call("GET", operation["target"]["path"]).json["status"]["state"] == "DELETED"
    assert rows(host, source["instance"]).startswith("1,2,3,4,5,6,7,8,9,10"), "the source is as it was"


def test_a_drill_whose_check_fails_says_which_and_leaves_nothing(host, source):
    checks = [{"statement": "SELECT 1"}, {"name": "enough", "statement": "SELECT count(*) FROM t", "atLeast": 1000}]
    shown, operation = drill(host, source["instance"], {"backupId": source["last"]["id"], "checks": checks}, "FAILED")
    assert operation["error"]["code"] == "CHECK_FAILED" and operation["error"]["rollback"] == "COMPLETE"
    assert "enough" in operation["error"]["message"] and "at least 1000" in operation["error"]["message"]
    assert shown["state"] == "FAILED" and [c["passed"] for c in shown["checks"]] == [True, False] and shown["recoverySeconds"] > 0
    assert host.call("GET", f"/v1/backups/{source['last']['id']}").json["verified"]["result"] == "FAILED"
    assert host.call("GET", operation["target"]["path"]).json["deletedAt"]
    broken, _ = drill(host, source["instance"], {"checks": [{"statement": "SELECT * FROM nowhere"}]}, "FAILED")
    assert "nowhere" in broken["error"]["message"]
    large, _ = drill(host, source["instance"], {"checks": [{"statement": "SELECT repeat('x', 1000) FROM generate_series(1, 5000000)"}]}, "FAILED")
    assert "more than 1 MB" in large["error"]["message"], "the host keeps no answer of 5 GB in its memory"


def test_what_cannot_be_drilled_is_refused_at_its_place(host, source):
    cases = [({"target": {"type": "TIME", "value": "2020-01-01T00:00:00Z"}}, "/target/value", "TARGET_OUTSIDE_WINDOW"),
             ({"backupId": "bkp_none"}, "/backupId", "BACKUP_NOT_FOUND"),
             ({"checks": [{"statement": ""}]}, "/checks/0/statement", "INVALID_VALUE"),
             ({"checks": [{}]}, "/checks/0/statement", "REQUIRED"),
             ({"checks": [{"statement": "SELECT 1", "atLeast": "3"}]}, "/checks/0/atLeast", "INVALID_TYPE"),
             ({"checks": [{"statement": "SELECT 1"}] * 11}, "/checks", "TOO_MANY"),
             ({"source": "x"}, "/source", "UNKNOWN_FIELD")]
    for body, pointer, code in cases:
        answer = host.call("POST", f"/v1/instances/{source['instance']}/restore-drills", body)
        assert answer.status == 422, answer.body
        assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json["errors"]], answer.json
    assert host.call("POST", "/v1/instances/ins_none/restore-drills", {}).status == 404
    plain = host.finish(host.create("never-backed-up").json["id"])["target"]["id"]
    refused = host.call("POST", f"/v1/instances/{plain}/restore-drills", {})
    assert refused.status == 409 and refused.json["code"] == "NO_BACKUPS", refused.body


def test_an_instance_that_asks_for_drills_gets_its_first_with_its_first_backup(host):
    answer = host.create("drilled", backup={"drill": {"everyDays": 7}})
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == "SUCCEEDED", operation
    instance = operation["target"]["id"]
    assert host.call("GET", f"/v1/instances/{instance}").json["spec"]["backup"]["drill"] == {"everyDays": 7}
    backup = back_up(host, instance)
    done = wait_for(lambda: [d for d in host.call("GET", f"/v1/instances/{instance}/restore-drills").json["items"] if d["state"] != "RUNNING"], 240, "a drill")
    assert [d["state"] for d in done] == ["PASSED"], done
    assert host.operation(done[0]["id"])["requestedBy"] == "slipway"
    assert host.call("GET", f"/v1/backups/{backup['id']}").json["verified"]["result"] == "PASSED"


def test_a_final_backup_has_what_was_written_last(host):
    instance, first = with_rows(host, "final")
    sql(host, instance, "INSERT INTO t VALUES (4)")
    assert host.call("DELETE", f"/v1/instances/{instance}?finalBackup=true&retainBackups=false").status == 422
    delete(host, instance, "?finalBackup=true")
    kept = host.call("GET", f"/v1/backups?deleted=true&instanceId={instance}").json["items"]
    assert len(kept) == 2 and kept[1]["id"] == first["id"] and all(b["state"] == "COMPLETED" for b in kept), kept
    copy = restore(host, "after-final", {"backupId": kept[0]["id"]})
    assert rows(host, copy) == "1,2,3,4"
    assert host.call("DELETE", f"/v1/instances/{copy}?finalBackup=true").json["code"] == "BACKUP_NOT_CONFIGURED"


def test_a_final_backup_that_fails_deletes_nothing(host):
    instance, _ = with_rows(host, "unsaved")
    away = host.store + ".away"
    os.rename(host.store, away)
    with open(host.store, "w", encoding="utf-8"):  # so that nobody makes the directory again
        pass
    try:
        answer = host.call("DELETE", f"/v1/instances/{instance}?finalBackup=true")
        assert answer.status == 202 and answer.json["cancellable"] is False, answer.body
        wait_for(lambda: host.operation(answer.json["id"])["progress"]["stage"] == "BACKUP", 30, "the backup")
        host.call("POST", f"/v1/operations/{answer.json['id']}/cancel")  # the backup may have failed before
        operation = host.finish(answer.json["id"], 240)
        assert operation["state"] in ("FAILED", "CANCELLED") and operation["error"]["stage"] == "BACKUP", operation
    finally:
        os.remove(host.store)
        os.rename(away, host.store)
    assert rows(host, instance) == "1,2,3"
    wait_for(lambda: host.call("GET", f"/v1/instances/{instance}").json["status"]["state"] == "ACTIVE", 60, "the instance to be ACTIVE")
    delete(host, instance)


def test_a_store_that_is_gone_shows_and_comes_back(host, source):
    instance = source["instance"]
    away = host.store + ".away"
    os.rename(host.store, away)
    with open(host.store, "w", encoding="utf-8"):  # so that nobody makes the directory again
        pass
    try:
        sql(host, instance, "INSERT INTO t VALUES (11)")
        answer = host.call("POST", f"/v1/instances/{instance}/backups", {})
        seen = wait_for(lambda: (lambda c: c if c.get("status") == "FALSE" else None)(condition(host, instance, "ArchivingHealthy")) or
                        host.operation(answer.json["id"])["state"] == "FAILED", 120, "archiving to fail")
        assert seen
    finally:
        os.remove(host.store)
        os.rename(away, host.store)
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] in ("SUCCEEDED", "FAILED")
    wait_for(lambda: condition(host, instance, "ArchivingHealthy").get("status") == "TRUE", 120, "archiving to be healthy")
    assert back_up(host, instance)["state"] == "COMPLETED"
