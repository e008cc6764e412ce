"""Backups: on demand by the verb `backup`, what observe tells of all of them, and the store that they go to."""
import pytest

from cnpg_toy import BACKUP, BACKUPS, SERVER, STORE, Toy, backup, cluster, completed, healthy, pod, store, volume
from engine_toy import INSTANCE, NAMESPACE, NOW, OPERATION, Engine, asked, condition, plan, request, step_input, uid

NAME = "orders-2c3d4e5f6a7b"
PRECONDITION = 3
FIRST, LAST = 1789952412000, 1789995612000  # 2026-09-21T01:00:12Z, 13:00:12Z


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


@pytest.fixture(scope="module")
def spec(engine):
    return engine.spec("STANDARD", BACKUP)


def at_backup(engine, spec, observed, inventory=(), needs=None, started=NOW):
    return engine.ok("step", step_input("BACKUP", spec, observed, inventory, "backup", needs=needs, started=started))


def line(**more):
    return dict({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "namespace": NAMESPACE, "name": NAME}, **more)


def archive(state, message=""):
    return [condition("Ready"), condition("ContinuousArchiving", state, "ContinuousArchivingFailing", message)]


def test_one_backup_is_made_and_followed_to_its_end(engine, spec):
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    stages = plan(engine, spec, "backup")
    assert [s["name"] for s in stages["stages"]] == ["BACKUP"] and "skip" not in stages["stages"][0] and "quota" not in stages
    got = toy.run(engine, stages, spec, "backup")["BACKUP"]
    assert got["verdict"]["reason"] == "BackupCompleted"
    assert [o for o in toy.applies if o["kind"] == "Backup"] == [{
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup",
        "metadata": {"name": NAME, "labels": {"cnpg.io/cluster": "orders"}, "ownerReferences": [
            {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "orders", "uid": uid("Cluster", "orders")}]},
        "spec": {"cluster": {"name": "orders"}, "target": "prefer-standby", "method": "plugin",
                 "pluginConfiguration": {"name": "barman-cloud.cloudnative-pg.io"}}}]
    assert got["outputs"]["backups"] == [{"id": NAME, "type": "FULL", "trigger": "REQUEST", "state": "COMPLETED", "started_ms": NOW - 80000,
                                          "finished_ms": NOW - 68000, "reference": "20260921T141200"}]
    assert got["outputs"]["window"]["last_backup_ms"] == NOW - 68000
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied


def test_its_name_fits_into_a_label_and_follows_from_the_operation(engine, spec):
    document = step_input("BACKUP", spec, healthy(3, archiving=True), verb="backup")
    limit = engine.ok("describe", {})["name_limit"]
    document["instance"] = dict(INSTANCE, name="a" * limit)
    document["observed"][0]["metadata"]["name"] = "a" * limit
    document["operation"] = dict(OPERATION, id=OPERATION["id"].upper())
    name = engine.ok("step", document)["apply"][0]["metadata"]["name"]
    assert name == "a" * limit + "-2c3d4e5f6a7b" and len(name) <= 63


def test_without_backups_there_is_no_plan(engine):
    spec = engine.spec("FREE")
    answer = engine.call("plan", {"schema": 1, "verb": "backup", "operation": OPERATION, "instance": INSTANCE, "spec": spec, "previous": None, "arguments": {}})
    assert [(f["code"], f["reason"]) for f in answer["failures"]] == [(PRECONDITION, "BackupNotConfigured")]
    got = at_backup(engine, spec, healthy(1))
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("failed", "BackupNotConfigured") and "apply" not in got


@pytest.mark.parametrize("phase,reason,why", [
    (None, "BackupRequested", "NoStatus"), ("pending", "BackupPending", "pending"), ("started", "BackupRunning", "started"),
    ("finalizing", "BackupRunning", "finalizing"), ("walArchivingFailing", "BackupRunning", "walArchivingFailing"), ("from the future", "BackupRunning", "from the future")])
def test_a_backup_that_is_not_over_is_named_with_its_phase(engine, spec, phase, reason, why):
    got = at_backup(engine, spec, healthy(3, archiving=True) + [backup(NAME, phase)], [line(uid="u")])
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("progressing", reason)
    assert got["verdict"]["waitingFor"] == {"kind": "Backup", "namespace": NAMESPACE, "name": NAME, "reason": why}
    assert "apply" not in got
    assert got["outputs"]["backups"][0]["state"] == ("RUNNING" if reason == "BackupRunning" else "PENDING")


@pytest.mark.parametrize("phase", ["failed", "invalid backup definition"])
@pytest.mark.parametrize("status,words", [({"error": "no space in the bucket", "commandError": "exit 1"}, ": no space in the bucket"),
                                          ({"commandError": "exit 1"}, ": exit 1"), ({}, "")])
def test_a_failed_backup_fails_with_the_operators_words(engine, spec, phase, status, words):
    got = at_backup(engine, spec, healthy(3, archiving=True) + [backup(NAME, phase, **status)], [line(uid="u")])
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("failed", "BackupFailed")
    assert got["verdict"]["message"] == "the backup %s failed%s" % (NAME, words) and "apply" not in got


def test_a_running_backup_that_cannot_end_says_so(engine, spec):
    seen = healthy(3, archiving=True) + [backup(NAME, "started")]
    seen[0]["status"]["conditions"] = archive("False", "the bucket is gone")
    assert "the bucket is gone" in at_backup(engine, spec, seen, [line(uid="u")])["verdict"]["message"]


def test_a_silent_operator_is_told_since_the_backup_was_asked_for(engine, spec):
    seen = healthy(3, archiving=True)
    old, young = backup(NAME, created="2026-09-21T14:12:00Z"), backup(NAME, created="2026-09-21T14:13:00Z")
    long_ago = NOW - 600000
    got = at_backup(engine, spec, seen + [old], [line(uid="u")], started=long_ago)["verdict"]
    assert (got["state"], got["reason"]) == ("progressing", "OperatorNotResponding") and " for 80 s: " in got["message"]
    assert got["waitingFor"]["kind"] == "Backup"
    assert at_backup(engine, spec, seen + [young], [line(uid="u")], started=long_ago)["verdict"]["reason"] == "BackupRequested"
    assert at_backup(engine, spec, seen + [old], [line(uid="u")], started=NOW - 5000)["verdict"]["reason"] == "BackupRequested"


@pytest.mark.parametrize("change,state,reason,why", [
    ({"conditions": archive("False", "access denied")}, "progressing", "ArchivingFailing", "ArchivingFailing"),
    ({"conditions": [condition("Ready")]}, "progressing", "ArchivingFailing", "ArchivingNotStarted"),
    ({"pluginStatus": []}, "progressing", "WaitingForPlugin", "WaitingForPlugin"),
    ({"conditions": archive("True") + [condition("cnpg.io/hibernation")]}, "blocked", "Hibernated", "Hibernated")])
def test_nothing_is_asked_for_that_cannot_be_made(engine, spec, change, state, reason, why):
    seen = healthy(3, archiving=True)
    seen[0]["status"].update(change)
    got = at_backup(engine, spec, seen)
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == (state, reason) and "apply" not in got
    assert got["verdict"]["waitingFor"] == {"kind": "Cluster", "namespace": NAMESPACE, "name": "orders", "reason": why}
    if state == "progressing" and "conditions" in change and reason == why:
        assert "access denied" in got["verdict"]["message"]


def test_without_a_cluster_there_is_no_backup(engine, spec):
    got = at_backup(engine, spec, [])
    assert got["verdict"]["reason"] == "ClusterMissing" and "apply" not in got


def test_an_instance_that_lacks_a_replica_can_be_backed_up(engine, spec):
    seen = [cluster(3, "Creating a new replica", archiving=True, readyInstances=2), pod(1, sidecar=True), pod(2, sidecar=True), pod(3, ready=False)]
    got = at_backup(engine, spec, seen)
    assert [o["kind"] for o in got["apply"]] == ["Backup"] and got["verdict"]["state"] == "progressing"


def test_a_backup_that_vanished_is_not_made_again(engine, spec):
    seen, there = healthy(3, archiving=True), [line(uid="u")]
    looked_up = at_backup(engine, spec, seen, there)
    assert looked_up["need"] == {"backup": {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "name": NAME}} and "apply" not in looked_up
    got = at_backup(engine, spec, seen, there, {"backup": None})
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("failed", "BackupVanished") and "apply" not in got


def test_a_backup_that_never_came_to_be_is_made(engine, spec):
    got = at_backup(engine, spec, healthy(3, archiving=True), [line()], {"backup": None})
    assert [o["metadata"]["name"] for o in got["apply"]] == [NAME]


def test_a_backup_that_the_caches_do_not_show_yet_is_judged(engine, spec):
    for phase, state, told in (("started", "progressing", "RUNNING"), ("completed", "ready", "COMPLETED")):
        got = at_backup(engine, spec, healthy(3, archiving=True), [line(uid="u")], {"backup": backup(NAME, phase)})
        assert got["verdict"]["state"] == state and "apply" not in got
        assert [(b["id"], b["state"]) for b in got["outputs"]["backups"]] == [(NAME, told)]


def observe(engine, spec, *more, conditions=None):
    seen = healthy(3, archiving=True) + list(more)
    if conditions is not None:
        seen[0]["status"]["conditions"] = conditions
    return engine.ok("step", step_input("OBSERVE", spec, seen, verb="observe"))


TWO = [completed("b-1", "2026-09-21T01:00:00Z", "2026-09-21T01:00:12Z", scheduled=True),
       completed("b-2", "2026-09-21T13:00:00Z", "2026-09-21T13:00:12Z")]
KEPT = store(**{SERVER: {"firstRecoverabilityPoint": "2026-09-21T01:00:12Z"}, "orders_00000000": {"firstRecoverabilityPoint": "2020-01-01T00:00:00Z"}})


def test_observe_tells_all_backups_newest_first(engine, spec):
    others = [backup("b-3", "failed", created="2026-09-21T13:30:00Z", error="no space", reconciliationStartedAt="2026-09-21T13:30:01Z",
                     reconciliationTerminatedAt="2026-09-21T13:30:02Z"),
              backup("b-4", "started", created="2026-09-21T14:00:00Z", reconciliationStartedAt="2026-09-21T14:00:01Z"),
              backup("b-5", "pending", created="2026-09-21T14:01:00Z"), backup("b-6", created="2026-09-21T14:02:00Z"),
              backup("of another", "completed", of="invoices")]
    got = observe(engine, spec, *(TWO + others))["outputs"]["backups"]
    assert [(b["id"], b["trigger"], b["state"]) for b in got] == [
        ("b-6", "REQUEST", "PENDING"), ("b-5", "REQUEST", "PENDING"), ("b-4", "REQUEST", "RUNNING"), ("b-3", "REQUEST", "FAILED"),
        ("b-2", "REQUEST", "COMPLETED"), ("b-1", "SCHEDULE", "COMPLETED")]
    assert got[5] == {"id": "b-1", "type": "FULL", "trigger": "SCHEDULE", "state": "COMPLETED", "started_ms": FIRST - 12000, "finished_ms": FIRST,
                      "position": "0/6000158", "engine_version": "18", "reference": "id-of-b-1"}
    assert got[3] == {"id": "b-3", "type": "FULL", "trigger": "REQUEST", "state": "FAILED", "started_ms": 1789997401000, "finished_ms": 1789997402000, "error": "no space"}
    assert "started_ms" not in got[0] and got[2]["started_ms"] == 1789999201000 and "finished_ms" not in got[2]


def test_the_window_is_what_the_archive_holds(engine, spec):
    got = observe(engine, spec, KEPT, *TWO)["outputs"]["window"]
    assert got == {"supported": True, "windows": [{"from_ms": FIRST, "to_ms": LAST, "open": True}], "gaps": [], "latest_ms": LAST,
                   "archiving": "HEALTHY", "last_backup_ms": LAST, "confidence": "OBSERVED"}


def test_a_failing_archive_closes_the_window_and_degrades(engine, spec):
    got = observe(engine, spec, KEPT, *TWO, conditions=archive("False", "access denied"))
    window = got["outputs"]["window"]
    assert window["windows"] == [{"from_ms": FIRST, "to_ms": LAST}]
    assert (window["archiving"], window["archive_error"]) == ("FAILING", "access denied")
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("progressing", "ArchivingFailing")


def test_an_archive_that_has_not_begun_is_not_called_healthy(engine, spec):
    assert observe(engine, spec, conditions=[condition("Ready")])["outputs"]["window"]["archiving"] == "NOT_STARTED"
    # Without an archiver the operator says that archiving works.
    seen = healthy(3)
    assert engine.ok("step", step_input("OBSERVE", spec, seen, verb="observe"))["outputs"]["window"]["archiving"] == "NOT_STARTED"


def test_a_failed_backup_is_told_and_does_not_degrade(engine, spec):
    failed = backup("b-3", "failed", created="2026-09-21T13:30:00Z", error="no space", reconciliationTerminatedAt="2026-09-21T13:30:02Z")
    got = observe(engine, spec, KEPT, *TWO, failed)
    assert got["verdict"]["state"] == "ready" and got["outputs"]["window"]["last_backup_error"] == "no space"
    assert (got["outputs"]["window"]["latest_ms"], got["outputs"]["window"]["last_backup_ms"]) == (LAST, LAST)
    # An older failure is over.
    again = observe(engine, spec, KEPT, *TWO, backup("b-0", "failed", created="2026-09-20T13:30:00Z", error="no space"))
    assert "last_backup_error" not in again["outputs"]["window"]


@pytest.mark.parametrize("seen", [[], [backup("b-1", "started")], [backup("b-1", "failed", error="x")], [TWO[0]], [store(orders_00000000={"firstRecoverabilityPoint": "2026-09-21T01:00:12Z"})]],
                         ids=["nothing", "running", "failed", "no point yet", "another life"])
def test_without_a_complete_backup_there_is_no_window(engine, spec, seen):
    window = observe(engine, spec, *seen)["outputs"]["window"]
    assert window["windows"] == [] and "latest_ms" not in window


def test_no_more_is_told_than_the_schema_allows(engine, spec):
    many = [backup("b-%03d" % n, "failed", created="2026-09-21T%02d:%02d:00Z" % (n // 60, n % 60), error="ä" * 5000) for n in range(250)]
    got = observe(engine, spec, *many)["outputs"]
    assert [b["id"] for b in got["backups"]] == ["b-%03d" % n for n in range(249, 49, -1)]
    assert got["window"]["last_backup_error"] == "ä" * 512


def test_an_instance_without_backups_tells_nothing_of_them(engine):
    got = engine.ok("step", step_input("OBSERVE", engine.spec("FREE"), healthy(1), verb="observe"))["outputs"]
    assert set(got) == {"endpoints"}


@pytest.mark.parametrize("given,fields", [(None, []), ("FULL", []), ("INCREMENTAL", ["/type"]), (5, ["/type"])])
def test_the_one_type_is_full(engine, spec, given, fields):
    answer = engine.call("validate", request(spec, "backup", {} if given is None else {"type": given, "note": "before the move"}))
    assert [f["field"] for f in answer["failures"]] == fields
    if not fields:
        assert answer["result"]["spec"] == spec


def test_other_verbs_may_have_other_types(engine, spec):
    assert engine.ok("validate", request(spec, "create", {"type": "INCREMENTAL"}))["spec"] == spec


def test_backups_are_watched_and_nobody_misses_one(engine):
    described = engine.ok("describe", {})
    keep = {w["kind"]: w["keep"] for w in described["watches"]}
    assert keep["ObjectStore"] == ["/status/serverRecoveryWindow"]
    assert not {"/status", "/status/pluginMetadata"} & set(keep["Backup"]) and "/status/phase" in keep["Backup"]
    assert BACKUPS in described["applies"] and described["transient"] == [BACKUPS]
    assert STORE in described["crds_optional"], "it is watched where it is served"
    assert described["requires"] == ["patches"] and described["backup"]["types"] == ["FULL"]


OURS = dict(BACKUP, destinationPath="file:///var/lib/slipway/store/acme", store="main", regionKey="REGION", caKey="ca.crt")


def test_the_hosts_store_is_kept_and_used(engine):
    spec = engine.spec("FREE", OURS)
    assert {k: spec["backup"][k] for k in OURS} == OURS
    assert engine.ok("validate", request(spec))["spec"] == spec
    toy = Toy()
    toy.SECRETS = dict(Toy.SECRETS, **{"orders-s3": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY", "REGION", "ca.crt"]})
    toy.run(engine, plan(engine, spec), spec)
    configuration = toy.applied[(STORE, "orders-store")]["spec"]["configuration"]
    assert configuration["destinationPath"] == OURS["destinationPath"]
    assert configuration["endpointCA"] == {"name": "orders-s3", "key": "ca.crt"}
    assert configuration["s3Credentials"]["region"] == {"name": "orders-s3", "key": "REGION"}


def test_a_plain_store_names_no_region_and_no_authority(engine, spec):
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    configuration = toy.applied[(STORE, "orders-store")]["spec"]["configuration"]
    assert "endpointCA" not in configuration and "region" not in configuration["s3Credentials"]


@pytest.mark.parametrize("key", ["REGION", "ca.crt"])
def test_the_secret_must_have_every_key(engine, key):
    toy = Toy()
    toy.SECRETS = {"orders-s3": [k for k in ("ACCESS_KEY_ID", "ACCESS_SECRET_KEY", "REGION", "ca.crt") if k != key]}
    got = toy.step(engine, "BACKUP_CONFIG", engine.spec("FREE", OURS))
    assert got["verdict"]["waitingFor"]["reason"] == "SecretKeyMissing" and key in got["verdict"]["message"]


@pytest.mark.parametrize("member,value", [
    ("store", "Main"), ("store", "a.b"), ("regionKey", "a b"), ("caKey", ""), ("destinationPath", "file:///var/../etc"), ("destinationPath", "file://host/x")])
def test_bad_members_of_a_store(engine, member, value):
    assert engine.refused(asked("FREE", dict(OURS, **{member: value}))) == ["/backup/" + member]


def test_the_region_is_a_key_of_the_secret(engine):
    assert engine.refused(asked("FREE", dict(BACKUP, region="eu-west-1"))) == ["/backup/region"]


def test_volumes_are_no_backups(engine, spec):
    assert observe(engine, spec, volume(9))["outputs"]["backups"] == []
