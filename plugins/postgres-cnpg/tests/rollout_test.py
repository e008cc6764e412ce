"""Restarts and switchovers: what is asked of the operator, once for an operation, and when it is done."""
import pytest

from cnpg_toy import cluster, healthy, pod, volume
from engine_toy import NAMESPACE, OPERATION, Engine, plan, step_input

RESTARTED, CHOICE = "kubectl.kubernetes.io/restartedAt", "slipway.dev/switchover"
ASKED = "2026-09-21T14:12:20.000000Z"  # when the operation began
NAME = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "orders"}


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


@pytest.fixture(scope="module")
def spec(engine):
    return engine.spec("STANDARD")


def step(engine, spec, verb, stage, observed, target=None):
    document = step_input(stage, spec, observed, verb=verb)
    if target is not None:
        document["arguments"] = {"target": target}
    return engine.ok("step", document)


def annotated(objects, **annotations):
    for each in objects:
        each["metadata"]["annotations"] = dict(each["metadata"].get("annotations", {}), **annotations)
    return objects


def seen(version="77"):
    out = healthy(3)
    out[0]["metadata"]["resourceVersion"] = version
    return out


def test_the_stages_are_planned(engine, spec):
    for verb, first in (("restart", "RESTART"), ("switchover", "SWITCHOVER")):
        assert [s["name"] for s in plan(engine, spec, verb)["stages"]] == [first, "WAITING_FOR_READY", "CREDENTIAL_CHECK"]
    described = engine.ok("describe", {})
    assert {"restart", "switchover"} <= set(described["verbs"]) and described["requires"] == ["patches"]
    assert described["patches"] == ["postgresql.cnpg.io/v1/Cluster", "postgresql.cnpg.io/v1/Cluster/status"]


def test_a_restart_is_asked_for_once_by_an_annotation(engine, spec):
    got = step(engine, spec, "restart", "RESTART", seen())
    assert got["verdict"]["reason"] == "RequestingRestart"
    assert got["patch"] == [dict(NAME, body={"metadata": {"annotations": {RESTARTED: ASKED}}})]
    earlier = seen()
    annotated(earlier[:1], **{RESTARTED: "2026-09-21T14:12:19.000000Z"})
    assert step(engine, spec, "restart", "RESTART", earlier)["patch"] == got["patch"]
    annotated(earlier[:1], **{RESTARTED: ASKED})
    done = step(engine, spec, "restart", "RESTART", earlier)
    assert done["verdict"]["state"] == "ready" and "patch" not in done


def test_a_restart_is_over_when_every_pod_has_been_restarted(engine, spec):
    objects = seen()
    annotated(objects[:1], **{RESTARTED: ASKED})
    # The phase can still say healthy from before the rollout.
    got = step(engine, spec, "restart", "WAITING_FOR_READY", objects)["verdict"]
    assert (got["state"], got["reason"]) == ("progressing", "Restarting") and "0 of 3" in got["message"]
    annotated(objects[2:4], **{RESTARTED: ASKED})
    got = step(engine, spec, "restart", "WAITING_FOR_READY", objects)["verdict"]
    assert "2 of 3" in got["message"] and got["waitingFor"] == {"kind": "Pod", "namespace": NAMESPACE, "name": "orders-1", "reason": "NotRestarted"}
    annotated(objects[1:2], **{RESTARTED: ASKED})
    assert step(engine, spec, "restart", "WAITING_FOR_READY", objects)["verdict"]["state"] == "ready"
    objects[0]["status"]["phase"] = "Upgrading cluster"
    assert step(engine, spec, "restart", "WAITING_FOR_READY", objects)["verdict"]["state"] == "progressing"


def test_a_restart_of_a_missing_cluster_says_so(engine, spec):
    got = step(engine, spec, "restart", "RESTART", [])
    assert got["verdict"]["reason"] == "ClusterMissing" and "patch" not in got


@pytest.mark.parametrize("target,chosen", [(None, "orders-2"), ("orders-3", "orders-3")])
def test_a_switchover_writes_its_choice_down_before_it_asks(engine, spec, target, chosen):
    got = step(engine, spec, "switchover", "SWITCHOVER", seen(), target)
    assert got["verdict"]["reason"] == "TargetChosen"
    assert got["patch"] == [dict(NAME, body={"metadata": {"annotations": {CHOICE: OPERATION["id"] + "/" + chosen}}})]
    objects = seen("78")
    annotated(objects[:1], **{CHOICE: OPERATION["id"] + "/" + chosen})
    asks = step(engine, spec, "switchover", "SWITCHOVER", objects, target)
    assert asks["verdict"]["reason"] == "PrimaryChanging"
    [patch] = asks["patch"]
    status = patch["body"]["status"]
    assert {k: v for k, v in patch.items() if k != "body"} == dict(NAME, subresource="status", resource_version="78")
    assert (status["targetPrimary"], status["phase"], status["phaseReason"]) == (chosen, "Switchover in progress", "Switching over to " + chosen)
    assert status["targetPrimaryTimestamp"] == "2026-09-21T14:13:20.000000Z"
    assert [(c["type"], c["status"]) for c in status["conditions"]] == [("Ready", "False"), ("ContinuousArchiving", "True")]
    objects[0]["status"]["targetPrimary"] = chosen
    waits = step(engine, spec, "switchover", "SWITCHOVER", objects, target)
    assert waits["verdict"]["reason"] == "PrimaryChanging" and "patch" not in waits
    objects[0]["status"]["currentPrimary"] = chosen
    assert step(engine, spec, "switchover", "SWITCHOVER", objects, target)["verdict"]["state"] == "ready"


def test_the_choice_of_an_earlier_switchover_is_none_of_this_one(engine, spec):
    objects = seen()
    annotated(objects[:1], **{CHOICE: "op_before/orders-1"})
    assert step(engine, spec, "switchover", "SWITCHOVER", objects)["verdict"]["reason"] == "TargetChosen"


@pytest.mark.parametrize("target,reason", [("orders-1", "TargetIsPrimary"), ("orders-9", "TargetNotFound")])
def test_a_target_that_cannot_be_is_refused_before_anything_is_asked(engine, spec, target, reason):
    got = step(engine, spec, "switchover", "SWITCHOVER", seen(), target)
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("failed", reason) and "patch" not in got


def test_a_target_that_is_lost_fails_and_a_sick_cluster_is_waited_for(engine, spec):
    objects = [cluster(3, readyInstances=2), pod(1), pod(2, ready=False), pod(3)] + [volume(n) for n in (1, 2, 3)]
    got = step(engine, spec, "switchover", "SWITCHOVER", objects)
    assert got["verdict"]["state"] == "progressing" and "patch" not in got
    annotated(objects[:1], **{CHOICE: OPERATION["id"] + "/orders-2"})
    got = step(engine, spec, "switchover", "SWITCHOVER", objects)
    assert (got["verdict"]["state"], got["verdict"]["reason"]) == ("failed", "TargetLost") and "patch" not in got


def test_only_a_login_is_left_after_both(engine, spec):
    for verb in ("restart", "switchover"):
        document = step_input("CREDENTIAL_CHECK", spec, seen(), verb=verb,
                              needs={"app_secret": {"metadata": {"name": "orders-app"}, "keys": ["username", "password", "dbname"]}})
        got = engine.ok("step", document)
        assert got["verdict"]["state"] == "ready" and got["outputs"]["credentials"]["secret"] == "orders-app"
