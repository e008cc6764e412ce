"""What the engine promises: its vectors, its laws, what it applies and in which order it takes it away."""
import copy
import json
import os

import pytest

from engine_toy import (INSTANCE, NONSENSE, TIERS, Engine, asked, check_vector, plan, request, step_input,
                        vectors)
from mongodb_toy import KIND, NEW, OLD, TLS, Toy, claim, healthy, pod, stateful_set

VECTORS = vectors(__file__)
CACHE = "storage.wiredTiger.engineConfig.cacheSizeGB"


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


@pytest.fixture(scope="module")
def secure():
    it = Engine(TLS)
    yield it
    it.close()


def spec_of(engine, tier="STANDARD", kinds=None, parameters=None):
    """The MongoDBCommunity's spec."""
    toy, spec = Toy(), engine.spec(tier, None, parameters)
    toy.run(engine, plan(engine, spec), spec, kinds=kinds)
    return toy.wanted()["spec"]


@pytest.mark.parametrize("path", VECTORS, ids=[os.path.basename(v)[:-5] for v in VECTORS])
def test_vector(engine, path):
    check_vector(engine, path)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("parameters", [
    {}, {"version": "7.0.24", CACHE: 1, "net.maxIncomingConnections": "80", "security.javascriptEnabled": False,
         "operationProfiling.slowOpSampleRate": 0.5, "net.compression.compressors": "zstd,snappy"}])
def test_normalising_twice_changes_nothing(engine, tier, parameters):
    if tier == "FREE" and CACHE in parameters:
        parameters = dict(parameters, **{CACHE: 0.3})
    once = engine.spec(tier, None, parameters)
    assert engine.ok("validate", request(once))["spec"] == once


def test_options_keep_their_types(engine):
    got = spec_of(engine, parameters={"security.javascriptEnabled": "off", CACHE: "1.5",
                                      "replication.oplogSizeMB": "2000"})["additionalMongodConfig"]
    assert got["security.javascriptEnabled"] is False and got[CACHE] == 1.5
    assert got["replication.oplogSizeMB"] == 2000 and isinstance(got["replication.oplogSizeMB"], int)
    assert "version" not in got


@pytest.mark.parametrize("tier,cache,oplog", [("FREE", 0.25, 990), ("STANDARD", 1.5, 2560), ("ENTERPRISE", 7.5, 25600)])
def test_sizes_follow_the_tier(engine, tier, cache, oplog):
    got = spec_of(engine, tier)["additionalMongodConfig"]
    assert (got[CACHE], got["replication.oplogSizeMB"]) == (cache, oplog)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("kinds", [OLD, NEW], ids=["old", "new"])
@pytest.mark.parametrize("settings", ["{}", TLS], ids=["plain", "tls"])
def test_a_tier_walks_to_ready_and_away_again(tier, kinds, settings):
    engine, toy = Engine(settings), Toy()
    spec = engine.spec(tier)
    results = toy.run(engine, plan(engine, spec), spec, kinds=kinds)
    assert results["WAITING_FOR_READY"]["verdict"]["state"] == "ready"
    outputs = results["CREDENTIAL_GEN"]["outputs"]
    assert [(e["service"], e["port"], e.get("tls")) for e in outputs["endpoints"]] == [
        ("orders-svc", 27017, True if settings == TLS else None)]
    assert outputs["credentials"]["secret"] == "orders-app"
    assert outputs["credentials"]["fields"]["srv_uri"] == "connectionString.standardSrv"
    got = {kind.split("/")[-1] for kind, _ in toy.applied}
    expected = {"NetworkPolicy", "ServiceAccount", "Role", "RoleBinding", "Secret", "MongoDBCommunity"}
    expected |= {"PodDisruptionBudget"} if TIERS[tier]["instances"] > 1 else set()
    expected |= {"PodMonitor"} if TIERS[tier]["pod_monitor"] else set()
    assert got == expected | ({"Certificate"} if settings == TLS else set())
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    engine.close()
    assert not toy.applied and not toy.observed() and not toy.claims


@pytest.mark.parametrize("steps", range(0, 14))
@pytest.mark.parametrize("settings", ["{}", TLS], ids=["plain", "tls"])
def test_delete_works_from_any_half_made_state(settings, steps):
    engine = Engine(settings)
    spec = engine.spec("STANDARD")
    toy = Toy().half_made(engine, spec, steps)
    toy.run(engine, plan(engine, spec, "delete"), spec, "delete")
    engine.close()
    assert not toy.applied and not toy.claims


def test_delete_takes_the_volumes_after_the_pods_and_the_rights_last(engine):
    spec, toy = engine.spec("STANDARD"), Toy()
    toy.run(engine, plan(engine, spec), spec)
    order = []
    for _ in range(40):
        result = toy.step(engine, "RESOURCE_DELETION", spec, "delete")
        order += [gone["kind"] for gone in result.get("delete", [])]
        if toy.pods:
            assert ("v1/ServiceAccount", "orders-mongodb") in toy.applied
        toy.move()
    assert order[:2] == ["PodMonitor", "MongoDBCommunity"] and order[-1] == "ServiceAccount"
    assert order.count("PersistentVolumeClaim") == 6
    assert order.index("PersistentVolumeClaim") < order.index("Secret") < order.index("Role")


def test_the_secret_of_a_certificate_goes_after_it(secure):
    spec, toy = secure.spec("FREE"), Toy()
    toy.run(secure, plan(secure, spec), spec)
    refs = [o for o in toy.inventory() if o["kind"] in ("Secret", "Certificate")]
    got = secure.ok("step", step_input("RESOURCE_DELETION", spec, inventory=refs, verb="delete"))
    assert [gone["kind"] for gone in got["delete"]][0] == "Certificate"


def test_a_claim_that_stays_is_named_with_its_finalizer_and_not_deleted_twice(engine):
    stuck = claim(1)
    stuck["metadata"].update(deletionTimestamp="2026-11-22T06:00:00Z", finalizers=["kubernetes.io/pvc-protection"])
    got = engine.ok("step", step_input("RESOURCE_DELETION", engine.spec("FREE"), [stuck], verb="delete"))
    assert "delete" not in got
    waiting = got["verdict"]["waitingFor"]
    assert (waiting["name"], waiting["reason"]) == ("data-volume-orders-1", "Finalizers: kubernetes.io/pvc-protection")


def test_same_bytes_in_same_bytes_out(engine):
    other = Engine()
    for tier in TIERS:
        spec = engine.spec(tier)
        for stage in ("NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "METRICS_SETUP"):
            document = json.dumps(step_input(stage, spec, healthy(TIERS[tier]["instances"])))
            assert len({e.raw("step", document) for e in (engine, other) for _ in range(2)}) == 1
    other.close()


def test_every_object_is_sent_the_same_in_every_step(engine):
    spec, toy = engine.spec("STANDARD"), Toy()
    toy.run(engine, plan(engine, spec), spec)
    toy.step(engine, "CRD_DEPLOYMENT", spec)
    sent = {}
    for wanted in toy.applies:
        sent.setdefault((wanted["kind"], wanted["metadata"]["name"]), set()).add(json.dumps(wanted))
    assert all(len(texts) == 1 for texts in sent.values())


def test_both_generations_run_under_the_same_rights_of_the_instance(engine):
    for kinds in (OLD, NEW):
        template = spec_of(engine, kinds=kinds)["statefulSet"]["spec"]["template"]["spec"]
        assert template["serviceAccountName"] == "orders-mongodb"
    toy, spec = Toy(), engine.spec("FREE")
    toy.run(engine, plan(engine, spec), spec)
    rules = toy.applied[("rbac.authorization.k8s.io/v1/Role", "orders-mongodb")]["rules"]
    assert {r["resources"][0]: r["verbs"] for r in rules} == {"secrets": ["get"], "pods": ["get", "patch", "delete"]}
    binding = toy.applied[("rbac.authorization.k8s.io/v1/RoleBinding", "orders-mongodb")]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "orders-mongodb", "namespace": "acme-orders"}]


def test_only_the_old_operator_is_told_how_to_confine_its_pods(engine):
    old, new = (spec_of(engine, kinds=k)["statefulSet"]["spec"]["template"]["spec"] for k in (OLD, NEW))
    assert old["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"} and "securityContext" not in new
    for part in ("containers", "initContainers"):
        assert all(c["securityContext"] == {"capabilities": {"drop": ["ALL"]}} for c in old[part])
        assert not any("securityContext" in c for c in new[part])


def test_only_the_new_operator_is_told_the_domain():
    engine = Engine('{"cluster_domain":"k8s.example"}')
    assert spec_of(engine, kinds=NEW)["clusterDomain"] == "k8s.example"
    assert "clusterDomain" not in spec_of(engine, kinds=OLD)
    engine.close()


def test_everything_that_can_be_labelled_is(engine):
    it = spec_of(engine)["statefulSet"]
    label = {"slipway.dev/instance": INSTANCE["id"]}
    assert it["metadata"]["labels"] == label and it["spec"]["template"]["metadata"]["labels"] == label
    assert [c["metadata"] for c in it["spec"]["volumeClaimTemplates"]] == [
        {"name": "data-volume", "labels": label}, {"name": "logs-volume", "labels": label}]


def test_traps_of_the_operator(engine):
    """Names shared by a namespace, unsorted environments, several spread constraints, ignored fields."""
    spec = spec_of(engine, "ENTERPRISE")
    user, pods = spec["users"][0], spec["statefulSet"]["spec"]["template"]["spec"]
    assert user["scramCredentialsSecretName"].startswith("orders-")
    assert user["connectionStringSecretName"] == "orders-app" and "connectionStringSecretNamespace" not in user
    assert len(pods["topologySpreadConstraints"]) == 1
    for container in pods["containers"] + pods["initContainers"]:
        names = [e["name"] for e in container.get("env", [])]
        assert names == sorted(names) and "envFrom" not in container
    assert spec["featureCompatibilityVersion"] == "8.0" and spec["agent"]["logFile"] == "/dev/stdout"
    mongod = [c for c in pods["containers"] if c["name"] == "mongod"][0]
    assert mongod["image"].endswith(":8.0.21-ubi9"), "ubi8 has no such image"
    assert {c["name"] for c in pods["containers"] + pods["initContainers"] if "resources" in c} == {
        "mongod", "mongodb-agent", "mongod-posthook", "mongodb-agent-readinessprobe"}


def test_a_single_member_is_not_spread_nor_guarded(engine):
    pods = spec_of(engine, "FREE")["statefulSet"]["spec"]["template"]["spec"]
    assert "affinity" not in pods and "topologySpreadConstraints" not in pods


def test_passwords_are_of_the_hosts_making(engine):
    toy, spec = Toy(), engine.spec("STANDARD")
    toy.run(engine, plan(engine, spec), spec)
    secrets = {name: o["stringData"] for (kind, name), o in toy.applied.items() if kind == "v1/Secret"}
    assert set(secrets) == {"orders-app-password", "orders-metrics"}
    names = [secrets[s]["password"]["$generate"]["name"] for s in sorted(secrets)]
    assert len(set(names)) == 2, "one password for two users"
    assert toy.wanted()["spec"]["prometheus"]["passwordSecretRef"]["name"] == "orders-metrics"
    monitor = toy.applied[("monitoring.coreos.com/v1/PodMonitor", "orders-metrics")]["spec"]
    endpoint = monitor["podMetricsEndpoints"][0]
    assert endpoint["basicAuth"]["username"] == {"name": "orders-metrics", "key": "username"}
    ports = [c.get("ports") for c in toy.wanted()["spec"]["statefulSet"]["spec"]["template"]["spec"]["containers"]]
    assert [{"name": endpoint["port"], "containerPort": 9216}] in ports


def test_passwords_come_before_what_reads_them(engine):
    got = engine.ok("step", step_input("CRD_DEPLOYMENT", engine.spec("STANDARD")))["apply"]
    kinds = [o["kind"] for o in got]
    assert kinds[-1] == "MongoDBCommunity" and kinds.count("Secret") == 2


def test_with_tls_the_replica_set_waits_for_its_certificate(secure):
    toy, spec = Toy(issues=False), secure.spec("STANDARD")
    first = toy.step(secure, "CRD_DEPLOYMENT", spec)
    second = toy.step(secure, "CRD_DEPLOYMENT", spec)
    assert toy.wanted() is None and first["verdict"]["waitingFor"]["reason"] == "SecretNotFound"
    assert second["verdict"]["waitingFor"] == {"kind": "Secret", "namespace": "acme-orders", "name": "orders-tls",
                                               "reason": "SecretKeyMissing"}
    made = toy.applied[("cert-manager.io/v1/Certificate", "orders-tls")]["spec"]
    assert "*.orders-svc.acme-orders.svc.cluster.local" in made["dnsNames"]
    toy.issues = True
    toy.step(secure, "CRD_DEPLOYMENT", spec)
    tls = toy.wanted()["spec"]["security"]["tls"]
    assert tls["enabled"] and tls["caCertificateSecretRef"] == tls["certificateKeySecretRef"] == {"name": "orders-tls"}


def test_what_cert_manager_says_is_passed_on(secure):
    needs = {"tls_secret": {"metadata": {}, "keys": []},
             "certificate": {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "DoesNotExist",
                                                        "message": "Issuer not found"}]}}}
    got = secure.ok("step", step_input("CRD_DEPLOYMENT", secure.spec("FREE"), needs=needs))["verdict"]
    assert "Issuer not found" in got["message"]
    assert (got["waitingFor"]["kind"], got["waitingFor"]["reason"]) == ("Certificate", "DoesNotExist")


def test_tls_without_cert_manager_blocks(secure):
    none = {"cert-manager.io/v1/Certificate": False}
    got = secure.ok("step", step_input("CRD_DEPLOYMENT", secure.spec("FREE"), kinds=none))
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("blocked", "CertificateCrdMissing")
    assert "apply" not in got


def test_without_the_kind_there_is_no_monitor(engine):
    got = engine.ok("step", step_input("METRICS_SETUP", engine.spec("STANDARD"),
                                       kinds={"monitoring.coreos.com/v1/PodMonitor": False}))["verdict"]
    assert (got["state"], got["reason"]) == ("skipped", "PodMonitorCrdMissing")


def test_a_backup_that_was_asked_for_is_warned_of_and_skipped(engine):
    backup = {"destinationPath": "s3://bucket/acme"}
    got = engine.ok("validate", request(asked("FREE", backup)))
    assert [w["field"] for w in got["warnings"]] == ["/backup"]
    assert engine.ok("validate", request(got["spec"]))["spec"] == got["spec"]
    stage = [s for s in plan(engine, got["spec"])["stages"] if s["name"] == "BACKUP_CONFIG"][0]
    assert stage["skip"]["reason"] == "BackupNotSupported"
    assert engine.ok("step", step_input("BACKUP_CONFIG", got["spec"]))["verdict"]["state"] == "skipped"
    assert engine.refused(asked("FREE", "daily")) == ["/backup"]


BAD_PARAMETERS = {
    "version": "8.0.12", "net.port": 27018, "storage.dbPath": "/x", "net.tls.mode": "disabled", "auditLog.path": "/x",
    "security.authorization": "disabled", "no.such.option": 1, CACHE: "much", "net.maxIncomingConnections": 2.5,
    "operationProfiling.mode": "some", "systemLog.quiet": "perhaps", "setParameter.enableTestCommands": True,
    "storage.journal.commitIntervalMs": {}, "net.compression.compressors": "rar",
}


def test_every_bad_parameter_is_reported_at_its_place(engine):
    assert set(engine.refused(asked("STANDARD", None, BAD_PARAMETERS))) == {
        "/parameters/" + name for name in BAD_PARAMETERS}


@pytest.mark.parametrize("name,value", [(CACHE, 3.5), ("replication.oplogSizeMB", 30000),
                                        ("net.maxIncomingConnections", 5000)])
def test_parameters_must_fit_the_instance(engine, name, value):
    assert engine.refused(asked("STANDARD", None, {name: value})) == ["/parameters/" + name]


def test_the_smallest_sizes_take_their_own_defaults(engine):
    small = dict(asked("FREE"), memory="256Mi", storage="1Gi")
    once = engine.ok("validate", request(small))["spec"]
    assert engine.ok("validate", request(once))["spec"] == once


@pytest.mark.parametrize("instances", [0, 2, 4, 8, 9, "3", 2.5])
def test_a_replica_set_has_an_odd_number_of_voters(engine, instances):
    assert "/instances" in engine.refused(dict(asked("STANDARD"), instances=instances))


@pytest.mark.parametrize("name,says", [("a" * 41, "40"), ("1orders", "letter"), ("orders-arb", "-arb")])
def test_names_that_the_operators_objects_cannot_have(engine, name, says):
    document = request(engine.spec("FREE"))
    document["instance"]["name"] = name
    failures = engine.call("validate", document)["failures"]
    assert [f["field"] for f in failures] == ["/name"] and says in failures[0]["message"]


def test_the_longest_name_fits_everywhere(engine):
    limit = engine.ok("describe", {})["name_limit"]
    assert limit + len("-arb-0123456789") <= 63 and limit + len("-pbm-cleanup") <= 52
    assert limit + len("-svc") <= 63, "a label value"


def test_the_quota_is_what_the_pods_ask_for(engine):
    spec = engine.spec("STANDARD")
    quota, wanted = plan(engine, spec)["quota"], spec_of(engine)["statefulSet"]["spec"]
    assert quota["pods"] == "3" and quota["persistentvolumeclaims"] == "6"
    sizes = [int(c["spec"]["resources"]["requests"]["storage"][:-2]) for c in wanted["volumeClaimTemplates"]]
    assert quota["requests.storage"] == "%dGi" % (3 * sum(sizes))
    # 2 CPU and 4Gi of mongod, 100m and 128Mi of the agent; the init containers ask for less.
    assert (quota["requests.cpu"], quota["requests.memory"]) == ("6300m", "%dMi" % (3 * (4096 + 128)))
    for part in ("containers", "initContainers"):
        for container in wanted["template"]["spec"][part]:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_everything_applied_is_declared(secure):
    applies, toy, spec = set(secure.ok("describe", {})["applies"]), Toy(), secure.spec("ENTERPRISE")
    toy.run(secure, plan(secure, spec), spec)
    assert {kind for kind, _ in toy.applied} == applies


def test_what_is_waited_for_is_watched(engine):
    watched = {w["kind"] for w in engine.ok("describe", {})["watches"]}
    assert {o["kind"] for o in healthy(1)} == watched


def test_the_network_policy_lets_in_clients_and_metrics(engine):
    for tier, ports in (("FREE", {27017}), ("STANDARD", {27017, 9216})):
        rules = engine.ok("step", step_input("NAMESPACE_CREATION", engine.spec(tier)))["apply"][0]["spec"]
        assert rules["policyTypes"] == ["Ingress"] and rules["podSelector"] == {"matchLabels": {"app": "orders-svc"}}
        assert {p["port"] for r in rules["ingress"] for p in r["ports"]} == ports


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("function", ["validate", "plan", "step"])
def test_nonsense_is_refused_and_never_a_bug_of_ours(engine, function, text):
    assert engine.call(function, text)["code"] in (1, 2)


def test_unknown_members_are_ignored(engine):
    document = step_input("WAITING_FOR_READY", engine.spec("STANDARD"), healthy(3))
    plain = engine.raw("step", document)
    document["from_the_future"] = {"x": [1]}
    document["observed"][3]["status"]["novelty"] = True
    assert engine.raw("step", document) == plain


@pytest.mark.parametrize("value", ["{", "7", "[]", '{"members":"3"}', "\x00", '{"members":3,"version":[]}'])
def test_a_hostile_annotation_is_only_not_a_confirmation(engine, value):
    seen = copy.deepcopy(healthy(3))
    seen[3]["metadata"]["annotations"]["mongodb.com/v1.lastSuccessfulConfiguration"] = value
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]
    assert (got["state"], got["reason"]) == ("progressing", "StatusBehindSpec")


@pytest.mark.parametrize("value", ["9" * 40, "x", "", "-1"])
def test_a_hostile_agent_version_is_no_version(engine, value):
    seen = [o for o in healthy(3) if o["metadata"]["name"] != "orders-2"] + [pod(2, agent=value)]
    got = engine.ok("step", step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen))["verdict"]
    assert got["waitingFor"]["name"] == "orders-2" and got["reason"] == "AgentBehind"


def test_settings(engine):
    for bad in ('[]', '{"colour":"blue"}', '{"image":1}', '{"image":""}', '{"image_type":"alpine"}',
                '{"tls_issuer_kind":"Certificate"}'):
        assert Engine(bad).process.wait(timeout=10) == 1
    told = Engine('{"image":"registry.example/mongo","image_type":"ubi8","agent_image":"registry.example/agent:1",'
                  '"storage_class":"fast"}')
    it = spec_of(told, "FREE", parameters={"version": "7.0.24"})["statefulSet"]["spec"]
    told.close()
    assert [c["image"] for c in it["template"]["spec"]["containers"]] == [
        "registry.example/mongo:7.0.24-ubi8", "registry.example/agent:1"]
    assert {c["spec"]["storageClassName"] for c in it["volumeClaimTemplates"]} == {"fast"}


def test_observe_says_healthy_and_where(engine):
    got = engine.ok("step", step_input("OBSERVE", engine.spec("STANDARD"), healthy(3), verb="observe"))
    assert got["verdict"]["state"] == "ready" and got["outputs"]["endpoints"][0]["service"] == "orders-svc"
    assert "apply" not in got
    seen = [o for o in healthy(3) if o["metadata"]["name"] != "orders"] + [stateful_set(3)]
    assert engine.ok("step", step_input("OBSERVE", engine.spec("STANDARD"), seen, verb="observe"))[
        "verdict"]["reason"] == "ReplicaSetMissing"
