"""What the engine promises: its vectors, its laws, and every failure by its name."""
import json
import os

import pytest

from engine_toy import (INSTANCE, NAMESPACE, NONSENSE, NOW, TIERS, Engine, asked, check_durations, check_vector,
                        condition, plan, request, step_input, vectors)
from vitess_toy import (API, BACKUP, CLUSTER, ETCD, FIRST_BACKUP, KEYSPACE, STORAGE, SUBCONTROLLER, VTGATE, Toy, alias,
                        at_phase, joined, pod, pod_name, shard_name, volume)

VECTORS = vectors(__file__)


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


@pytest.mark.parametrize("path", VECTORS, ids=[os.path.basename(v)[:-5] for v in VECTORS])
def test_vector(engine, path):
    check_vector(engine, path)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("backup", [None, BACKUP], ids=["plain", "backup"])
@pytest.mark.parametrize("parameters", [{}, {"shards": 4, "max_connections": 500, "innodb_buffer_pool_size": "128M",
                                             "innodb_adaptive_hash_index": False, "long_query_time": 0.5}])
def test_normalising_twice_changes_nothing(engine, tier, backup, parameters):
    once = engine.spec(tier, backup, parameters)
    assert engine.ok("validate", request(once))["spec"] == once


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("backup", [None, BACKUP], ids=["plain", "backup"])
@pytest.mark.parametrize("shards,cells", [(1, ["zone1"]), (2, ["a", "b"])])
def test_a_tier_walks_to_ready_and_away_again(engine, tier, backup, shards, cells):
    cells = cells[:TIERS[tier]["instances"]]
    spec = engine.spec(tier, backup, {"shards": shards, "cells": cells})
    toy = Toy()
    results = toy.run(engine, plan(engine, spec), spec)
    assert results["WAITING_FOR_READY"]["verdict"]["state"] == "ready"
    outputs = results["CREDENTIAL_GEN"]["outputs"]
    assert outputs["credentials"]["secret"] == "orders-credentials"
    assert outputs["endpoints"] == [{"name": "primary", "role": "READ_WRITE", "service": VTGATE, "port": 3306}]
    kinds = {kind.split("/")[-1] for kind, _ in toy.applied}
    expected = {"NetworkPolicy", "VitessCluster", "Secret", "LimitRange"}
    expected |= {"VitessBackupSchedule", "ServiceAccount", "Role", "RoleBinding"} if backup else set()
    expected |= {"PodDisruptionBudget"} if TIERS[tier]["instances"] > 1 else set()
    assert kinds == expected | ({"PodMonitor"} if TIERS[tier]["pod_monitor"] else set())
    assert {kind for kind, _ in toy.applied} <= set(engine.ok("describe", {})["applies"])
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied and not toy.observed() and not toy.volumes()


@pytest.mark.parametrize("steps", range(0, 20, 2))
def test_delete_works_from_any_half_made_state(engine, steps):
    spec = engine.spec("STANDARD", BACKUP)
    toy = Toy().half_made(engine, spec, steps)
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    assert not toy.applied


def test_delete_keeps_secrets_and_fences_until_pods_and_volumes_are_gone(engine):
    spec = engine.spec("STANDARD", BACKUP)
    toy = at_phase(engine, spec, 7)
    order = []
    for _ in range(40):
        before = set(toy.applied)
        toy.step(engine, "RESOURCE_DELETION", spec, "delete")
        gone = before - set(toy.applied)
        order += sorted({kind.split("/")[-1] for kind, _ in gone})
        if toy.pods() or toy.volumes():
            assert ("v1/Secret", "orders-users") in toy.applied
            assert ("networking.k8s.io/v1/NetworkPolicy", "orders-internal") in toy.applied
        toy.move()
    assert not toy.applied
    assert order[:2] == ["VitessBackupSchedule", "VitessCluster"] and order[-1] == "Secret"


def test_a_volume_that_stays_is_named_with_its_finalizer(engine):
    name = pod_name(alias("zone1", "-", 1))
    stuck = volume(name)
    stuck["metadata"].update(deletionTimestamp="2026-11-22T06:00:00Z", finalizers=["kubernetes.io/pvc-protection"])
    spec = engine.spec("FREE")
    first = engine.ok("step", step_input("RESOURCE_DELETION", spec, verb="delete"))
    assert len(first["need"]) == 4  # three of etcd and one tablet's
    needs = {key: stuck if ref["name"] == name else None for key, ref in first["need"].items()}
    got = engine.ok("step", step_input("RESOURCE_DELETION", spec, verb="delete", needs=needs))["verdict"]
    assert (got["waitingFor"]["kind"], got["waitingFor"]["name"]) == ("PersistentVolumeClaim", name)
    assert got["waitingFor"]["reason"] == "Finalizers: kubernetes.io/pvc-protection" and "held by kubernetes.io/pvc-protection" in got["message"]


def test_the_largest_cluster_asks_for_no_more_than_the_host_fetches(engine):
    asks = dict(asked("ENTERPRISE", BACKUP, {"shards": 16}), instances=15)
    spec = engine.ok("validate", request(asks))["spec"]
    # `ok` holds the answer against the schema's limits. Three volumes of etcd, and one for each tablet.
    assert len(engine.ok("step", step_input("RESOURCE_DELETION", spec, verb="delete"))["need"]) == 3 + 15 * 16
    toy = at_phase(engine, spec, 2)
    assert toy.step(engine, "WAITING_FOR_READY", spec)["verdict"]["state"] == "progressing"


def test_same_bytes_in_same_bytes_out(engine):
    other = Engine()
    for tier in TIERS:
        spec = engine.spec(tier, BACKUP)
        toy = at_phase(engine, spec, 7)
        for stage in ("NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "BACKUP_CONFIG", "METRICS_SETUP"):
            document = json.dumps(step_input(stage, spec, toy.observed(), toy.inventory()))
            assert len({e.raw("step", document) for e in (engine, other) for _ in range(2)}) == 1
    other.close()


def test_the_cluster_is_sent_the_same_every_time(engine):
    spec = engine.spec("STANDARD", BACKUP)
    toy = Toy()
    toy.run(engine, plan(engine, spec), spec)
    toy.step(engine, "CRD_DEPLOYMENT", spec)
    sent = [json.dumps(o) for o in toy.applies if o["kind"] == "VitessCluster"]
    assert len(sent) > 1 and len(set(sent)) == 1


def cluster_of(engine, tier, backup=None, parameters=None, settings=None):
    one = Engine(json.dumps(settings)) if settings else engine
    toy = Toy()
    toy.step(one, "CRD_DEPLOYMENT", one.spec(tier, backup, parameters))
    return toy.applied[CLUSTER]["spec"]


def pools(spec):
    return spec["keyspaces"][0]["partitionings"][0]["equal"]["shardTemplate"]["tabletPools"]


def test_what_a_tier_means(engine):
    free, enterprise = cluster_of(engine, "FREE"), cluster_of(engine, "ENTERPRISE", None, {"cells": ["a", "b"]})
    assert free["keyspaces"][0]["durabilityPolicy"] == "none" and enterprise["keyspaces"][0]["durabilityPolicy"] == "semi_sync"
    assert [p["replicas"] for p in pools(free)] == [1] and [p["replicas"] for p in pools(enterprise)] == [3, 2]
    assert free["cells"][0]["gateway"]["extraFlags"]["tablet_types_to_wait"] == "PRIMARY"
    assert [c["gateway"]["replicas"] for c in enterprise["cells"]] == [2, 2]
    assert pools(free)[0]["mysqld"]["resources"]["limits"]["memory"] == "1Gi"
    assert "innodb_buffer_pool_size = 128M\n" in pools(free)[0]["mysqld"]["configOverrides"]
    assert "innodb_buffer_pool_size = 9728M\n" in pools(enterprise)[0]["mysqld"]["configOverrides"]
    assert "topologySpreadConstraints" in pools(enterprise)[0] and "topologySpreadConstraints" not in pools(free)[0]
    assert enterprise["updateStrategy"] == {"type": "Immediate"}
    ours = {"slipway.dev/instance": INSTANCE["id"]}
    parts = [free["globalLockserver"]["etcd"], free["vitessDashboard"], free["cells"][0]["gateway"],
             free["keyspaces"][0]["vitessOrchestrator"], pools(free)[0]]
    assert all(part["extraLabels"] == ours for part in parts)


def test_the_folder_of_a_new_life_is_a_new_one(engine):
    location = cluster_of(engine, "FREE", BACKUP)["backup"]["locations"][0]["s3"]
    assert location["bucket"] == "bucket" and location["keyPrefix"] == "acme/orders-" + INSTANCE["seed"][:8]
    assert location["endpoint"] == "https://s3.example.com" and location["forcePathStyle"] is True


def test_secrets(engine):
    toy = Toy()
    toy.step(engine, "CRD_DEPLOYMENT", engine.spec("FREE"))
    shown = toy.applied[("v1/Secret", "orders-credentials")]["stringData"]
    assert shown == {"username": "app", "database": "app",
                     "password": {"$generate": {"kind": "password", "name": "app", "length": 32}}}
    users = toy.applied[("v1/Secret", "orders-users")]["stringData"]["users.json"]["$generate"]
    assert users["kind"] == "text"
    assert json.loads(users["text"]) == {"app": [{"MysqlNativePassword": "${app|mysql_native_password}", "UserData": "app"}]}
    script = toy.applied[("v1/Secret", "orders-init")]["stringData"]["init_db.sql"]
    for user in ("vt_dba", "vt_app", "vt_appdebug", "vt_allprivs", "vt_repl", "vt_filtered", "vt_monitoring"):
        assert "CREATE USER '%s'@" % user in script
    assert script.strip().splitlines()[-1].startswith("SET GLOBAL super_read_only")


def test_the_backup_secret_comes_before_the_cluster(engine):
    toy = Toy()
    toy.SECRETS = {}
    got = toy.step(engine, "CRD_DEPLOYMENT", engine.spec("FREE", BACKUP))
    assert got["verdict"]["waitingFor"] == {"kind": "Secret", "namespace": NAMESPACE, "name": "orders-s3",
                                            "reason": "SecretNotFound"}
    assert not toy.applied


def waiting(toy, engine, spec, stage="WAITING_FOR_READY", verb="create", late=0, **replaced):
    """The verdict with what the toy shows; `replaced`: needs by "Kind_name", pods by a list."""
    observed = toy.observed()
    for one in replaced.pop("observed", []):
        observed = [o for o in observed if o["metadata"]["name"] != one["metadata"]["name"] or o["kind"] != one["kind"]]
        observed.append(one)
    without = replaced.pop("without", ())
    observed = [o for o in observed if o["metadata"]["name"] not in without]
    needs, given = {}, replaced.pop("needs", {})
    for _ in range(5):
        got = engine.ok("step", step_input(stage, spec, observed, toy.inventory(), verb, None, needs), NOW + late)
        fresh = {k: ref for k, ref in got.get("need", {}).items() if k not in needs}
        if not fresh:
            return got["verdict"]
        for key, ref in fresh.items():
            needs[key] = given[ref["name"]] if ref.get("name") in given else toy.fetch(ref)
    raise AssertionError("needs without end")


def stuck(name, component="vttablet", **state):
    it = pod(name, component, ready=False)
    it["status"]["containerStatuses"][0]["state"] = state
    return it


A = alias("zone1", "-", 1)
B = alias("zone1", "-", 2)


def shard(toy, **change):
    it = toy.shard("-")
    it["status"].update(change)
    return {shard_name(): it}


def tablet(toy, which, **change):
    it = toy.shard("-")
    it["status"]["tablets"][which].update(change)
    return {shard_name(): it}


def restarted(name):
    it = pod(name, "vtbackup", ready=False)
    it["status"]["containerStatuses"][0]["restartCount"] = 4
    return it


def unscheduled(name):
    it = pod(name, "vttablet", ready=False)
    it["status"]["conditions"][0] = condition("PodScheduled", "False", "Unschedulable", "3 Insufficient cpu.")
    return it


LATE = 120000
FAILURES = {
    "etcd": (1, lambda t: {}, "EtcdLockserver", ETCD, "EtcdNotAvailable"),
    "etcd image": (1, lambda t: {"observed": [stuck(ETCD + "-1", "etcd", waiting={"reason": "ImagePullBackOff"})]},
                   "Pod", ETCD + "-1", "ImagePullBackOff"),
    "etcd volume": (1, lambda t: {"needs": {ETCD + "-2": volume(ETCD + "-2", "Pending")}},
                    "PersistentVolumeClaim", ETCD + "-2", "VolumePending"),
    "priority class": (1, lambda t: {"without": [ETCD + "-1"], "needs": {"vitess": None}, "late": LATE},
                       "PriorityClass", "vitess", "NotFound"),
    "etcd quota": (1, lambda t: {"without": [ETCD + "-1"], "late": LATE}, "EtcdLockserver", ETCD, "PodsNotCreated"),
    "tablet quota": (3, lambda t: {"without": [pod_name(A)], "late": LATE, "needs": {FIRST_BACKUP: None}},
                     "VitessShard", shard_name(), "PodsNotCreated"),
    "tablet crash": (3, lambda t: {"observed": [stuck(pod_name(B), waiting={"reason": "CrashLoopBackOff"})]},
                     "Pod", pod_name(B), "CrashLoopBackOff"),
    "tablet secret": (3, lambda t: {"observed": [stuck(pod_name(B), waiting={"reason": "CreateContainerConfigError"})]},
                      "Pod", pod_name(B), "CreateContainerConfigError"),
    "tablet cpu": (3, lambda t: {"observed": [unscheduled(pod_name(A))]}, "Pod", pod_name(A), "Unschedulable"),
    "tablet volume": (3, lambda t: {"needs": {**tablet(t, A, dataVolumeBound="False"), FIRST_BACKUP: None,
                                              pod_name(A): volume(pod_name(A), "Pending")}},
                      "PersistentVolumeClaim", pod_name(A), "VolumePending"),
    "lost volume": (7, lambda t: {"needs": {**tablet(t, B, dataVolumeBound="False"), pod_name(B): volume(pod_name(B), "Lost")}},
                    "PersistentVolumeClaim", pod_name(B), "VolumeLost"),
    "first backup": (3, lambda t: {"needs": {FIRST_BACKUP: restarted(FIRST_BACKUP)}}, "Pod", FIRST_BACKUP, "InitialBackupFailing"),
    "first backup image": (3, lambda t: {"needs": {FIRST_BACKUP: stuck(FIRST_BACKUP, waiting={"reason": "ErrImagePull"})}},
                           "Pod", FIRST_BACKUP, "ErrImagePull"),
    "first backup runs": (3, lambda t: {}, "Pod", FIRST_BACKUP, "InitialBackupRunning"),
    "restoring": (3, lambda t: {"needs": {FIRST_BACKUP: None}}, "Pod", pod_name(A), "Restoring"),
    "no primary": (4, lambda t: {}, "VitessShard", shard_name(), "NoPrimary"),
    "primary lost": (7, lambda t: {"needs": shard(t, hasMaster="False", masterAlias="")}, "VitessShard", shard_name(), "NoPrimary"),
    "primary down": (7, lambda t: {"needs": tablet(t, A, ready="Unknown")}, "Pod", pod_name(A), "PrimaryNotReady"),
    "primary changes": (7, lambda t: {"needs": shard(t, masterAlias=B)}, "VitessShard", shard_name(), "PrimaryChanging"),
    "replica down": (7, lambda t: {"needs": tablet(t, B, ready="Unknown")}, "Pod", pod_name(B), "NotReady"),
    "drained": (7, lambda t: {"needs": tablet(t, B, type="drained")}, "Pod", pod_name(B), "TabletDrained"),
    "rolling": (7, lambda t: {"needs": tablet(t, B, pendingChanges="cpu")}, "Pod", pod_name(B), "RollingOut"),
    "orphan": (7, lambda t: {"needs": shard(t, orphanedTablets={"zone1-1": {"reason": "Draining"}})},
               "VitessShard", shard_name(), "TabletOrphaned"),
    "no shard": (2, lambda t: {"needs": {shard_name(): None}}, "VitessShard", shard_name(), "NotFound"),
    "no keyspace": (2, lambda t: {"needs": {KEYSPACE: None}}, "VitessKeyspace", KEYSPACE, "NotFound"),
    "keyspace": (7, lambda t: {"needs": {KEYSPACE: {"status": {"conditions": [
        condition("Ready", "False", "NoServingPartitioning")]}}}}, "VitessKeyspace", KEYSPACE, "NoServingPartitioning"),
    "vtgate": (5, lambda t: {}, "Pod", "orders-zone1-vtgate-0", "NotReady"),
    "vtgate image": (5, lambda t: {"observed": [stuck("orders-zone1-vtgate-1", "vtgate", waiting={"reason": "ErrImagePull"})]},
                     "Pod", "orders-zone1-vtgate-1", "ErrImagePull"),
    "vtgate quota": (5, lambda t: {"without": ["orders-zone1-vtgate-0", "orders-zone1-vtgate-1"], "late": LATE},
                     "VitessCell", joined("orders", "zone1"), "PodsNotCreated"),
    "silent operator": (0, lambda t: {"late": LATE}, "VitessCluster", "orders", "OperatorNotResponding"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("verb,stage", [("create", "WAITING_FOR_READY"), ("observe", "OBSERVE")])
def test_every_failure_by_its_name(engine, name, verb, stage):
    phase, replaced, kind, object_name, reason = FAILURES[name]
    spec = engine.spec("STANDARD", BACKUP)
    toy = at_phase(engine, spec, phase)
    got = waiting(toy, engine, spec, stage, verb, **replaced(toy))
    assert got["state"] == "progressing"
    assert (got["waitingFor"]["kind"], got["waitingFor"]["name"], got["waitingFor"]["reason"]) == (kind, object_name, reason)


def test_an_unknown_start_is_no_duration(engine):
    spec = engine.spec("STANDARD")
    check_durations(engine, spec, at_phase(engine, spec, 0).observed())


def empty_storage(status):
    return {"kind": "VitessBackupStorage", "metadata": {"name": STORAGE, "namespace": NAMESPACE}, "status": status}


BACKUP_FAILURES = {
    "no subcontroller": (lambda: {"needs": {SUBCONTROLLER: None}}, "Pod", SUBCONTROLLER, "PodMissing"),
    "subcontroller": (lambda: {"needs": {SUBCONTROLLER: stuck(SUBCONTROLLER, waiting={"reason": "ImagePullBackOff"})}},
                      "Pod", SUBCONTROLLER, "ImagePullBackOff"),
    "bucket": (lambda: {"needs": {STORAGE: empty_storage({})}}, "VitessBackupStorage", STORAGE, "NotListed"),
    "no backup": (lambda: {}, "VitessShard", shard_name(), "NoCompleteBackup"),
}


@pytest.mark.parametrize("name", BACKUP_FAILURES)
def test_every_failure_of_backups_by_its_name(engine, name):
    replaced, kind, object_name, reason = BACKUP_FAILURES[name]
    spec = engine.spec("STANDARD", BACKUP)
    toy = at_phase(engine, spec, 6)
    for verb, stage in (("create", "BACKUP_CONFIG"), ("observe", "OBSERVE")):
        got = waiting(toy, engine, spec, stage, verb, **replaced())
        assert got["state"] == "progressing"
        assert (got["waitingFor"]["kind"], got["waitingFor"]["name"], got["waitingFor"]["reason"]) == (kind, object_name, reason)


@pytest.mark.parametrize("times,reason", [({}, "NotScheduled"), ({"all": "2026-09-21T13:00:00Z"}, "ScheduleLate")])
def test_a_schedule_that_does_not_work_is_named(engine, times, reason):
    spec = engine.spec("STANDARD", BACKUP)
    toy = at_phase(engine, spec, 7)
    bad = {"apiVersion": API, "kind": "VitessBackupSchedule", "metadata": {"name": "orders-incremental"},
           "status": {"nextScheduledTimes": times}}
    got = waiting(toy, engine, spec, "BACKUP_CONFIG", observed=[bad])
    assert (got["waitingFor"]["name"], got["waitingFor"]["reason"]) == ("orders-incremental", reason)
    assert waiting(toy, engine, spec, "BACKUP_CONFIG")["state"] == "ready"


@pytest.mark.parametrize("options", [{"shards": 3}, {"shards": 32}, {"shards": "2"}, {"cells": []}, {"cells": "a"},
                                     {"cells": ["a-b"]}, {"cells": ["a", "a"]}, {"cells": ["a", "b", "c", "d"]},
                                     {"cells": ["elevencells"]}, {"datadir": "/tmp"}, {"gtid_mode": "off"},
                                     {"sync_binlog": 0}, {"no_such_option": 1}, {"max_connections": 5},
                                     {"innodb_buffer_pool_size": "4G"}, {"innodb_buffer_pool_size": "1.5G"},
                                     {"innodb_redo_log_capacity": "40G"}, {"sort_buffer_size": "1MB"},
                                     {"innodb_flush_neighbors": 3}, {"long_query_time": "slow"}])
def test_bad_parameters_are_reported_at_their_place(engine, options):
    assert engine.refused(asked("STANDARD", None, options)) == ["/parameters/" + next(iter(options))]


def test_more_cells_than_instances_are_refused(engine):
    assert engine.refused(asked("FREE", None, {"cells": ["a", "b"]})) == ["/parameters/cells"]


@pytest.mark.parametrize("change,field", [
    ({"destinationPath": "/tmp"}, "destinationPath"), ({"store": "Main"}, "store"), ({"destinationPath": None}, "destinationPath"),
    ({"endpointURL": "s3.example.com"}, "endpointURL"), ({"region": ""}, "region"),
    ({"schedule": "0 0 1 * * *"}, "schedule"), ({"incrementalEvery": "7m"}, "incrementalEvery"),
    ({"retentionPolicy": "30d"}, "retentionPolicy"), ({"credentialsKey": "a b"}, "credentialsKey")])
def test_bad_backups(engine, change, field):
    backup = {k: v for k, v in {**BACKUP, **change}.items() if v is not None}
    assert engine.refused(asked("FREE", backup)) == ["/backup/" + field]


def test_a_directory_is_a_volume_of_its_own_folder(engine):
    spec = cluster_of(engine, "FREE", dict(BACKUP, destinationPath="file:///var/lib/store/acme/"))
    location = spec["backup"]["locations"][0]
    assert location == {"volume": {"hostPath": {"path": "/var/lib/store/acme", "type": "DirectoryOrCreate"}},
                        "volumeSubPath": "orders-" + INSTANCE["seed"][:8]}
    assert "extraEnv" not in pools(spec)[0]


@pytest.mark.parametrize("name", ["a" * 37, "1orders"])
def test_names_that_cannot_be(engine, name):
    document = request(engine.spec("FREE"))
    document["instance"]["name"] = name
    answer = engine.call("validate", document)
    assert [f["field"] for f in answer["failures"]] == ["/name"]


def test_the_longest_name_is_not_cut(engine):
    limit = engine.ok("describe", {})["name_limit"]
    assert "---" not in joined("a" * limit, "c" * 10, "vtgate", limit=63)
    assert "---" in joined("a" * (limit + 1), "c" * 10, "vtgate", limit=63)
    assert "---" not in joined("a" * limit, "etcd", limit=56)


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("function", ["validate", "plan", "step"])
def test_nonsense_is_refused_and_never_a_bug_of_ours(engine, function, text):
    assert engine.call(function, text)["code"] in (1, 2)


def test_unknown_members_are_ignored(engine):
    spec = engine.spec("STANDARD")
    document = step_input("WAITING_FOR_READY", spec, at_phase(engine, spec, 7).observed())
    plain = engine.raw("step", document)
    document["from_the_future"] = {"x": [1]}
    document["observed"][0]["status"]["novelty"] = True
    assert engine.raw("step", document) == plain


def test_missing_kinds_block_or_skip(engine):
    spec = engine.spec("STANDARD", BACKUP)
    none = {API + "/VitessBackupSchedule": False, "monitoring.coreos.com/v1/PodMonitor": False}
    assert engine.ok("step", step_input("BACKUP_CONFIG", spec, kinds=none))["verdict"]["state"] == "blocked"
    got = engine.ok("step", step_input("METRICS_SETUP", spec, kinds=none))["verdict"]
    assert (got["state"], got["reason"]) == ("skipped", "PodMonitorCrdMissing")


def test_the_fence_lets_clients_to_vtgate_only(engine):
    policies = {o["metadata"]["name"]: o["spec"] for o in
                engine.ok("step", step_input("NAMESPACE_CREATION", engine.spec("STANDARD")))["apply"]
                if o["kind"] == "NetworkPolicy"}
    clients = policies["orders-clients"]
    assert clients["podSelector"]["matchLabels"]["planetscale.com/component"] == "vtgate"
    assert [p["port"] for r in clients["ingress"] for p in r["ports"]] == [3306]
    inside, scraping = policies["orders-internal"]["ingress"]
    assert inside["from"][0]["podSelector"]["matchLabels"] == {"planetscale.com/cluster": "orders"}
    assert {p["port"] for p in scraping["ports"]} == {15000, 9104, 2379}


def test_the_quota_has_room_for_all_pods(engine):
    for tier in TIERS:
        spec = engine.spec(tier, BACKUP, {"shards": 2})
        toy = at_phase(engine, spec, 7)
        quota = plan(engine, spec)["quota"]
        # Also vtctld, vtorc of both shards and the reader of the bucket.
        assert int(quota["pods"]) >= len(toy.pods()) + 4
        assert int(quota["persistentvolumeclaims"]) >= len(toy.volumes()) + 2


@pytest.mark.parametrize("settings", ['[]', '{"colour":"blue"}', '{"image":"vitess/lite"}', '{"image":"vitess/lite:latest"}',
                                      '{"image":"host:5000/vitess/lite:v24.0.3"}', '{"tolerations":"dedicated"}',
                                      '{"mysqld_exporter_image":"prom/mysqld-exporter:v0.14.0"}'])
def test_settings_that_are_refused(settings):
    assert Engine(settings).process.wait(timeout=10) == 1


def test_settings_reach_the_cluster(engine):
    told = cluster_of(engine, "FREE", settings={"image": "host:5000/vitess/lite:v24.0.4", "storage_class": "fast",
                                                "mysql_server_version": "8.4.6-Vitess", "tolerations": "spot:NoExecute"})
    assert told["images"]["mysqld"] == {"mysql80Compatible": "host:5000/vitess/lite:v24.0.4"}
    assert told["cells"][0]["gateway"]["extraFlags"]["mysql_server_version"] == "8.4.6-Vitess"
    assert pools(told)[0]["dataVolumeClaimTemplate"]["storageClassName"] == "fast"
    assert pools(told)[0]["tolerations"] == [{"key": "spot", "operator": "Exists", "effect": "NoExecute"}]
