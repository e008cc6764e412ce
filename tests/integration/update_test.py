"""Changes of a running PostgreSQL by PATCH: what the plan promised is compared with the pods afterwards, and a client writes meanwhile."""
import json
import shutil
import time

import pytest

from integration import databases
from integration.day_two_test import Writer, done, host, pods, sql, state, uri  # host: its fixture
from integration.host import wait_for

pytestmark = pytest.mark.skipif(not shutil.which("psql"), reason="PostgreSQL is not installed")
MERGE = {"Content-Type": "application/merge-patch+json"}
STAGES = ["VALIDATING", "QUOTA", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_CHECK", "METRICS_SETUP", "QUOTA_RELEASE", "COMPLETED"]


@pytest.fixture(scope="module")
def one(host):
    return done(host, host.create("one", "FREE"))["target"]["id"]


def patch(host, instance, body, query="", headers=None):
    return host.call("PATCH", f"/v1/instances/{instance}{query}", body, {**MERGE, **(headers or {})})


def planned(host, instance, body):
    answer = patch(host, instance, body, "?dryRun=true")
    assert answer.status == 200, answer.body
    return answer.json["plan"]


def shown(host, instance):
    return host.call("GET", f"/v1/instances/{instance}").json


def quota(host, namespace):
    return json.loads(host.kubectl("-n", namespace, "get", "resourcequota", "slipway", "-o", "jsonpath={.spec.hard}"))


def claims(host, namespace):
    """Name → what it asks for and what it has."""
    listed = json.loads(host.kubectl("-n", namespace, "get", "pvc", "-o", "json"))["items"]
    return {c["metadata"]["name"]: (c["spec"]["resources"]["requests"]["storage"], c["status"]["capacity"]["storage"]) for c in listed}


def memory(host, namespace):
    return set(host.kubectl("-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].spec.containers[?(@.name=='postgres')].resources.requests.memory}").split())


def test_a_tier_is_planned_and_then_is_as_the_plan_said(host, one, capsys):
    before = shown(host, one)
    plan = planned(host, one, {"tier": "STANDARD"})
    how = {c["path"]: c["how"] for c in plan["changes"]}
    assert how["/instances"] == how["/storage"] == "IN_PLACE" and how["/memory"] == how["/cpu"] == "ROLLING_RESTART", plan
    assert how["/parameters/shared_buffers"] == "ROLLING_RESTART" and how["/parameters/effective_cache_size"] == "RELOAD", "defaults follow the size"
    assert plan["restarts"] and plan["downtime"] == "MINUTES" and plan["irreversible"] == ["/storage"], plan
    assert all(shown(host, one)[part] == before[part] for part in ("generation", "spec")) and quota(host, "acme-one") == plan["quota"]["before"], "nothing has happened"
    with Writer(host, one) as writer:
        answer = patch(host, one, {"tier": "STANDARD"}, "?planHash=" + plan["hash"])
        wait_for(lambda: state(host, one) == "UPDATING", 30, "the instance to say that it is UPDATING")
        operation = done(host, answer)
    assert [(s["name"], s["state"]) for s in operation["stages"]] == [(name, "SUCCEEDED") for name in STAGES]
    now = shown(host, one)
    assert now["status"]["state"] == "ACTIVE" and now["generation"] > before["generation"]
    tier = next(t for t in host.call("GET", "/v1/tiers").json["items"] if t["name"] == "STANDARD")
    assert {name: now["spec"][name] for name in ("tier", "instances", "storage", "memory", "cpu")} == {
        "tier": "STANDARD", **{name: tier[name] for name in ("instances", "storage", "memory", "cpu")}}
    assert len(pods(host, "acme-one")) == 3 and memory(host, "acme-one") == {tier["memory"]}
    assert set(claims(host, "acme-one").values()) == {(tier["storage"], tier["storage"])}
    assert quota(host, "acme-one") == plan["quota"]["after"]
    assert {e["role"] for e in now["status"]["endpoints"]} == {"READ_WRITE", "READ_ONLY"}
    with capsys.disabled():
        print(f"\nFREE to STANDARD: {writer.check()}", end="")


def test_a_plan_without_restarts_restarts_nobody(host, one):
    before = pods(host, "acme-one")
    plan = planned(host, one, {"parameters": {"work_mem": "7MB"}})
    assert [(c["path"], c["to"], c["how"]) for c in plan["changes"]] == [("/parameters/work_mem", "7MB", "RELOAD")], plan
    assert not plan["restarts"] and plan["downtime"] == "NONE" and plan["irreversible"] == []
    done(host, patch(host, one, {"parameters": {"work_mem": "7MB"}}))
    assert pods(host, "acme-one") == before
    wait_for(lambda: sql(uri(host, one), "SHOW work_mem") == "7MB", 30, "the parameter to be there")
    # The operator has written defaults of its own into the Cluster, this one among them.
    done(host, patch(host, one, {"parameters": {"archive_timeout": "7min"}}))
    wait_for(lambda: sql(uri(host, one), "SHOW work_mem") == "7MB", 30, "the parameter to be there still")
    again = patch(host, one, {"parameters": {"work_mem": "7MB"}})
    assert again.status == 200 and again.json["spec"]["parameters"]["work_mem"] == "7MB", "there was nothing to do"
    plan = planned(host, one, {"parameters": {"work_mem": None}})
    assert plan["changes"][0]["from"] == "7MB" and plan["changes"][0]["to"] != "7MB", "back to the default"


def test_a_parameter_of_the_start_restarts_everybody_as_the_plan_says(host, one, capsys):
    before = pods(host, "acme-one")
    plan = planned(host, one, {"parameters": {"max_connections": 230}})
    assert plan["restarts"] and plan["downtime"] == "SECONDS", plan
    with Writer(host, one) as writer:
        done(host, patch(host, one, {"parameters": {"max_connections": 230}}))
    assert sql(uri(host, one), "SHOW max_connections") == "230"
    assert pods(host, "acme-one").keys() == before.keys()
    with capsys.disabled():
        print(f"\nmax_connections of three members: {writer.check()}", end="")


def test_scaling_down_says_what_goes_and_takes_only_that(host, one):
    assert sql(uri(host, one), "CREATE TABLE kept AS SELECT 42 AS answer") is not None
    plan = planned(host, one, {"instances": 2})
    assert plan["irreversible"] == ["/instances: 1 of 3 members, each with its volume"] and not plan["restarts"], plan
    before = pods(host, "acme-one")
    done(host, patch(host, one, {"instances": 2}))
    now = pods(host, "acme-one")
    assert len(now) == 2 and all(before[name][0] == uid for name, (uid, _) in now.items()), "nobody was restarted"
    assert len(claims(host, "acme-one")) == 2 and sql(uri(host, one), "SELECT answer FROM kept") == "42"


def test_a_host_that_is_killed_goes_on_with_it_and_a_repeated_request_is_the_same_one(host, one):
    key, seen = {"Idempotency-Key": "grow"}, "?planHash=" + planned(host, one, {"instances": 3})["hash"]
    stale = patch(host, one, {"instances": 3}, "?planHash=" + "0" * 64, {"Idempotency-Key": "stale"})
    assert (stale.status, stale.json["code"]) == (409, "PLAN_STALE"), stale.body
    answer = patch(host, one, {"instances": 3}, seen, key)
    for _ in range(3):
        time.sleep(0.3)
        host.kill()
        host.start()
    operation = done(host, patch(host, one, {"instances": 3}, seen, key))
    assert operation["id"] == answer.json["id"] and len(pods(host, "acme-one")) == 3
    again = patch(host, one, {"instances": 3}, seen, key)
    assert (again.status, again.json["id"], again.headers["idempotency-replayed"]) == (202, answer.json["id"], "true"), "though the plan is stale now"


def test_one_that_is_cancelled_goes_back(host, one):
    before, size = shown(host, one)["spec"], memory(host, "acme-one")
    answer = patch(host, one, {"memory": "3Gi", "storage": "60Gi"})
    wait_for(lambda: host.operation(answer.json["id"])["progress"]["stage"] == "WAITING_FOR_READY", 60, "the change to be on its way")
    cancelled = host.call("POST", f"/v1/operations/{answer.json['id']}/cancel")
    assert cancelled.status == 202, cancelled.body
    operation = done(host, answer, "CANCELLED")
    assert operation["rollback"]["state"] == "COMPLETE" and operation["rollback"]["kept"] == ["/storage"], operation["rollback"]
    assert [s["name"] for s in operation["rollback"]["steps"]] == ["CRD_DEPLOYMENT", "WAITING_FOR_READY", "QUOTA_RELEASE"]
    wait_for(lambda: state(host, one) == "ACTIVE", 30, "the instance to be ACTIVE")
    now = shown(host, one)["spec"]
    assert now["memory"] == before["memory"] and now["storage"] == "60Gi" and memory(host, "acme-one") == size
    assert set(claims(host, "acme-one").values()) == {("60Gi", "60Gi")} and sql(uri(host, one), "SELECT answer FROM kept") == "42"


def test_one_that_grows_out_of_a_default_can_go_back(host):
    """With more storage wal_keep_size is the operator's to say, which then has written it down when the host wants it back."""
    small = done(host, host.create("small", "FREE"))["target"]["id"]
    before = shown(host, small)["spec"]
    answer = patch(host, small, {"storage": "60Gi", "memory": "1Gi"})
    wait_for(lambda: host.operation(answer.json["id"])["progress"]["stage"] == "WAITING_FOR_READY", 60, "the change to be on its way")
    wait_for(lambda: "wal_keep_size" in host.kubectl("-n", "acme-small", "get", "cluster", "small", "-o", "jsonpath={.spec.postgresql.parameters}"), 30, "the default")
    host.call("POST", f"/v1/operations/{answer.json['id']}/cancel")
    operation = done(host, answer, "CANCELLED")
    assert operation["rollback"]["state"] == "COMPLETE", operation["rollback"]
    assert shown(host, small)["spec"] == {**before, "storage": "60Gi"}
    done(host, host.call("DELETE", f"/v1/instances/{small}"))


def test_storage_that_cannot_grow_is_refused_before_anything_is_touched(host, one):
    before, uids = shown(host, one)["spec"], pods(host, "acme-one")
    host.kubectl("patch", "storageclass", "standard", "--type=merge", "-p", '{"allowVolumeExpansion": false}')
    operation = done(host, patch(host, one, {"storage": "70Gi"}), "FAILED")
    host.kubectl("patch", "storageclass", "standard", "--type=merge", "-p", '{"allowVolumeExpansion": true}')
    assert operation["error"]["code"] == "STORAGE_CANNOT_GROW" and "standard" in operation["error"]["message"], operation["error"]
    assert operation["rollback"]["state"] == "COMPLETE" and "kept" not in operation["rollback"], "nothing has grown"
    wait_for(lambda: state(host, one) == "ACTIVE", 30, "the instance to be ACTIVE")
    assert shown(host, one)["spec"] == before and pods(host, "acme-one") == uids and set(claims(host, "acme-one").values()) == {("60Gi", "60Gi")}


def test_what_cannot_be_is_said_with_its_place(host, one):
    for body, pointer in (({"storage": "1Gi"}, "/storage"), ({"storage": "much"}, "/storage"), ({"instances": 0}, "/instances"), ({"instances": "3"}, "/instances"),
                          ({"instances": 16}, "/instances"), ({"memory": 4}, "/memory"), ({"memory": "1Mi"}, "/memory"), ({"tier": "HUGE"}, "/tier"),
                          ({"tier": None}, "/tier"), ({"parameters": []}, "/parameters"), ({"parameters": {"fsync": "off"}}, "/parameters/fsync"),
                          ({"parameters": {"shared_buffers": "900GB"}}, "/parameters/shared_buffers"), ({"name": "two"}, "/name"),
                          ({"instances": 3, "labels": {"a": "b"}}, "")):
        for query, headers in (("", None), ("?dryRun=true", None), ("", {"Idempotency-Key": f"wrong-{json.dumps(body)}"})):
            answer = patch(host, one, body, query, headers)
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == pointer, (body, answer.body)
    for body in ({"version": "17"}, {"backup": {}}):
        assert patch(host, one, body).status == 501
    stale = patch(host, one, {"instances": 2}, "?planHash=" + "0" * 64)
    assert (stale.status, stale.json["code"]) == (409, "PLAN_STALE"), stale.body
    assert patch(host, one, {"instances": 2}, headers={"If-Match": '"g0-x"'}).json["code"] == "ETAG_MISMATCH"
    assert len(pods(host, "acme-one")) == 3
    other = done(host, host.create("other", "FREE", database=databases.MONGODB))["target"]["id"]
    answer = patch(host, other, {"memory": "2Gi"})
    assert (answer.status, answer.json["code"]) == (422, "VERB_UNSUPPORTED") and "mongodb-community" in answer.json["detail"], answer.body


def test_one_at_a_time_and_a_delete_takes_its_place(host, one):
    answer = patch(host, one, {"instances": 5})
    busy = patch(host, one, {"instances": 2})
    assert (busy.status, busy.json["code"]) == (409, "OPERATION_IN_PROGRESS") and answer.json["id"] in busy.json["detail"], busy.body
    done(host, host.call("DELETE", f"/v1/instances/{one}"))
    ended = host.operation(answer.json["id"])
    assert ended["state"] == "CANCELLED" and ended["error"]["code"] == "SUPERSEDED", ended
