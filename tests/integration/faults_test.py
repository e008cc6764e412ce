"""Faults of the API server fail no operation and hang none."""
import json
import os
import time

import pytest

from integration import clusters
from integration.host import Host, leftovers, make_dir, remove_dir, wait_for

# The simulated operators are clients too and have no back-off worth testing: what hits every n-th write hits the host's.
HOST = {"userAgent": "slipwayd"}


@pytest.fixture()
def pair():
    data = make_dir()
    sim = clusters.start(os.path.join(data, "sim"))
    host = Host(os.path.join(data, "host"), sim, config="stage_timeout_seconds: {default: 300}").start()
    yield host, sim
    host.stop()
    sim.stop()
    remove_dir(data)


def succeeded(host, answer):
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "SUCCEEDED", json.dumps(operation, indent=1)
    return operation


def hits(sim):
    return sum(rule["hits"] for rule in sim.call("GET", "/_sim/faults").json)


@pytest.mark.parametrize("fault", [
    {"match": {"method": "PATCH", **HOST}, "action": "status", "status": 409, "every": 2},
    {"match": HOST, "action": "status", "status": 429, "retryAfter": 1, "every": 3},
    {"match": {"verb": "watch"}, "action": "gone", "every": 3},
    {"match": {"verb": "watch"}, "action": "half-line", "every": 3},
    {"match": {"verb": "watch"}, "action": "drop", "every": 2},
    {"match": {"method": "GET", **HOST}, "action": "half-line", "every": 3},
    {"match": {"path": "/clusters", **HOST}, "action": "status", "status": 500, "every": 2},
    {"match": HOST, "action": "drop", "every": 4},
    {"match": HOST, "action": "garbage", "every": 7},
], ids=["409", "429-storm", "410", "half-line-of-a-watch", "dropped-watch", "half-an-answer", "500", "dropped-connection", "a-page-of-html"])
def test_faults_of_the_api_server_fail_no_operation(pair, fault):
    host, sim = pair
    sim.fault(**fault)
    if fault["match"].get("verb") == "watch":  # those that stand were let through: make the host watch anew
        sim.fault(match={}, action="refuse-all", ms=50, count=1)
    operation = succeeded(host, host.create("storm"))
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"])
    assert deleted["state"] == "SUCCEEDED"
    assert hits(sim) > 0
    sim.clear_faults()
    assert leftovers(sim, "acme-storm") == []


def test_a_minute_without_an_api_server_is_waited_for(pair):
    host, sim = pair
    answer = host.create("patient")
    sim.fault(match={}, action="refuse-all", ms=60_000, count=1)
    refused = time.monotonic()
    waiting = wait_for(lambda: next((s["waitingFor"] for s in host.operation(answer.json["id"])["stages"] if s.get("waitingFor") and s["waitingFor"]["kind"] == "APIServer"), None), 40, "waitingFor")
    assert waiting["reason"]
    other = host.create("later")  # taken while nothing can be done about it
    assert other.status == 202
    assert host.call("GET", "/readyz").status == 503
    assert host.call("GET", "/livez").status == 200
    succeeded(host, answer)
    assert time.monotonic() - refused >= 60, "the API server was there all the time"
    succeeded(host, other)


def test_a_proxy_that_answers_404_to_everything_makes_nobody_forget_an_object(pair):
    host, sim = pair
    operation = succeeded(host, host.create("kept"))
    sim.fault(match=HOST, action="page")
    early = host.create("early")  # nor is an operator taken for missing
    deleted = host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"]
    waiting = wait_for(lambda: next((s["waitingFor"] for s in host.operation(deleted)["stages"] if s.get("waitingFor")), None), 40, "waitingFor")
    assert waiting["kind"] == "APIServer", waiting
    wait_for(lambda: hits(sim) > 15, 120, "some more looks")
    assert not host.operation(deleted)["done"] and not host.operation(early.json["id"])["done"]
    sim.clear_faults()
    assert host.finish(deleted)["state"] == "SUCCEEDED"
    assert leftovers(sim, "acme-kept") == []
    succeeded(host, early)
