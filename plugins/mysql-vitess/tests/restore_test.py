"""Restores into a new instance: what is refused, what goes to the operator step by step, and how it ends."""
import json

import pytest

from engine_toy import NOW, Engine, asked, plan, request, step_input
from vitess_toy import BACKUP, CLUSTER, Toy, alias, job, pod, pod_name, source_of, vitess_backup

DIRECTORY = {"destinationPath": "file:///store/acme/one", "credentialsSecret": "orders-s3", "store": "here"}
STAGES = ["NAMESPACE_CREATION", "CRD_DEPLOYMENT", "RESTORE", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP"]
JOB = ("batch/v1/Job", "orders-first-backup")


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


def restored(engine, target=None, tier="STANDARD", own=None, **more):
    return engine.spec(tier, own or BACKUP, None, source_of(engine, target, **more))


def pool(cluster):
    (one,) = cluster["spec"]["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]["tabletPools"]
    return one


def first_pool(engine, spec):
    toy = Toy()
    toy.step(engine, "CRD_DEPLOYMENT", spec)
    return pool(toy.applied[CLUSTER])


@pytest.mark.parametrize("target", [{"type": "LATEST"}, {"type": "BACKUP", "exclusive": True}], ids=["latest", "backup"])
@pytest.mark.parametrize("own,of", [(BACKUP, None), (DIRECTORY, DIRECTORY)], ids=["bucket", "directory"])
def test_normalising_twice_changes_nothing_with_and_without_the_source(engine, target, own, of):
    arguments = source_of(engine, target, of)
    once = engine.spec("STANDARD", own, None, arguments)
    assert engine.ok("validate", request(once, arguments=arguments))["spec"] == once
    assert engine.ok("validate", request(once))["spec"] == once


def test_the_spec_holds_what_later_operations_need_and_nothing_else(engine):
    spec = restored(engine, {"type": "BACKUP"}, of=dict(BACKUP, destinationPath="s3://bucket/billing", region="eu-1", store="main"))
    assert spec["source"] == {
        "instance": {"id": "99999999-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "billing"},
        "archive": {"destinationPath": "s3://bucket/billing", "credentialsSecret": "orders-copied", "credentialsKey": "credentials",
                    "endpointURL": "https://s3.example.com", "region": "eu-1", "store": "main"},
        "folder": "billing-b1116789", "target": {"type": "BACKUP"}, "reference": "2026-09-20.031700"}
    assert "source" not in engine.spec("STANDARD", BACKUP)


@pytest.mark.parametrize("change,own,spec,fields", [
    ({"target": {"type": "TIME", "value": "2026-09-21T05:00:00Z"}}, BACKUP, {}, ["/source/target/type"]),
    ({"target": {"type": "LATEST", "value": "x"}}, BACKUP, {}, ["/source/target/value"]),
    ({"target": {"type": "BACKUP"}, "backup": None}, BACKUP, {}, ["/source/backupId"]),
    ({"target": {"type": "BACKUP"}, "backup": {"id": "b", "reference": ""}}, BACKUP, {}, ["/source/backupId"]),
    ({"parameters": {"shards": 2}}, BACKUP, {}, ["/source/instanceId"]),
    ({}, None, {}, ["/backup"]),
    ({"of": DIRECTORY}, BACKUP, {}, ["/backup"]),
    ({}, BACKUP, {"storage": "40Gi"}, ["/tier"]),
    ({}, BACKUP, {"parameters": {"shards": 4}}, ["/parameters/shards"]),
], ids=["time", "value", "no backup", "incremental", "sharded", "no backups", "other kind of store", "small", "shards"])
def test_what_cannot_be_restored_is_refused(engine, change, own, spec, fields):
    arguments = source_of(engine, **change)
    assert engine.refused(dict(asked("STANDARD", own), **spec), arguments=arguments) == fields


def test_a_restore_walks_through_its_forms(engine):
    spec = restored(engine, {"type": "BACKUP"}, of=dict(BACKUP, destinationPath="s3://bucket/billing", store="main"), own=dict(BACKUP, store="main"))
    stages = plan(engine, spec)
    assert [s["name"] for s in stages["stages"]] == STAGES
    toy = Toy()
    results = toy.run(engine, stages, spec)
    assert results["RESTORE"]["verdict"]["reason"] == "Restored"
    sent = [o for o in toy.applies if o["kind"] == "VitessCluster"]
    forms = [(pool(o)["replicas"], o["spec"]["keyspaces"][0]["durabilityPolicy"],
              {k: v for k, v in pool(o)["vttablet"]["extraFlags"].items() if k != "db_charset"}) for o in sent]
    distinct = [form for n, form in enumerate(forms) if n == 0 or forms[n - 1] != form]
    flags = {"restore-from-backup-ts": "2026-09-20.031700", "s3_backup_storage_root": "billing/billing-b1116789/billing"}
    assert distinct == [(1, "none", flags), (1, "none", {}), (3, "none", {}), (3, "semi_sync", {})]
    first = toy.applied[JOB]["spec"]["template"]["spec"]
    assert first["initContainers"][0]["args"][2:] == ["BackupShard", "--allow-primary", "app/-"]
    assert first["containers"][0]["args"][2:] == ["RemoveBackup", "app/-", "2026-09-21.140000.vtbackup-2093948112"]
    assert sent[-1] == toy.applied[CLUSTER]
    # A repair sends what stands, and does not go back to the source.
    plain = {k: v for k, v in spec.items() if k != "source"}
    toy.step(engine, "CRD_DEPLOYMENT", spec)
    assert toy.applied[CLUSTER]["spec"] == sent[-1]["spec"]
    fresh = Toy()
    fresh.step(engine, "CRD_DEPLOYMENT", plain)
    assert fresh.applied[CLUSTER]["spec"] == sent[-1]["spec"]
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied


def test_a_restored_tablet_of_a_free_instance_is_complete_at_once(engine):
    spec = engine.spec("FREE", BACKUP, None, source_of(engine, spec=dict(engine.spec("FREE", BACKUP))))
    toy = Toy()
    assert toy.run(engine, plan(engine, spec), spec)["METRICS_SETUP" if "pod_monitor" in spec and spec["pod_monitor"] else "BACKUP_CONFIG"]
    assert pool(toy.applied[CLUSTER])["replicas"] == 1


def test_another_bucket_is_read_with_its_own_keys(engine):
    one = first_pool(engine, restored(engine, of=dict(BACKUP, destinationPath="s3://other/x/", region="eu-1", endpointURL="http://minio:9000")))
    assert {k: v for k, v in one["vttablet"]["extraFlags"].items() if k != "db_charset"} == {
        "s3_backup_storage_root": "x/billing-b1116789/billing", "s3_backup_storage_bucket": "other", "s3_backup_aws_region": "eu-1",
        "s3_backup_aws_endpoint": "http://minio:9000", "s3_backup_force_path_style": "true"}
    assert one["extraVolumes"][0]["secret"]["secretName"] == "orders-copied"
    assert one["extraEnv"][-1] == {"name": "AWS_SHARED_CREDENTIALS_FILE", "value": one["extraVolumeMounts"][0]["mountPath"] + "/keys"}


def test_a_directory_is_mounted(engine):
    one = first_pool(engine, restored(engine, of=dict(DIRECTORY, destinationPath="file:///store/acme/two"), own=DIRECTORY))
    assert one["extraVolumes"][0]["hostPath"] == {"path": "/store/acme/two/billing-b1116789"}
    assert one["vttablet"]["extraFlags"]["file_backup_storage_root"] == one["extraVolumeMounts"][0]["mountPath"] + "/billing"


def at_restore(engine, spec, phase=7):
    toy = Toy()
    for stage in ("NAMESPACE_CREATION", "CRD_DEPLOYMENT"):
        toy.step(engine, stage, spec)
    toy.phase = phase
    return toy


def test_no_backup_is_taken_while_the_tablet_reads_the_source(engine):
    spec = restored(engine)
    toy = at_restore(engine, spec)
    got = toy.step(engine, "RESTORE", spec)
    assert "restore-from-backup-ts" not in pool(got["apply"][0])["vttablet"]["extraFlags"] and got["verdict"]["state"] == "progressing"

    old = dict(pod(pod_name(alias("zone1", "-", 1)), "vttablet"), spec={"containers": [
        {"name": "vttablet", "args": ["--s3_backup_storage_root=billing/billing-b1116789/billing"]}]})
    toy.get, fetch = (lambda ref: old if ref["name"] == old["metadata"]["name"] else fetch(ref)), toy.get
    got = toy.step(engine, "RESTORE", spec)
    assert "apply" not in got and got["verdict"]["waitingFor"]["reason"] == "RollingOut"
    toy.get = fetch
    assert toy.step(engine, "RESTORE", spec)["apply"][0]["kind"] == "Job"


def test_the_restore_waits_for_the_tablet_and_says_so(engine):
    spec = restored(engine)
    got = at_restore(engine, spec, 3).step(engine, "RESTORE", spec)["verdict"]
    assert (got["state"], got["reason"]) == ("progressing", "Restoring") and "being restored" in got["message"]
    gone = Toy()
    assert pool(gone.step(engine, "RESTORE", spec)["apply"][0])["replicas"] == 1


def test_a_first_backup_that_fails_fails_the_restore(engine):
    spec = restored(engine)
    toy = at_restore(engine, spec)
    toy.step(engine, "RESTORE", spec)
    toy.step(engine, "RESTORE", spec)
    toy.jobs = lambda: [job("orders-first-backup", "Failed")]
    got = toy.step(engine, "RESTORE", spec)["verdict"]
    assert (got["state"], got["reason"]) == ("failed", "RestoreFailed") and "the data is there" in got["message"]


def test_the_seed_is_waited_for(engine):
    spec = restored(engine)
    toy = at_restore(engine, spec)
    toy.step(engine, "RESTORE", spec)
    toy.backups = lambda: [vitess_backup(NOW - 9000, complete=False)]
    got = toy.step(engine, "RESTORE", spec)
    assert "apply" not in got and got["verdict"]["waitingFor"]["reason"] == "NotListed"


def test_the_source_keys_come_before_the_cluster(engine):
    spec = restored(engine)
    for keys, reason in ((None, "SecretMissing"), ([], "SecretKeyMissing")):
        needs = {"backup_credentials": {"metadata": {}, "keys": ["credentials"]}, "source_credentials": keys if keys is None else {"metadata": {}, "keys": keys}}
        got = engine.ok("step", step_input("CRD_DEPLOYMENT", spec, needs=needs))
        assert got["verdict"]["state"] == "progressing" and "apply" not in got and "orders-copied" in json.dumps(got["verdict"]), reason


def test_a_source_of_another_form_is_refused(engine):
    spec = restored(engine)
    for broken in (dict(spec["source"], folder=None), dict(spec["source"], target={"type": "TIME"}), {"x": 1}):
        assert engine.refused(dict(spec, source=broken)) == ["/source"]
