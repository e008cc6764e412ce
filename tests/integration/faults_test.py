"""Operations against slipwayd and slipway-sim without databases: faults of the API server fail nothing."""
import json
import os
import time

import pytest

from integration.host import BUILD, Host, Sim, make_dir, remove_dir, wait_for


@pytest.fixture()
def pair():
    data = make_dir()
    sim = Sim(os.path.join(data, "sim"), databases=False)
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


def leftovers(sim, namespace):
    found = []
    if sim.call("GET", f"/api/v1/namespaces/{namespace}").status != 404:
        found.append("namespace")
    for path in ("/apis/postgresql.cnpg.io/v1/clusters", "/api/v1/pods", "/api/v1/secrets", "/apis/networking.k8s.io/v1/networkpolicies"):
        found += [o["metadata"]["name"] for o in sim.list(path) if o["metadata"].get("namespace") == namespace]
    return found


@pytest.mark.parametrize("fault", [
    {"match": {"method": "PATCH"}, "action": "status", "status": 409, "every": 2},
    {"match": {}, "action": "status", "status": 429, "retryAfter": 1, "every": 3},
    {"match": {"verb": "watch"}, "action": "gone", "every": 3},
    {"match": {"verb": "watch"}, "action": "half-line", "every": 3},
    {"match": {"verb": "watch"}, "action": "drop", "every": 2},
    {"match": {"path": "/clusters"}, "action": "status", "status": 500, "every": 2},
], ids=["409", "429-storm", "410", "half-line", "dropped-watch", "500"])
def test_faults_of_the_api_server_fail_no_operation(pair, fault):
    host, sim = pair
    sim.fault(**fault)
    operation = succeeded(host, host.create("storm"))
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"])
    assert deleted["state"] == "SUCCEEDED"
    sim.clear_faults()
    assert leftovers(sim, "acme-storm") == []


def test_a_silent_api_server_is_waited_for(pair):
    host, sim = pair
    sim.fault(match={}, action="refuse-all", ms=15000)
    answer = host.create("patient")
    assert answer.status == 202
    waiting = wait_for(lambda: next((s["waitingFor"] for s in host.operation(answer.json["id"])["stages"] if s.get("waitingFor")), None), 40, "waitingFor")
    assert waiting["kind"] == "APIServer"
    assert host.finish(answer.json["id"])["state"] == "SUCCEEDED"
