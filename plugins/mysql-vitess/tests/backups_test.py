"""Backups: on demand by the verb `backup`, and what observe tells of all that are in the bucket."""
import pytest

from engine_toy import NAMESPACE, NOW, OPERATION, Engine, asked, condition, plan, request, step_input, uid
from vitess_toy import BACKUP, Toy, alias, at_phase, iso, job, pod, vitess_backup

NAME = "orders-2c3d4e5f6a7b"
TABLET = alias("zone1", "-", 2)


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


@pytest.fixture(scope="module")
def spec(engine):
    return engine.spec("STANDARD", BACKUP)


class Shows(Toy):
    """A toy with these Jobs, VitessBackups and pods of Jobs instead of its own."""

    def __init__(self, jobs=(), backups=(), pods=()):
        super().__init__()
        self.shown = list(jobs), list(backups), list(pods)

    def jobs(self):
        return self.shown[0]

    def backups(self):
        return self.shown[1]

    def list(self, kind, selector):
        return self.shown[2] if kind == "Pod" else super().list(kind, selector)


def shows(engine, spec, **what):
    toy = Shows(**what)
    for stage in ("NAMESPACE_CREATION", "CRD_DEPLOYMENT", "BACKUP_CONFIG"):
        toy.step(engine, stage, spec)
    toy.phase = 7
    return toy


def line(uid_of_it="u"):
    return {("batch/v1/Job", NAME): {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": NAME}, "uid": uid_of_it}}


def observe(engine, spec, **what):
    return shows(engine, spec, **what).step(engine, "OBSERVE", spec, "observe")["outputs"]


def test_one_backup_is_made_and_followed_until_it_is_listed(engine, spec):
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    stages = plan(engine, spec, "backup")
    assert [s["name"] for s in stages["stages"]] == ["BACKUP"] and "quota" not in stages
    got = toy.run(engine, stages, spec, "backup")["BACKUP"]
    assert got["verdict"]["reason"] == "BackupCompleted"
    (made,) = [o for o in toy.applies if o["kind"] == "Job"]
    assert made["metadata"]["name"] == NAME
    assert made["metadata"]["ownerReferences"] == [{"apiVersion": "planetscale.com/v2", "kind": "VitessCluster", "name": "orders",
                                                    "uid": uid("VitessCluster", "orders")}]
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["/vt/bin/vtctldclient"] and container["args"][2:] == ["BackupShard", "app/-"]
    assert container["args"][0].startswith("--server=orders-vtctld-") and container["resources"]["requests"]
    newest = got["outputs"]["backups"][0]
    assert newest == {"id": newest["id"], "type": "FULL", "trigger": "REQUEST", "state": "COMPLETED", "started_ms": NOW - 50000,
                      "finished_ms": NOW - 38000, "position": newest["position"], "reference": "2026-09-21.141230"}
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied


def test_a_single_tablet_is_backed_up_though_it_is_the_primary(engine):
    spec = engine.spec("FREE", BACKUP)
    toy = at_phase(engine, spec, 7)
    args = toy.step(engine, "BACKUP", spec, "backup")["apply"][0]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[2:] == ["BackupShard", "--allow-primary", "app/-"]


def test_every_shard_has_a_job(engine):
    spec = engine.spec("STANDARD", BACKUP, {"shards": 2})
    made = at_phase(engine, spec, 7).step(engine, "BACKUP", spec, "backup")["apply"]
    assert [o["metadata"]["name"] for o in made] == [NAME + "-x-80", NAME + "-80-x"]
    assert [o["spec"]["template"]["spec"]["containers"][0]["args"][-1] for o in made] == ["app/-80", "app/80-"]


FAILED = dict(pod("x", "job"), status={"phase": "Failed", "containerStatuses": [
    {"name": "backup", "state": {"terminated": {"exitCode": 1, "message": "NoSuchBucket"}}}]})


@pytest.mark.parametrize("shown,state,reason,words", [
    ({"jobs": [job(NAME, None, None)]}, "progressing", "BackupPending", "has not begun"),
    ({"jobs": [job(NAME, None)]}, "progressing", "BackupRunning", "is being written"),
    ({"jobs": [job(NAME)]}, "progressing", "BackupNotListed", "within a minute"),
    ({"jobs": [job(NAME)], "backups": [vitess_backup(NOW - 50000, TABLET, complete=False)]}, "progressing", "BackupNotListed", ""),
    ({"jobs": [job(NAME)], "backups": [vitess_backup(NOW - 50000)]}, "progressing", "BackupNotListed", ""),
    ({"jobs": [job(NAME)], "backups": [vitess_backup(NOW - 50000, TABLET, engine="builtin")]}, "progressing", "BackupNotListed", ""),
    ({"jobs": [job(NAME)], "backups": [vitess_backup(NOW - 90000, TABLET)]}, "progressing", "BackupNotListed", ""),
    ({"jobs": [job(NAME)], "backups": [vitess_backup(NOW - 50000, TABLET)]}, "ready", "BackupCompleted", ""),
    ({"jobs": [job(NAME, "Failed")], "pods": [FAILED]}, "failed", "BackupFailed", "NoSuchBucket"),
    ({"jobs": [job(NAME, "Failed")]}, "failed", "BackupFailed", "its Job failed"),
], ids=["pending", "running", "unlisted", "incomplete", "vtbackup's", "incremental", "older", "listed", "failed", "failed without words"])
def test_what_a_job_has_come_to(engine, spec, shown, state, reason, words):
    got = shows(engine, spec, **shown).step(engine, "BACKUP", spec, "backup")["verdict"]
    assert (got["state"], got["reason"]) == (state, reason) and words in got["message"]


def test_a_job_that_vanished_is_not_made_again(engine, spec):
    toy = shows(engine, spec)
    for had_uid, state in ((True, "failed"), (False, "progressing")):
        needs = {"Job/" + NAME: None, "VitessBackup?planetscale.com/cluster=orders": {"items": []}}
        it = {"apiVersion": "batch/v1", "kind": "Job", "namespace": NAMESPACE, "name": NAME, **({"uid": "u"} if had_uid else {})}
        got = engine.ok("step", step_input("BACKUP", spec, toy.observed(), [it], "backup", needs=needs))
        assert got["verdict"]["state"] == state and ("apply" in got) != had_uid


def test_all_backups_are_told(engine, spec):
    day = 86400000
    outputs = observe(engine, spec, backups=[
        vitess_backup(NOW - 10000, TABLET, complete=False), vitess_backup(NOW - 3600000, TABLET, engine="builtin"),
        vitess_backup(NOW - 2 * day), vitess_backup(NOW - 3 * day, TABLET), vitess_backup(NOW - 4 * day, complete=False)])
    assert [(b["type"], b["trigger"], b["state"], b.get("reference")) for b in outputs["backups"]] == [
        ("FULL", "REQUEST", "RUNNING", None), ("INCREMENTAL", "SCHEDULE", "COMPLETED", None), ("FULL", "SCHEDULE", "COMPLETED", "2026-09-19.141320"),
        ("FULL", "REQUEST", "COMPLETED", "2026-09-18.141320"), ("FULL", "SCHEDULE", "FAILED", None)]
    ends = [NOW - 3 * day + 12000, NOW - 2 * day + 12000]
    assert outputs["window"] == {"supported": True, "windows": [{"from_ms": e, "to_ms": e} for e in ends], "gaps": [], "latest_ms": ends[-1],
                                 "archiving": "HEALTHY", "last_backup_ms": ends[-1], "confidence": "OBSERVED"}


@pytest.mark.parametrize("begun", [False, True])
def test_a_backup_that_failed_is_told_with_its_words(engine, spec, begun):
    backups = [vitess_backup(NOW - 800000)]
    if begun:
        backups.insert(0, vitess_backup(NOW - 50000, TABLET, complete=False))
    outputs = observe(engine, spec, jobs=[job(NAME, "Failed")], backups=backups, pods=[FAILED])
    newest = outputs["backups"][0]
    assert newest["state"] == "FAILED" and "NoSuchBucket" in newest["error"] and len(outputs["backups"]) == 2
    assert newest["id"] == (backups[0]["metadata"]["name"] if begun else NAME)
    assert "NoSuchBucket" in outputs["window"]["last_backup_error"] and outputs["window"]["last_backup_ms"] == NOW - 788000


def test_the_state_of_the_archive(engine, spec):
    toy = shows(engine, spec, backups=[vitess_backup(NOW - 800000)])
    toy.phase = 6  # no schedule has a next time, and no backup is counted
    window = toy.step(engine, "OBSERVE", spec, "observe")["outputs"]["window"]
    assert window["archiving"] == "FAILING" and window["archive_error"]
    toy.shown[1].clear()
    window = toy.step(engine, "OBSERVE", spec, "observe")["outputs"]["window"]
    assert window["archiving"] == "NOT_STARTED" and window["windows"] == []
    plain = engine.spec("STANDARD")
    assert list(at_phase(engine, plain, 7).step(engine, "OBSERVE", plain, "observe")["outputs"]) == ["endpoints"]


def test_a_sharded_instance_cannot_be_restored(engine):
    spec = engine.spec("STANDARD", BACKUP, {"shards": 2})
    window = observe(engine, spec, backups=[vitess_backup(NOW - 800000, shard="x-80")])["window"]
    assert window["supported"] is False and window["windows"] == []


def test_only_full_backups_are_made_on_demand(engine):
    assert engine.refused(asked("FREE", BACKUP), "backup", {"type": "INCREMENTAL"}) == ["/type"]
    assert engine.ok("validate", request(asked("FREE", BACKUP), "backup", {"type": "FULL", "note": "x"}))
    assert iso(NOW) == "2026-09-21T14:13:20Z" and OPERATION["id"].endswith(NAME[-12:]) and condition("x")
