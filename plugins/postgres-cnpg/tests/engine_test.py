"""What the engine promises: its vectors, its laws, and every failure by its name."""
import collections
import json
import os

import pytest

from cnpg_toy import BACKUP, Toy, cluster, healthy, meta, pod, volume
from engine_toy import (INSTANCE, NONSENSE, NOW, TIERS, Engine, asked, check_durations, check_vector, condition, plan,
                        request, step_input, vectors)

VECTORS = vectors(__file__)


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


@pytest.mark.parametrize("path", VECTORS, ids=[os.path.basename(v)[:-5] for v in VECTORS])
def test_vector(engine, path):
    check_vector(engine, path)


ASKED = [(tier, backup, parameters) for tier in TIERS for backup in (None, BACKUP)
         for parameters in ({}, {"max_connections": 60, "work_mem": "3MB", "autovacuum": True, "random_page_cost": 1.5})]


@pytest.mark.parametrize("tier,backup,parameters", ASKED)
def test_normalising_twice_changes_nothing(engine, tier, backup, parameters):
    once = engine.spec(tier, backup, parameters)
    assert engine.ok("validate", request(once))["spec"] == once
    assert all(isinstance(v, str) for v in once["parameters"].values())


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("backup", [None, BACKUP], ids=["plain", "backup"])
def test_a_tier_walks_to_ready_and_away_again(engine, tier, backup):
    spec = engine.spec(tier, backup)
    toy = Toy()
    first = plan(engine, spec)
    results = toy.run(engine, first, spec)
    assert results["WAITING_FOR_READY"]["verdict"]["state"] == "ready"
    outputs = results["CREDENTIAL_GEN"]["outputs"]
    assert outputs["credentials"]["secret"] == "orders-app"
    roles = [e["role"] for e in outputs["endpoints"]]
    assert roles == (["READ_WRITE", "READ_ONLY"] if TIERS[tier]["instances"] > 1 else ["READ_WRITE"])
    kinds = {kind.split("/")[-1] for kind, _ in toy.applied}
    expected = {"NetworkPolicy", "Cluster"} | ({"ObjectStore", "ScheduledBackup"} if backup else set())
    assert kinds == expected | ({"PodMonitor"} if TIERS[tier]["pod_monitor"] else set())
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied and not toy.observed()


@pytest.mark.parametrize("steps", range(0, 12))
def test_delete_works_from_any_half_made_state(engine, steps):
    spec = engine.spec("STANDARD", BACKUP)
    toy = Toy().half_made(engine, spec, steps)
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied


def test_delete_keeps_the_object_store_until_the_pods_are_gone(engine):
    spec = engine.spec("FREE", BACKUP)
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    for _ in range(40):
        toy.step(engine, "RESOURCE_DELETION", spec, "delete")
        if toy.observed():
            assert ("barmancloud.cnpg.io/v1/ObjectStore", "orders-store") in toy.applied
        toy.move()
    assert not toy.applied


def test_a_volume_that_stays_is_named_with_its_finalizer(engine):
    stuck = volume(1)
    stuck["metadata"].update(deletionTimestamp="2026-11-22T06:00:00Z", finalizers=["kubernetes.io/pvc-protection"])
    got = engine.ok("step", step_input("RESOURCE_DELETION", engine.spec("FREE"), [stuck], verb="delete"))["verdict"]
    assert got["state"] == "progressing"
    assert (got["waitingFor"]["kind"], got["waitingFor"]["name"]) == ("PersistentVolumeClaim", "orders-1")
    assert got["waitingFor"]["reason"] == "Finalizers: kubernetes.io/pvc-protection" and "held by kubernetes.io/pvc-protection" in got["message"]


def test_same_bytes_in_same_bytes_out(engine):
    other = Engine()
    for tier in TIERS:
        spec = engine.spec(tier, BACKUP)
        for stage in ("NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "METRICS_SETUP"):
            document = json.dumps(step_input(stage, spec, healthy(TIERS[tier]["instances"])))
            answers = {e.raw("step", document) for e in (engine, other) for _ in range(2)}
            assert len(answers) == 1
    other.close()


def test_the_cluster_is_sent_the_same_in_every_later_step(engine):
    spec = engine.spec("STANDARD", BACKUP)
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    sent = [json.dumps(o, sort_keys=True) for o in toy.applies if o["kind"] == "Cluster" and "plugins" in o["spec"]]
    assert sent and len(set(sent)) == 1
    again = toy.step(engine, "CRD_DEPLOYMENT", spec)
    assert [json.dumps(o, sort_keys=True) for o in again["apply"]] == sent[:1], "a repeated stage drops the archiver"


def trouble(waiting=None, scheduled=None, terminated=None, job=False):
    it = pod(2, ready=False)
    if job:
        del it["metadata"]["labels"]["cnpg.io/podRole"]
        it["metadata"]["labels"].update({"cnpg.io/jobRole": "join", "job-name": "orders-2-join"})
        it["metadata"]["name"] = "orders-2-join-x7k2p"
    if waiting:
        it["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": waiting, "message": "told by the kubelet"}}
    if terminated:
        it["status"]["phase"] = "Failed"
        it["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": terminated, "reason": "Error"}}
    if scheduled:
        it["status"]["conditions"][0] = condition("PodScheduled", "False", "Unschedulable", scheduled)
    return it


def job(**status):
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta("orders-2-join"), "status": status}


PROGRESS = "Creating a new replica"
FAILURES = {
    "image": ([trouble(waiting="ImagePullBackOff")], "Pod", "orders-2", "ImagePullBackOff"),
    "crash": ([trouble(waiting="CrashLoopBackOff")], "Pod", "orders-2", "CrashLoopBackOff"),
    "config": ([trouble(waiting="CreateContainerConfigError")], "Pod", "orders-2", "CreateContainerConfigError"),
    "cpu": ([trouble(scheduled="0/3 nodes are available: 3 Insufficient cpu.")], "Pod", "orders-2", "Unschedulable"),
    "job image": ([trouble(waiting="ErrImagePull", job=True)], "Pod", "orders-2-join-x7k2p", "ErrImagePull"),
    "job pod": ([trouble(terminated=1, job=True)], "Pod", "orders-2-join-x7k2p", "ContainerFailed"),
    "volume": ([volume(2, "Pending")], "PersistentVolumeClaim", "orders-2", "VolumePending"),
    "lost volume": ([volume(2, "Lost")], "PersistentVolumeClaim", "orders-2", "VolumeLost"),
    "volume of a pod": ([volume(2, "Pending"), trouble(scheduled="pod has unbound immediate PersistentVolumeClaims. not found")],
                        "PersistentVolumeClaim", "orders-2", "VolumePending"),
    "quota": ([job(startTime="2026-01-01T00:00:00Z", ready=0), volume(2, "Pending")], "Job", "orders-2-join", "NoPods"),
    "job": ([job(failed=2, active=1)], "Job", "orders-2-join", "JobFailing"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_never_reaches_the_phase_is_named(engine, name):
    extra, kind, object_name, reason = FAILURES[name]
    seen = [cluster(3, PROGRESS, readyInstances=1), pod(1), volume(1)] + extra
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]
    assert got["state"] == "progressing"
    assert got["waitingFor"] == {"kind": kind, "namespace": "acme-orders", "name": object_name, "reason": reason}


def test_a_job_that_has_its_pod_is_not_in_trouble(engine):
    started = job(startTime="2026-01-01T00:00:00Z", active=1)
    seen = [cluster(3, PROGRESS, readyInstances=1), pod(1), volume(1), started]
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]
    assert got["waitingFor"]["reason"] == "JobRunning"


def test_a_missing_volume_tells_its_storage_class(engine):
    seen = [cluster(3, PROGRESS, readyInstances=1), {**volume(2, "Pending"), "spec": {"storageClassName": "fast"}}]
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]
    assert "storage class fast" in got["message"]


def test_insufficient_cpu_is_told(engine):
    seen = [cluster(3, PROGRESS), trouble(scheduled="3 Insufficient cpu.")]
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]
    assert "Insufficient cpu" in got["message"]


PHASES = {
    "Cluster is unrecoverable and needs manual intervention": "failed",
    "Invalid cluster definition": "blocked",
    "Cluster has incomplete or invalid image catalog": "blocked",
    "Waiting for user action": "blocked",
    "Not enough disk space": "blocked",
    "Unable to create required cluster objects": "progressing",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required": "progressing",
    "Instance Status Extraction Error: HTTP communication issue": "progressing",
    "Setting up primary": "progressing",
    "A phase of the year 2031": "progressing",
}


@pytest.mark.parametrize("phase", PHASES)
def test_phases(engine, phase):
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), [cluster(3, phase, readyInstances=0)]))
    assert got["verdict"]["state"] == PHASES[phase]
    assert got["verdict"]["waitingFor"]["kind"] == "Cluster"


def test_a_silent_operator_is_named_after_a_minute(engine):
    document = step_input("WAITING_FOR_READY", engine.spec("FREE"), [cluster(1, None, readyInstances=None)])
    assert engine.ok("step", document, NOW + 59000)["verdict"]["reason"] != "OperatorNotResponding"
    assert engine.ok("step", document, NOW + 61000)["verdict"]["reason"] == "OperatorNotResponding"


def test_an_unknown_start_is_no_duration(engine):
    check_durations(engine, engine.spec("FREE"), [cluster(1, None, readyInstances=None)])


def unready(**change):
    out = healthy(3)
    out[0]["status"].update(change)
    return out


LIES = {
    "a replica is gone": [o for o in healthy(3) if o["metadata"]["name"] != "orders-3"],
    "a pod is terminating": healthy(3)[:1] + [dict(p, metadata=dict(p["metadata"], deletionTimestamp="2026-11-22T06:00:00Z"))
                                              for p in healthy(3)[1:]],
    "a pod is not ready": [o if o["kind"] != "Pod" or o["metadata"]["name"] != "orders-2" else pod(2, ready=False)
                           for o in healthy(3)],
    "status counts fewer": unready(readyInstances=2),
    "the primary moves": unready(targetPrimary="orders-2"),
    "no primary": unready(currentPrimary="", targetPrimary=""),
    "hibernated": unready(conditions=[condition("Ready"), condition("cnpg.io/hibernation")]),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_phase_alone_is_not_believed(engine, lie):
    spec = engine.spec("STANDARD")
    for verb, stage in (("create", "WAITING_FOR_READY"), ("observe", "OBSERVE")):
        assert engine.ok("step", step_input(stage, spec, LIES[lie], verb=verb))["verdict"]["state"] != "ready"


def test_fenced_instances_are_not_ready(engine):
    seen = healthy(3)
    seen[0]["metadata"]["annotations"] = {"cnpg.io/fencedInstances": '["orders-2"]'}
    assert engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]["state"] != "ready"


def test_observe_says_healthy_and_where(engine):
    got = engine.ok("step", step_input("OBSERVE", engine.spec("STANDARD"), healthy(3), verb="observe"))
    assert got["verdict"]["state"] == "ready"
    assert [e["service"] for e in got["outputs"]["endpoints"]] == ["orders-rw", "orders-ro"]


def test_a_finished_instance_that_does_not_archive_is_degraded(engine):
    seen = healthy(1, archiving=True)
    seen[0]["status"]["conditions"] = [condition("ContinuousArchiving", "False", "ContinuousArchivingFailing",
                                                 "Expected empty archive")]
    got = engine.ok("step", step_input("OBSERVE", engine.spec("FREE", BACKUP), seen, verb="observe"))["verdict"]
    assert got["state"] == "progressing" and "Expected empty archive" in got["message"]


def test_backup_waits_for_the_sidecar_of_every_pod(engine):
    seen = healthy(3, archiving=True)
    seen[3] = pod(3, sidecar=False)
    needs = {"backup_credentials": {"metadata": {}, "keys": ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY"]}}
    document = step_input("BACKUP_CONFIG", engine.spec("STANDARD", BACKUP), seen, needs=needs)
    assert engine.ok("step", document)["verdict"]["state"] == "progressing"


def test_backup_without_its_secret_names_the_secret(engine):
    toy = Toy()
    toy.SECRETS = {}
    got = toy.step(engine, "BACKUP_CONFIG", engine.spec("FREE", BACKUP))
    assert got["verdict"]["waitingFor"] == {"kind": "Secret", "namespace": "acme-orders", "name": "orders-s3",
                                            "reason": "SecretNotFound"}


def test_missing_kinds_block_or_skip(engine):
    spec = engine.spec("STANDARD", BACKUP)
    none = {"barmancloud.cnpg.io/v1/ObjectStore": False, "monitoring.coreos.com/v1/PodMonitor": False}
    assert engine.ok("step", step_input("BACKUP_CONFIG", spec, kinds=none))["verdict"]["state"] == "blocked"
    got = engine.ok("step", step_input("METRICS_SETUP", spec, kinds=none))["verdict"]
    assert (got["state"], got["reason"]) == ("skipped", "PodMonitorCrdMissing")


def test_the_archive_of_a_new_life_is_a_new_folder(engine):
    spec = engine.spec("FREE", BACKUP)
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    assert toy.cluster()["spec"]["plugins"][0]["parameters"]["serverName"] == "orders-" + INSTANCE["seed"][:8]


BAD_PARAMETERS = {
    "archive_command": "rm", "fsync": "off", "no_such_parameter": 1, "max_connections": 5, "work_mem": "64",
    "shared_buffers": "1Gi", "statement_timeout": "5 parsecs", "autovacuum": "perhaps", "wal_compression": "rar",
    "maintenance_work_mem": {}, "random_page_cost": "cheap",
}


def test_every_bad_parameter_is_reported_at_its_place(engine):
    spec = asked("STANDARD", None, BAD_PARAMETERS)
    answer = engine.call("validate", request(spec))
    assert answer["code"] == 1
    assert {f["field"] for f in answer["failures"]} == {"/parameters/" + name for name in BAD_PARAMETERS}
    assert answer["result"] is None


@pytest.mark.parametrize("name,value,other", [
    ("shared_buffers", "8GB", {}), ("shared_buffers", "3GB", {}), ("work_mem", "3GB", {}),
    ("max_connections", 2000, {}), ("max_wal_size", "40GB", {}), ("min_wal_size", "2GB", {"max_wal_size": "1GB"})])
def test_parameters_must_fit_the_instance(engine, name, value, other):
    spec = asked("STANDARD", None, {name: value, **other})
    assert [f["field"] for f in engine.call("validate", request(spec))["failures"]] == ["/parameters/" + name]


@pytest.mark.parametrize("parameters", [{"min_wal_size": "600MB"}, {"max_wal_size": "128MB"}, {"max_connections": 100}])
def test_defaults_make_room_for_what_was_asked(engine, parameters):
    spec = engine.spec("FREE", None, parameters)
    got = engine.ok("step", step_input("CRD_DEPLOYMENT", spec))["apply"][0]["spec"]["postgresql"]["parameters"]
    megabytes = {k: int(v[:-2]) * {"kB": 1 / 1024, "MB": 1, "GB": 1024}[v[-2:]] for k, v in got.items()
                 if k in ("min_wal_size", "max_wal_size")}
    assert megabytes["min_wal_size"] < megabytes["max_wal_size"]


@pytest.mark.parametrize("schedule,says", [
    ("0 1 * * *", "six"), ("0 0 25 * * *", ""), ("0 0 1 * * MONDAY", ""), ("* * *", "six"), ("", ""),
    ("0 0 1 * *  *", ""), ("@sometimes", "")])
def test_schedules_that_are_refused(engine, schedule, says):
    backup = dict(BACKUP, schedule=schedule)
    answer = engine.call("validate", request(asked("FREE", backup)))
    assert [f["field"] for f in answer["failures"]] == ["/backup/schedule"]
    assert says in answer["failures"][0]["message"]


def test_two_hundred_instances_do_not_begin_their_backups_at_once(engine):
    def schedule(number):
        return engine.spec("FREE", dict(BACKUP, destinationPath=f"s3://bucket/acme/ins_{number}"))["backup"]["schedule"]
    found = [schedule(number).split() for number in range(200)]
    assert found[7] == schedule(7).split(), "an instance keeps its time"
    assert all(0 <= int(second) < 60 and 0 <= int(minute) < 60 and 1 <= int(hour) < 5 and rest == ["*"] * 3 for second, minute, hour, *rest in found)
    minutes = collections.Counter((hour, minute) for _, minute, hour, *_ in found)
    assert max(minutes.values()) <= 6, minutes.most_common(3)


@pytest.mark.parametrize("schedule", ["0 0 1 * * *", "0 */15 8-18 * JAN,feb MON-FRI", "30 5 0 1 1 ?", "@daily"])
def test_schedules_that_are_taken(engine, schedule):
    assert engine.spec("FREE", dict(BACKUP, schedule=schedule))["backup"]["schedule"] == schedule


@pytest.mark.parametrize("change,field", [
    ({"destinationPath": "/tmp"}, "/backup/destinationPath"), ({"destinationPath": None}, "/backup/destinationPath"),
    ({"credentialsSecret": "No Secret"}, "/backup/credentialsSecret"), ({"endpointURL": "ftp://x"}, "/backup/endpointURL"),
    ({"retentionPolicy": "30 days"}, "/backup/retentionPolicy"), ({"colour": "blue"}, "/backup/colour"),
    ({"schedule": 5}, "/backup/schedule")])
def test_bad_backups(engine, change, field):
    backup = {k: v for k, v in {**BACKUP, **change}.items() if v is not None}
    answer = engine.call("validate", request(asked("FREE", backup)))
    assert [f["field"] for f in answer["failures"]] == [field]


@pytest.mark.parametrize("change", [{"instances": 0}, {"instances": "3"}, {"memory": "much"}, {"cpu": "-1"}, {"storage": "1Mi"}])
def test_bad_sizes(engine, change):
    answer = engine.call("validate", request(asked("FREE", **change)))
    assert "/" + next(iter(change)) in [f["field"] for f in answer["failures"]]


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("function", ["validate", "plan", "step"])
def test_nonsense_is_refused_and_never_a_bug_of_ours(engine, function, text):
    assert engine.call(function, text)["code"] in (1, 2)


def test_unknown_members_are_ignored(engine):
    spec = engine.spec("STANDARD")
    document = step_input("WAITING_FOR_READY", spec, healthy(3))
    plain = engine.raw("step", document)
    document["from_the_future"] = {"x": [1]}
    document["observed"][0]["status"]["novelty"] = True
    assert engine.raw("step", document) == plain


def test_the_quota_has_room_for_a_job_and_the_sidecars(engine):
    quota = plan(engine, engine.spec("STANDARD"))["quota"]
    assert int(quota["pods"]) >= 4 and quota["requests.storage"] in ("200Gi", str(200 << 30))
    toy = Toy()
    spec = engine.spec("STANDARD", BACKUP)
    toy.run(engine, plan(engine, spec), spec)
    store = toy.applied[("barmancloud.cnpg.io/v1/ObjectStore", "orders-store")]["spec"]
    # Under a quota of requests.cpu a container without requests is refused.
    resources = store["instanceSidecarConfiguration"]["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    # It runs a program for each piece of the log: held to its request, it restores one in half a minute.
    assert resources["limits"]["memory"] == resources["requests"]["memory"] and (resources["requests"]["cpu"], resources["limits"]["cpu"]) == ("100m", "1")


def test_everything_applied_is_declared(engine):
    applies = set(engine.ok("describe", {})["applies"])
    toy = Toy()
    spec = engine.spec("ENTERPRISE", BACKUP)
    toy.run(engine, plan(engine, spec), spec)
    assert {kind for kind, _ in toy.applied} <= applies
    limit = engine.ok("describe", {})["name_limit"]
    longest = max(len(name) for (kind, name) in toy.applied if kind.endswith("ScheduledBackup")) - len("orders")
    assert limit + longest + 15 <= 63


def test_the_network_policy_lets_in_clients_metrics_and_only_the_operator_and_peers_at_the_status_port(engine):
    rules = engine.ok("step", step_input("NAMESPACE_CREATION", engine.spec("FREE")))["apply"][0]["spec"]
    assert rules["policyTypes"] == ["Ingress"]
    by_port = {p["port"]: [] for r in rules["ingress"] for p in r["ports"]}
    for rule in rules["ingress"]:
        for port in rule["ports"]:
            by_port[port["port"]] += rule.get("from", [{}])
    assert set(by_port) == {5432, 8000, 9187}
    assert all("podSelector" in peer for peer in by_port[8000]) and by_port[8000]


@pytest.mark.parametrize("name", ["a" * 42, "1orders"])
def test_names_that_services_cannot_have(engine, name):
    document = request(engine.spec("FREE"))
    document["instance"]["name"] = name
    assert [f["field"] for f in engine.call("validate", document)["failures"]] == ["/name"]


def test_settings(engine):
    assert Engine("[]").process.wait(timeout=10) == 1
    assert Engine('{"colour":"blue"}').process.wait(timeout=10) == 1
    assert Engine('{"image":1}').process.wait(timeout=10) == 1
    plain = engine.ok("step", step_input("CRD_DEPLOYMENT", engine.spec("FREE")))["apply"][0]["spec"]
    assert "imageName" not in plain and "storageClass" not in plain["storage"]
    told = Engine('{"image":"registry.example/postgresql:15","storage_class":"fast"}')
    spec = told.ok("step", step_input("CRD_DEPLOYMENT", told.spec("FREE")))["apply"][0]["spec"]
    told.close()
    assert (spec["imageName"], spec["storage"]["storageClass"]) == ("registry.example/postgresql:15", "fast")
