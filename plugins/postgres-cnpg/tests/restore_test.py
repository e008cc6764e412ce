"""Restores into a new instance: what is refused, what goes to the operator, and how a restore ends."""
import json

import pytest

from cnpg_toy import BACKUP, STORE, Toy, cluster, healthy, meta, pod, source_of
from engine_toy import INSTANCE, NAMESPACE, NOW, TIERS, Engine, asked, condition, plan, request, step_input

TARGETS = {
    "LATEST": ({"type": "LATEST"}, None),
    "TIME": ({"type": "TIME", "value": "2026-09-21T05:00:00.25+02:00", "exclusive": False}, {"targetTime": "2026-09-21T05:00:00.25+02:00"}),
    "before TIME": ({"type": "TIME", "value": "2026-09-21T05:00:00Z", "exclusive": True}, {"targetTime": "2026-09-21T05:00:00Z", "exclusive": True}),
    "LSN": ({"type": "LSN", "value": "16/B374D848"}, {"targetLSN": "16/B374D848"}),
    "XID": ({"type": "XID", "value": "4294967295", "exclusive": True}, {"backupID": "20260921T010000", "targetXID": "4294967295", "exclusive": True}),
    "NAME": ({"type": "NAME", "value": "before the move é", "exclusive": True}, {"backupID": "20260921T010000", "targetName": "before the move é"}),
    "BACKUP": ({"type": "BACKUP", "exclusive": True}, {"backupID": "20260921T010000", "targetImmediate": True}),
}
UNRECOVERABLE = "Cluster is unrecoverable and needs manual intervention"


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


def restored(engine, target=None, tier="STANDARD", own=None, **more):
    return engine.spec(tier, own, None, source_of(engine, target, **more))


def refused(engine, arguments, tier="STANDARD", **more):
    return engine.refused(asked(tier, None, **more), arguments=arguments)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("own", [None, BACKUP], ids=["plain", "backup"])
def test_normalising_twice_changes_nothing_with_and_without_the_source(engine, name, own):
    arguments = source_of(engine, TARGETS[name][0])
    once = engine.spec("STANDARD", own, None, arguments)
    assert engine.ok("validate", request(once, arguments=arguments))["spec"] == once
    assert engine.ok("validate", request(once))["spec"] == once


@pytest.mark.parametrize("name", TARGETS)
def test_the_target_is_the_operators(engine, name):
    spec = restored(engine, TARGETS[name][0])
    recovery = engine.ok("step", step_input("WAITING_FOR_READY", spec))["apply"][1]["spec"]["bootstrap"]["recovery"]
    assert recovery.get("recoveryTarget") == TARGETS[name][1]


def test_the_spec_holds_what_later_operations_need_and_nothing_else(engine):
    of = dict(BACKUP, destinationPath="s3://bucket/billing", regionKey="REGION", caKey="ca.crt", accessKeyIdKey="A", secretAccessKeyKey="S", store="main")
    spec = restored(engine, {"type": "BACKUP"}, of=of)
    assert spec["source"] == {
        "instance": {"id": "99999999-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "billing"},
        "archive": {"destinationPath": "s3://bucket/billing", "credentialsSecret": "orders-copied", "endpointURL": "https://s3.example.com",
                    "accessKeyIdKey": "A", "secretAccessKeyKey": "S", "regionKey": "REGION", "caKey": "ca.crt"},
        "server": "billing-b1116789", "target": {"type": "BACKUP"}, "backup_id": "20260921T010000"}
    assert "source" not in engine.spec("STANDARD", BACKUP)


@pytest.mark.parametrize("target,field", [
    ({"type": "YESTERDAY"}, "/source/target/type"), ({}, "/source/target/type"), (None, "/source/target/type"),
    ({"type": "TIME"}, "/source/target/value"), ({"type": "TIME", "value": "2026-09-21"}, "/source/target/value"),
    ({"type": "TIME", "value": "2026-09-21T05:00:00.1234567Z"}, "/source/target/value"), ({"type": "TIME", "value": 5}, "/source/target/value"),
    ({"type": "LSN", "value": "16"}, "/source/target/value"), ({"type": "LSN", "value": "16/B374D84812"}, "/source/target/value"),
    ({"type": "LSN", "value": "16/x"}, "/source/target/value"), ({"type": "LSN", "value": "/1"}, "/source/target/value"),
    ({"type": "XID", "value": "0"}, "/source/target/value"), ({"type": "XID", "value": "4294967296"}, "/source/target/value"),
    ({"type": "XID", "value": "-1"}, "/source/target/value"), ({"type": "XID", "value": 7}, "/source/target/value"),
    ({"type": "NAME", "value": ""}, "/source/target/value"), ({"type": "NAME", "value": "a" * 64}, "/source/target/value"),
    ({"type": "NAME", "value": "é" * 32}, "/source/target/value"), ({"type": "NAME", "value": "a\nb"}, "/source/target/value"),
    ({"type": "LATEST", "value": "now"}, "/source/target/value"), ({"type": "BACKUP", "value": "b"}, "/source/target/value")])
def test_bad_targets(engine, target, field):
    arguments = source_of(engine)
    arguments["source"]["target"] = target
    assert refused(engine, arguments) == [field]


@pytest.mark.parametrize("name", ["XID", "NAME", "BACKUP"])
@pytest.mark.parametrize("backup", [None, {"id": "b", "reference": None}])
def test_some_targets_need_a_backup(engine, name, backup):
    answer = engine.call("validate", request(asked("STANDARD"), arguments=source_of(engine, TARGETS[name][0], backup=backup)))
    assert [f["field"] for f in answer["failures"]] == ["/source/backupId"] and "is needed for" in answer["failures"][0]["message"]


@pytest.mark.parametrize("name", ["LATEST", "TIME", "LSN"])
def test_the_others_find_their_own(engine, name):
    assert "backup_id" not in restored(engine, TARGETS[name][0], backup=None)["source"]


def test_a_source_without_backups(engine):
    arguments = source_of(engine)
    arguments["source"]["spec"]["backup"] = None
    assert refused(engine, arguments) == ["/source/instanceId"]


@pytest.mark.parametrize("change", [{"credentials_secret": None}, {"credentials_secret": "No Secret"}, {"instance": {"name": "billing"}}, {"instance": {}}])
def test_a_source_that_the_host_made_wrong(engine, change):
    assert refused(engine, source_of(engine, **change)) == ["/source"]


@pytest.mark.parametrize("source", [5, "billing", [], True])
def test_a_source_that_is_none(engine, source):
    assert refused(engine, {"source": source}) == ["/source"]


def test_a_volume_that_is_too_small(engine):
    answer = engine.call("validate", request(asked("STANDARD", storage="49Gi"), arguments=source_of(engine)))
    assert [(f["field"], f["reason"]) for f in answer["failures"]] == [("/tier", "TierTooSmall")]
    assert "50Gi" in answer["failures"][0]["message"] and "49Gi" in answer["failures"][0]["message"]
    assert engine.spec("ENTERPRISE", None, None, source_of(engine))["storage"] == "500Gi"


LIMITS = {"max_connections": "390", "max_worker_processes": "40", "max_wal_senders": "30", "max_prepared_transactions": "20", "max_locks_per_transaction": "128"}


def test_limits_come_from_the_source_where_nobody_set_them(engine):
    spec = restored(engine, parameters=LIMITS)
    assert {k: spec["parameters"][k] for k in LIMITS} == LIMITS
    # Higher defaults of this instance stay.
    low = restored(engine, parameters={"max_connections": "20", "max_worker_processes": "8"})
    assert low["parameters"] == engine.spec("STANDARD")["parameters"]


def test_limits_of_the_user_stand_if_they_are_high_enough(engine):
    higher = {k: str(int(v) + 1) for k, v in LIMITS.items()}
    spec = engine.spec("STANDARD", None, higher, source_of(engine, parameters=LIMITS))
    assert {k: spec["parameters"][k] for k in LIMITS} == higher


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_below_the_sources(engine, name):
    lower = {name: str(int(LIMITS[name]) - 1)}
    assert refused(engine, source_of(engine, parameters=LIMITS), parameters=lower) == ["/parameters/" + name]


@pytest.mark.parametrize("name,value", [("max_wal_senders", 9), ("max_locks_per_transaction", 63)])
def test_what_the_source_has_not_set_is_the_servers_own(engine, name, value):
    assert refused(engine, source_of(engine), parameters={name: value}) == ["/parameters/" + name]
    assert engine.spec("STANDARD", None, {name: value + 1}, source_of(engine))["parameters"][name] == str(value + 1)
    assert name not in restored(engine)["parameters"]


def test_more_connections_than_the_memory_allows(engine):
    arguments = source_of(engine, parameters={"max_connections": "800"})
    answer = engine.call("validate", request(asked("STANDARD", memory="2Gi"), arguments=arguments))
    assert [f["field"] for f in answer["failures"]] == ["/tier"] and "800" in answer["failures"][0]["message"]


@pytest.mark.parametrize("change", [
    {"target": {"type": "TIME"}}, {"target": {}}, {"server": None}, {"archive": {}}, {"target": {"type": "XID", "value": "7"}}])
def test_a_kept_source_of_another_form(engine, change):
    spec = restored(engine)
    spec["source"].update(change)
    assert engine.refused(spec) == ["/source"]
    assert engine.refused(dict(spec, source=5)) == ["/source"]


def stages(engine, spec):
    return [s["name"] for s in plan(engine, spec)["stages"]]


def test_only_a_restore_has_the_stage(engine):
    plain = stages(engine, engine.spec("STANDARD", BACKUP))
    assert "RESTORE" not in plain
    assert stages(engine, restored(engine)) == plain[:2] + ["RESTORE"] + plain[2:]


def test_the_quota_is_that_of_any_instance(engine):
    assert plan(engine, restored(engine))["quota"] == plan(engine, engine.spec("STANDARD"))["quota"]


@pytest.mark.parametrize("own", [None, BACKUP], ids=["plain", "backup"])
def test_a_restore_walks_to_ready_and_away_again(engine, own):
    spec, toy = restored(engine, TARGETS["TIME"][0], own=own), Toy()
    results = toy.run(engine, plan(engine, spec), spec)
    assert results["RESTORE"]["verdict"]["reason"] == "Restored"
    assert [o["kind"] + " " + o["metadata"]["name"] for o in toy.applies[:3]] == ["NetworkPolicy orders", "ObjectStore orders-source", "Cluster orders"]
    clusters = [o for o in toy.applies if o["kind"] == "Cluster"]
    assert all(c["spec"]["bootstrap"] == {"recovery": {"source": "source", "database": "app", "owner": "app", "recoveryTarget": {"targetTime": TARGETS["TIME"][0]["value"]}}}
               for c in clusters)
    assert all(c["spec"]["externalClusters"] == [{"name": "source", "plugin": {
        "name": "barman-cloud.cloudnative-pg.io", "parameters": {"barmanObjectName": "orders-source", "serverName": "billing-b1116789"}}}] for c in clusters)
    # The archiver comes with the stage of the backups, whatever ObjectStore there was before.
    assert ["plugins" in c["spec"] for c in clusters] == sorted("plugins" in c["spec"] for c in clusters) and "plugins" not in clusters[0]["spec"]
    assert "plugins" not in toy.step(engine, "CRD_DEPLOYMENT", spec)["apply"][1]["spec"] if own is None else "plugins" in clusters[-1]["spec"]
    if own:
        assert toy.cluster()["spec"]["plugins"][0]["parameters"] == {"barmanObjectName": "orders-store", "serverName": "orders-" + INSTANCE["seed"][:8]}
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied


def test_a_repeated_stage_before_the_backups_adds_no_archiver(engine):
    spec, toy = restored(engine, own=BACKUP), Toy()
    toy.step(engine, "CRD_DEPLOYMENT", spec)
    again = toy.step(engine, "CRD_DEPLOYMENT", spec)
    assert (STORE, "orders-source") in toy.applied and "plugins" not in again["apply"][1]["spec"]


def test_the_cluster_stays_the_same_in_later_operations(engine):
    spec, toy = restored(engine, own=BACKUP), Toy()
    toy.run(engine, plan(engine, spec), spec)
    before = json.dumps(toy.cluster(), sort_keys=True)
    for stage in ("CRD_DEPLOYMENT", "BACKUP_CONFIG"):  # a repair
        sent = [o for o in toy.step(engine, stage, spec)["apply"] if o["kind"] == "Cluster"]
        assert [json.dumps(o, sort_keys=True) for o in sent] == [before]


def test_the_sources_archive_is_read_and_nothing_of_it_is_deleted(engine):
    of = dict(BACKUP, destinationPath="s3://bucket/billing", regionKey="REGION", caKey="ca.crt", retentionPolicy="7d")
    toy = Toy()
    toy.SECRETS = dict(Toy.SECRETS, **{"orders-copied": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY", "REGION", "ca.crt"]})
    toy.step(engine, "CRD_DEPLOYMENT", restored(engine, of=of))
    store = toy.applied[(STORE, "orders-source")]["spec"]
    assert "retentionPolicy" not in store
    assert {k: store["configuration"][k] for k in ("destinationPath", "endpointURL", "endpointCA", "s3Credentials")} == {
        "destinationPath": "s3://bucket/billing", "endpointURL": "https://s3.example.com", "endpointCA": {"name": "orders-copied", "key": "ca.crt"},
        "s3Credentials": {"accessKeyId": {"name": "orders-copied", "key": "ACCESS_KEY_ID"}, "secretAccessKey": {"name": "orders-copied", "key": "ACCESS_SECRET_KEY"},
                          "region": {"name": "orders-copied", "key": "REGION"}}}
    assert set(store["instanceSidecarConfiguration"]["resources"]["requests"]) == {"cpu", "memory"}


def test_a_restore_waits_for_the_keys(engine):
    toy, spec = Toy(), restored(engine)
    toy.SECRETS = {"orders-copied": ["ACCESS_KEY_ID"]}
    got = toy.step(engine, "CRD_DEPLOYMENT", spec)
    assert got["verdict"]["waitingFor"] == {"kind": "Secret", "namespace": NAMESPACE, "name": "orders-copied", "reason": "SecretKeyMissing"} and "apply" not in got
    # A repair of what was restored long ago needs no keys.
    assert engine.ok("step", step_input("CRD_DEPLOYMENT", spec, healthy(3)))["verdict"]["state"] == "ready"


def test_a_restore_needs_the_plugin(engine):
    got = engine.ok("step", step_input("CRD_DEPLOYMENT", restored(engine), kinds={STORE: False}))["verdict"]
    assert (got["state"], got["reason"]) == ("blocked", "ObjectStoreCrdMissing")


def job(**status):
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta("orders-1-full-recovery"), "status": status}


def job_pod(**state):
    it = pod(1, ready=False)
    del it["metadata"]["labels"]["cnpg.io/podRole"]
    it["metadata"]["labels"].update({"cnpg.io/jobRole": "full-recovery", "job-name": "orders-1-full-recovery"})
    it["metadata"]["name"] = "orders-1-full-recovery-x7k2p"
    it["status"]["containerStatuses"] = [{"name": "full-recovery", "ready": False, "state": state}]
    return it


def recovering(*more, **status):
    return [cluster(3, "Setting up primary", readyInstances=None, currentPrimary=None, **status)] + list(more)


def at_restore(engine, observed, started=NOW):
    got = engine.ok("step", step_input("RESTORE", restored(engine), observed, started=started))
    assert bool(got.get("apply")) == (not observed)
    return got["verdict"]


def test_a_running_restore_names_its_job(engine):
    got = at_restore(engine, recovering(job(active=1, startTime="2026-09-21T14:00:00Z"), job_pod(running={})))
    assert (got["state"], got["reason"]) == ("progressing", "Restoring")
    assert got["waitingFor"] == {"kind": "Job", "namespace": NAMESPACE, "name": "orders-1-full-recovery", "reason": "JobRunning"}


def test_a_restore_in_trouble_says_what_its_pod_says(engine):
    ended = job_pod(terminated={"exitCode": 1, "reason": "Error", "message": "no target backup found"})
    got = at_restore(engine, recovering(job(active=0, failed=1, startTime="2026-09-21T14:00:00Z"), ended))
    assert (got["state"], got["reason"]) == ("progressing", "Restoring") and "no target backup found" in got["message"]
    assert got["waitingFor"]["name"] == "orders-1-full-recovery-x7k2p"


def test_a_restore_that_cannot_be_fails_with_the_words_of_its_job(engine):
    ended = job_pod(terminated={"exitCode": 1, "reason": "Error", "message": "recovery ended before configured recovery target was reached"})
    failed = job(failed=7, conditions=[condition("Failed", "True", "BackoffLimitExceeded", "too often")])
    seen = [cluster(3, UNRECOVERABLE, phaseReason="Instance creation failed for the following jobs: orders-1-full-recovery.", readyInstances=None, currentPrimary=None)]
    got = at_restore(engine, seen + [failed, ended])
    assert (got["state"], got["reason"]) == ("failed", "RestoreFailed")
    assert "recovery ended before configured recovery target was reached" in got["message"] and "orders-1-full-recovery." in got["message"]
    # The pods may be gone.
    assert "Instance creation failed" in at_restore(engine, seen)["message"]


@pytest.mark.parametrize("seen", [recovering(job(succeeded=1)), [cluster(3, "Creating a new replica", readyInstances=1), pod(1)], healthy(3)],
                         ids=["job done", "primary", "healthy"])
def test_a_restore_is_over_when_the_data_is_there(engine, seen):
    assert at_restore(engine, seen)["state"] == "ready"


def test_another_jobs_end_is_not_the_restores(engine):
    other = job(succeeded=1)
    other["metadata"]["name"] = "orders-2-join"
    assert at_restore(engine, recovering(other))["state"] == "progressing"


@pytest.mark.parametrize("seen,reason", [
    ([], "ClusterMissing"), ([cluster(3, None, readyInstances=None, currentPrimary=None, conditions=None)], "OperatorNotResponding"),
    ([cluster(3, "Invalid cluster definition", currentPrimary=None)], "InvalidClusterDefinition"),
    (recovering(conditions=[condition("cnpg.io/hibernation")]), "Hibernated")])
def test_what_stands_in_the_way_of_any_cluster_stands_in_the_way_of_a_restore(engine, seen, reason):
    assert at_restore(engine, seen, started=NOW - 61000)["reason"] == reason


def test_delete_works_from_any_half_made_restore(engine):
    spec = restored(engine, own=BACKUP)
    for steps in range(0, 14, 2):
        toy = Toy().half_made(engine, spec, steps)
        toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
        assert not toy.applied


def test_a_plain_create_is_not_asked_to_restore(engine):
    got = engine.ok("step", step_input("RESTORE", engine.spec("FREE")))["verdict"]
    assert got["state"] == "skipped"


def test_same_bytes_in_same_bytes_out(engine):
    other, spec = Engine(), restored(engine, TARGETS["XID"][0], own=BACKUP)
    for stage in ("CRD_DEPLOYMENT", "RESTORE", "WAITING_FOR_READY"):
        document = json.dumps(step_input(stage, spec, healthy(TIERS["STANDARD"]["instances"])))
        assert len({e.raw("step", document) for e in (engine, other) for _ in range(2)}) == 1
    other.close()
