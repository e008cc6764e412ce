"""Updates: which spec comes out, what the plan tells, and when an instance is as its new spec says."""
import pytest

from cnpg_toy import healthy
from engine_toy import NOW, Engine, asked, request, step_input


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


def changed(engine, previous, **change):
    """What the host asks for: the spec that stands, with a change."""
    document = request({**previous, **change}, verb="update")
    document["previous"] = previous
    spec = engine.ok("validate", document)["spec"]
    again = engine.ok("validate", {**document, "spec": spec})["spec"]
    assert again == spec, "applied to its own result it changes nothing"
    return spec


def test_defaults_follow_the_size_and_what_was_asked_for_stays(engine):
    free = engine.spec("FREE", parameters={"work_mem": "3MB", "max_wal_size": "400MB"})
    large = changed(engine, free, **{k: v for k, v in asked("STANDARD").items() if k not in ("parameters", "backup")})
    fresh = engine.spec("STANDARD", parameters={"work_mem": "3MB", "max_wal_size": "400MB"})
    assert large["parameters"] == fresh["parameters"] and free["parameters"]["shared_buffers"] != fresh["parameters"]["shared_buffers"]
    back = changed(engine, large, **{k: free[k] for k in ("tier", "instances", "memory", "cpu", "storage", "pod_monitor")})
    assert back == free


def test_a_parameter_that_is_taken_back_is_the_default_again(engine):
    own = engine.spec("STANDARD", parameters={"work_mem": "3MB"})
    without = {k: v for k, v in own["parameters"].items() if k != "work_mem"}
    assert changed(engine, own, parameters=without) == engine.spec("STANDARD")


def test_the_plan_tells_how_each_change_takes_effect(engine):
    previous = engine.spec("STANDARD", parameters={"work_mem": "3MB"})
    spec = changed(engine, previous, instances=2, storage="90Gi", parameters={**previous["parameters"], "work_mem": "4MB", "max_connections": "150"})
    document = {"schema": 1, "verb": "update", "operation": {"id": "op_1", "started_ms": NOW}, "instance": step_input("", {})["instance"],
                "spec": spec, "previous": previous, "arguments": {}}
    plan = engine.ok("plan", document)
    told = {c["path"]: c for c in plan["changes"]}
    assert told["/instances"]["loses"] == "1 of 3 members, each with its volume" and told["/instances"]["how"] == "IN_PLACE"
    assert told["/storage"] == {"path": "/storage", "how": "IN_PLACE", "revertible": False}
    assert told["/parameters/work_mem"]["how"] == "RELOAD" and told["/parameters/max_connections"]["how"] == "ROLLING_RESTART"
    assert plan["quota"]["requests.storage"] == "270Gi" and [s["name"] for s in plan["stages"]] == [
        "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_CHECK", "METRICS_SETUP"]
    spread = {**document, "spec": changed(engine, previous, tier="ENTERPRISE")}
    assert [c for c in engine.ok("plan", spread)["changes"] if c["path"] == "/tier"][-1]["how"] == "ROLLING_RESTART", "its pods are spread over zones"


def sized(spec, memory=None, storage=None):
    out = healthy(spec["instances"])
    for each in out:
        if each["kind"] == "Pod":
            each["spec"] = {"containers": [{"name": "postgres", "resources": {"requests": {"memory": memory or spec["memory"], "cpu": spec["cpu"]}}}]}
        if each["kind"] == "PersistentVolumeClaim":
            each["status"]["capacity"] = {"storage": storage or spec["storage"]}
    return out


def verdict(engine, spec, previous, observed, waited=0):
    document = step_input("WAITING_FOR_READY", spec, observed, verb="update", started=NOW - waited)
    document["previous"] = previous
    return engine.ok("step", document)["verdict"]


def test_it_is_over_when_pods_and_volumes_are_as_the_spec_says(engine):
    spec = engine.spec("STANDARD")
    assert verdict(engine, spec, spec, sized(spec))["state"] == "ready"
    old = verdict(engine, spec, spec, sized(spec, memory="64Mi"))
    assert (old["state"], old["reason"]) == ("progressing", "Resizing") and old["waitingFor"]["kind"] == "Pod"
    small = verdict(engine, spec, spec, sized(spec, storage="1Gi"))
    assert (small["state"], small["reason"]) == ("progressing", "GrowingStorage") and small["waitingFor"]["kind"] == "PersistentVolumeClaim"
    assert verdict(engine, spec, spec, sized({**spec, "instances": 2}))["state"] == "progressing", "a member is to come"
    assert verdict(engine, {**spec, "instances": 2}, spec, sized(spec))["state"] == "progressing", "a member is to go"


def test_the_operator_gets_time_to_see_new_parameters(engine):
    previous = engine.spec("STANDARD")
    spec = changed(engine, previous, parameters={**previous["parameters"], "work_mem": "4MB"})
    assert verdict(engine, spec, previous, sized(spec), 1000)["reason"] == "Settling"
    assert verdict(engine, spec, previous, sized(spec), 6000)["state"] == "ready"
