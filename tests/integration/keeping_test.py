"""Ordinary events lose no database: a host that is away, objects that vanish, namespaces that come and go, secrets that change, calls that hang."""
import base64
import json
import os
import time

import pytest

from integration import clusters, databases
from integration.host import Host, leftovers, make_dir, remove_dir, wait_for

MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture()
def pair(request):
    data = make_dir()
    sim = clusters.start(os.path.join(data, "sim"), fast=True)
    host = Host(os.path.join(data, "host"), sim, config=getattr(request, "param", "stage_timeout_seconds: {default: 300}")).start()
    yield host, sim
    host.stop()
    sim.stop()
    remove_dir(data)


def succeeded(host, answer, seconds=120):
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], seconds)
    assert operation["state"] == "SUCCEEDED", json.dumps(operation, indent=1)
    return operation


def status_becomes(host, path, check, what):
    def seen():
        status = host.call("GET", path).json["status"]
        return status if check(status) else None
    return wait_for(seen, 90, what)


def condition(status, kind):
    return next((c for c in status["conditions"] if c["type"] == kind), {})


@pytest.mark.parametrize("pair", ["stage_timeout_seconds: {WAITING_FOR_READY: 6}"], indirect=True)
def test_a_host_that_was_away_for_longer_than_a_limit_looks_before_it_judges(pair):
    host, sim = pair
    sim.fault(match={"userAgent": "cloudnative-pg-sim", "path": "/namespaces/acme-away/"}, action="status", status=503)
    answer = host.create("away")
    wait_for(lambda: host.operation(answer.json["id"])["progress"]["stage"] == "WAITING_FOR_READY", 60, "the stage")
    host.kill()
    sim.clear_faults()
    time.sleep(8)  # longer than the limit, which is what we test
    wait_for(lambda: [p for p in sim.list("/api/v1/namespaces/acme-away/pods") if p["status"].get("phase") == "Running"], 60, "the database to be there")
    host.start()
    succeeded(host, answer)


@databases.each
def test_what_vanishes_while_the_host_is_down_is_told(pair, database):
    host, sim = pair
    path = succeeded(host, host.create("lost", database=database))["target"]["path"]
    assert host.call("GET", path).json["status"]["state"] == "ACTIVE"
    host.kill()
    assert sim.call("DELETE", database.of("acme-lost") + "/lost").status in (200, 202)
    host.start()
    status = status_becomes(host, path, lambda s: s["state"] == "DEGRADED" and s.get("reason") == "OBJECT_MISSING", "the loss to be told")
    assert "lost" in status["message"] and condition(status, "ObjectsPresent")["status"] == "FALSE", status


def test_a_namespace_and_what_no_watch_shows_are_told_too(pair):
    host, sim = pair
    one = succeeded(host, host.create("policy"))["target"]["path"]
    two = succeeded(host, host.create("space"))["target"]["path"]
    host.kill()
    name = sim.list("/apis/networking.k8s.io/v1/namespaces/acme-policy/networkpolicies")[0]["metadata"]["name"]
    assert sim.call("DELETE", f"/apis/networking.k8s.io/v1/namespaces/acme-policy/networkpolicies/{name}").status == 200
    assert sim.call("DELETE", "/api/v1/namespaces/acme-space").status in (200, 202)
    host.start()
    for path, words in ((one, f"NetworkPolicy acme-policy/{name}"), (two, "acme-space")):
        status_becomes(host, path, lambda s, words=words: s["state"] == "DEGRADED" and words in s.get("message", ""), words)


@databases.each
def test_credentials_follow_their_secret(pair, database):
    host, sim = pair
    path = succeeded(host, host.create("follow", database=database))["target"]["path"]
    before = host.call("GET", path + "/credentials").json["password"]
    encoded = base64.b64encode(before.encode()).decode()
    for secret in sim.list("/api/v1/namespaces/acme-follow/secrets"):
        for key in (key for key, value in secret.get("data", {}).items() if value == encoded):
            changed = sim.call("PATCH", f"/api/v1/namespaces/acme-follow/secrets/{secret['metadata']['name']}", {"stringData": {key: "another-password"}}, MERGE)
            assert changed.status == 200, changed.body
    assert host.call("GET", path + "/credentials").json["password"] == "another-password"
    assert condition(host.call("GET", path).json["status"], "CredentialsCurrent")["status"] == "TRUE"


def test_a_secret_that_is_gone_is_told_and_the_last_values_stay(pair):
    host, sim = pair
    path = succeeded(host, host.create("bare"))["target"]["path"]
    before = host.call("GET", path + "/credentials").json["password"]
    sim.fault(match={"userAgent": "cloudnative-pg-sim", "path": "/namespaces/acme-bare/secrets"}, action="status", status=503)
    assert sim.call("DELETE", "/api/v1/namespaces/acme-bare/secrets/bare-app").status == 200
    assert host.call("GET", path + "/credentials").json["password"] == before
    status = host.call("GET", path).json["status"]
    assert condition(status, "CredentialsCurrent")["reason"] == "SECRET_MISSING", status
    sim.clear_faults()


def test_a_create_after_the_last_delete_of_a_project_waits_and_goes_on(pair):
    host, sim = pair
    first = succeeded(host, host.create("g", name="one"))
    holder = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "holder", "finalizers": ["example.org/hold"]}}
    assert sim.call("POST", "/api/v1/namespaces/acme-g/configmaps", holder).status == 201
    deleted = host.call("DELETE", first["target"]["path"])
    host.waits_for(deleted.json["id"], "Namespace")
    second = host.create("g", name="two")
    host.waits_for(second.json["id"], "Namespace", "BeingDeleted")
    third = host.create("g", name="three")
    assert sim.call("PATCH", "/api/v1/namespaces/acme-g/configmaps/holder", {"metadata": {"finalizers": None}}, MERGE).status == 200
    succeeded(host, deleted)
    paths = [succeeded(host, answer)["target"]["path"] for answer in (second, third)]
    assert sim.call("GET", "/api/v1/namespaces/acme-g").status == 200
    # Delete the last two together: the one that leaves last takes the namespace with it.
    for answer in [host.call("DELETE", path) for path in paths]:
        succeeded(host, answer)
    assert leftovers(sim, "acme-g") == []


def test_creates_that_fail_together_leave_no_namespace(pair):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": "/clusters/"}, action="status", status=422)
    answers = [host.create("f", name=f"db{i}") for i in range(3)]
    for answer in answers:
        assert host.finish(answer.json["id"])["rollback"]["state"] == "COMPLETE"
    assert leftovers(sim, "acme-f") == []


def test_the_quota_is_the_sum_of_the_instances_that_there_are(pair):
    host, sim = pair
    sim.fault(match={"path": "/resourcequotas/", "userAgent": "slipwayd"}, action="latency", ms=1500, count=2)
    answers = [host.create("q", name=f"db{i}", tier="STANDARD") for i in range(2)]
    for answer in answers:
        succeeded(host, answer)
    both = sim.call("GET", "/api/v1/namespaces/acme-q/resourcequotas/slipway").json["spec"]["hard"]["pods"]
    alone = succeeded(host, host.create("alone", tier="STANDARD")) and sim.call("GET", "/api/v1/namespaces/acme-alone/resourcequotas/slipway").json["spec"]["hard"]["pods"]
    assert int(both) == 2 * int(alone), (both, alone)


@pytest.mark.parametrize("database", databases.ALL, ids=lambda database: database.id)
def test_a_quota_that_refuses_pods_is_named(pair, database):
    host, sim = pair
    succeeded(host, host.create("full", name="first", database=database))
    quotas = "/api/v1/namespaces/acme-full/resourcequotas"
    used = wait_for(lambda: sim.call("GET", quotas + "/slipway").json.get("status", {}).get("used", {}).get("pods"), 30, "the pods to be counted")
    assert sim.call("POST", quotas, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "theirs"}, "spec": {"hard": {"pods": used}}}).status == 201
    second = host.create("full", name="second", database=database).json["id"]
    waiting = host.waits_for(second, "ResourceQuota")
    assert waiting["name"] == "theirs", json.dumps(waiting)
    assert waiting["reason"] == "Exceeded" and f"pods: {used} of {used} are used" in waiting["message"], waiting["message"]
    assert sim.call("DELETE", quotas + "/theirs").status == 200
    assert host.finish(second, 200)["state"] == "SUCCEEDED"


def test_one_engines_hanging_calls_hold_up_nobody_else(pair):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": "/clusters/", "userAgent": "slipwayd"}, action="latency", ms=20_000)
    slow = [host.create(f"slow{i}") for i in range(24)]
    assert [answer.status for answer in slow] == [202] * 24
    succeeded(host, host.create("quick", database=databases.MYSQL))
    unfinished = [answer for answer in slow if not host.operation(answer.json["id"])["done"]]
    assert len(unfinished) == 24, "the calls did not hang"
    for answer in unfinished:  # each operation says what it waits for
        host.waits_for(answer.json["id"], "APIServer", seconds=30)
    sim.clear_faults()
    for answer in slow:
        succeeded(host, answer)


def test_without_an_api_server_every_operation_says_so(pair):
    host, sim = pair
    sim.fault(match={"userAgent": "slipwayd"}, action="drop")
    answers = [host.create(f"p{i}") for i in range(100)]
    for answer in answers:
        host.waits_for(answer.json["id"], "APIServer")
    sim.clear_faults()
    for answer in answers:
        succeeded(host, answer, 400)  # a hundred at once


def test_the_last_words_of_who_refused_are_told(pair):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": "/clusters/", "userAgent": "slipwayd"}, action="status", status=500)
    answer = host.create("words")
    waiting = host.waits_for(answer.json["id"], "APIServer")
    assert waiting["message"] and waiting["message"] != waiting["reason"], waiting
    sim.clear_faults()
    succeeded(host, answer)


def test_a_namespace_deleted_during_a_create_ends_it_with_that_reason(pair):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": "/clusters/", "userAgent": "slipwayd"}, action="status", status=503)
    answer = host.create("cut")
    host.waits_for(answer.json["id"], "APIServer")
    wait_for(lambda: host.operation(answer.json["id"])["progress"]["stage"] == "CRD_DEPLOYMENT", 30, "the stage")
    assert sim.call("DELETE", "/api/v1/namespaces/acme-cut").status in (200, 202)
    wait_for(lambda: sim.call("GET", "/api/v1/namespaces/acme-cut").status == 404, 60, "the namespace to be gone")
    sim.clear_faults()
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "FAILED" and operation["error"]["code"] == "NAMESPACE_GONE", operation["error"]
    assert operation["rollback"]["state"] == "COMPLETE"
