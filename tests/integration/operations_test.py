"""Operations against slipwayd and slipway-sim without databases: conflicts, rollback, cancel, faults of the API server."""
import json
import os
import signal
import socket
import time

import pytest

from integration import clusters, databases
from integration.host import Host, bind_volume, leftovers, make_dir, remove_dir, wait_for


@pytest.fixture()
def pair():
    data = make_dir()
    sim = clusters.start(os.path.join(data, "sim"), fast=True)
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


def test_one_live_operation_and_a_name_only_once(pair):
    host, _ = pair
    first = host.create("orders")
    again = host.create("orders")
    assert again.status == 409 and again.json["code"] == "NAME_TAKEN"
    succeeded(host, first)
    assert host.create("orders").status == 409


@databases.each
def test_two_tenants_that_meet_in_one_namespace_name_are_refused(pair, database):
    host, _ = pair
    succeeded(host, host.create("b-c", org="a", database=database))
    for other in databases.ALL:
        answer = host.create("c", org="a-b", database=other)
        assert answer.status == 409 and answer.json["code"] == "NAMESPACE_TAKEN" and "a-b-c" in answer.json["detail"], answer.body


@databases.each
def test_a_namespace_of_somebody_else_is_left_alone(pair, database):
    host, sim = pair
    assert sim.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "acme-theirs"}}).status == 201
    operation = host.finish(host.create("theirs", database=database).json["id"])
    assert operation["state"] == "FAILED" and operation["error"]["code"] == "NAMESPACE_NOT_OURS"
    assert sim.call("GET", "/api/v1/namespaces/acme-theirs").json["metadata"].get("deletionTimestamp") is None


@databases.each
def test_a_failed_create_leaves_nothing_and_frees_the_name(pair, database):
    host, sim = pair
    # The API server refuses the operator's Cluster for good.
    sim.fault(match={"method": "PATCH", "path": database.path}, action="status", status=422)
    operation = host.finish(host.create("broken", database=database).json["id"])
    assert operation["state"] == "FAILED" and operation["rollback"]["state"] == "COMPLETE", operation
    assert {s["name"]: s["state"] for s in operation["stages"]}["NAMESPACE_CREATION"] == "COMPENSATED"
    assert leftovers(sim, "acme-broken") == []
    sim.clear_faults()
    succeeded(host, host.create("broken", database=database))


@databases.each
def test_retain_keeps_and_retry_goes_on(pair, database):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": database.path}, action="status", status=422)
    operation = host.finish(host.create("kept", database=database, onFailure="RETAIN").json["id"])
    assert operation["state"] == "FAILED" and operation["rollback"]["state"] == "RETAINED"
    assert "namespace" in leftovers(sim, "acme-kept")
    sim.clear_faults()
    assert host.call("POST", f"/v1/operations/{operation['id']}/retry").status == 202
    assert wait_for(lambda: host.operation(operation["id"])["state"] == "SUCCEEDED", 60, "the retried operation")


def test_retry_of_a_waiting_operation_looks_again_at_once(pair):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": databases.POSTGRESQL.path}, action="status", status=503)
    answer = host.create("held")
    host.waits_for(answer.json["id"], "APIServer")
    again = host.call("POST", f"/v1/operations/{answer.json['id']}/retry", {})
    assert again.status == 202 and again.json["id"] == answer.json["id"] and not again.json["done"], again.body
    sim.clear_faults()
    succeeded(host, answer)
    assert host.call("POST", f"/v1/operations/{answer.json['id']}/retry", {}).status == 409  # an operation that has ended is not retried


@databases.each
def test_cancel_undoes(pair, database):
    host, sim = pair
    sim.fault(match={"method": "GET", "path": database.path.rstrip("/")}, action="latency", ms=1)  # a little traffic, and nothing else
    answer = host.create("gone", database=database, parameters={})
    cancelled = host.call("POST", f"/v1/operations/{answer.json['id']}/cancel")
    assert cancelled.status in (202, 409)
    operation = host.finish(answer.json["id"])
    if cancelled.status == 202 and operation["state"] != "SUCCEEDED":
        assert operation["state"] == "CANCELLED"
        assert leftovers(sim, "acme-gone") == []


@databases.each
def test_delete_supersedes_a_running_create(pair, database):
    host, sim = pair
    sim.fault(match={"method": "PATCH", "path": database.path}, action="status", status=503)
    answer = host.create("early", database=database)
    instance = answer.json["target"]["id"]
    wait_for(lambda: (host.operation(answer.json["id"])["progress"]["stage"]) == "CRD_DEPLOYMENT", 30, "the stuck stage")
    deleted = host.call("DELETE", f"/v1/instances/{instance}")
    assert deleted.status == 202
    sim.clear_faults()
    assert host.finish(deleted.json["id"])["state"] == "SUCCEEDED"
    assert host.operation(answer.json["id"])["state"] == "CANCELLED"
    assert leftovers(sim, "acme-early") == []


def test_deletion_protection_and_idempotency(pair):
    host, _ = pair
    body = {"orgId": "acme", "projectName": "safe", "databaseType": "POSTGRESQL", "tier": "FREE", "deletionProtection": True}
    first = host.call("POST", "/v1/instances", body, {"Idempotency-Key": "k-1"})
    again = host.call("POST", "/v1/instances", body, {"Idempotency-Key": "k-1"})
    assert again.status == 202 and again.json["id"] == first.json["id"] and again.headers["idempotency-replayed"] == "true"
    other = host.call("POST", "/v1/instances", {**body, "tier": "STANDARD"}, {"Idempotency-Key": "k-1"})
    assert other.status == 422 and other.json["code"] == "IDEMPOTENCY_KEY_REUSED"
    succeeded(host, first)
    path = f"/v1/instances/{first.json['target']['id']}"
    assert host.call("DELETE", path).json["code"] == "DELETION_PROTECTED"

    def unchanged():
        tag = host.call("GET", path).headers["etag"]
        return tag if host.call("GET", path, headers={"If-None-Match": tag}).status == 304 else None

    # The operator may still write its status after the create has ended. Only an observation without changes keeps the tag.
    etag = wait_for(unchanged, 60, "an instance that no observation changes")
    merge = {"Content-Type": "application/merge-patch+json"}
    assert host.call("PATCH", path, {"deletionProtection": False}, {**merge, "If-Match": '"wrong"'}).status == 412
    assert host.call("PATCH", path, {"deletionProtection": False}, {**merge, "If-Match": etag}).status == 200
    assert host.finish(host.call("DELETE", path).json["id"])["state"] == "SUCCEEDED"


def test_an_engine_that_is_disabled_leaves_its_instances_listed(pair):
    host, _ = pair
    engines = os.path.join(host.data, "engines.d")
    os.makedirs(engines)
    with open(os.path.join(host.build, "engines.d", "postgres-cnpg.yaml"), encoding="utf-8") as f:
        text = f.read()
    host.stop()
    host.engines = engines
    with open(os.path.join(engines, "postgres-cnpg.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(engines, "broken.yaml"), "w", encoding="utf-8") as f:
        f.write("name: broken\npath: /etc/hostname\n")
    host.start()
    engine_states = {e["name"]: e for e in host.call("GET", "/v1/engines").json["items"]}
    assert engine_states["broken"]["state"] == "INCOMPATIBLE" and engine_states["broken"]["reason"] == "NotElf"
    operation = succeeded(host, host.create("orders"))
    with open(os.path.join(engines, "postgres-cnpg.yaml"), "w", encoding="utf-8") as f:
        f.write(text.replace("enabled: true", "enabled: false"))
    host.process.send_signal(signal.SIGHUP)
    path = f"/v1/instances/{operation['target']['id']}"
    wait_for(lambda: host.call("GET", path).json["status"].get("reason") == "ENGINE_UNAVAILABLE", 20, "the instance to be listed without its engine")


def test_a_reload_with_mistakes_changes_nothing_and_logs_each(pair):
    host, _ = pair
    with open(host.config, encoding="utf-8") as f:
        good = f.read()
    for bad, problems in (("tokens: oops\nstage_timeout_seconds: 5\n", ("slipway.yaml:1:1: tokens must be a list", "slipway.yaml:2:1: stage_timeout_seconds must be a mapping")),
                          (good.replace("role: admin", "role: king") + "lgo:\n", ("tokens[0].role must be admin, editor or viewer", "lgo is an unknown key")),
                          ("tokens: [\n", ("slipway.yaml:",))):
        mark = os.path.getsize(host.log_path)
        with open(host.config, "w", encoding="utf-8") as f:
            f.write(bad)
        host.process.send_signal(signal.SIGHUP)

        def logged():
            with open(host.log_path, encoding="utf-8") as f:
                f.seek(mark)
                return [json.loads(line)["problem"] for line in f if line.endswith("\n") and '"config.refused"' in line]
        found = wait_for(lambda: logged() if len(logged()) >= len(problems) else None, 20, "the problems in the log")
        assert len(found) == len(problems) and all(p in q for p, q in zip(problems, found)), found
        assert host.call("GET", "/v1/instances").status == 200, "the old tokens are good"
    with open(host.config, "w", encoding="utf-8") as f:
        f.write(good.replace("name: viewer", "name: onlooker"))
    mark = os.path.getsize(host.log_path)
    host.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "host.reloaded" in open(host.log_path, encoding="utf-8").read()[mark:], 20, "the good file to be taken")


@databases.each
def test_bad_requests_name_every_field(pair, database):
    host, _ = pair
    answer = host.call("POST", "/v1/instances", {"orgId": "Acme", "projectName": "x", "databaseType": "ORACLE", "tier": "HUGE", "surprise": 1})
    assert answer.status == 422
    pointers = {e["pointer"] for e in answer.json["errors"]}
    assert {"/orgId", "/surprise"} <= pointers or "/surprise" in pointers, pointers
    answer = host.create("x", database=database, parameters=database.bad_parameters)
    assert answer.status == 422
    assert {e["pointer"] for e in answer.json["errors"]} == {"/parameters/" + name for name in database.bad_parameters}, answer.body
    if database.backup:
        answer = host.create("x", database=database, backup={**database.backup, "schedule": "now and then"})
        assert answer.status == 422 and [e["pointer"] for e in answer.json["errors"]] == ["/backup/schedule"], answer.body
    else:
        answer = host.create("x", database=database, backup={"destinationPath": "s3://bucket/p/", "credentialsSecret": "s3-keys"})
        assert answer.status == 202 and [w["pointer"] for w in answer.json["warnings"]] == ["/backup"], answer.body


@databases.each
def test_names_are_held_against_the_limit_that_the_operator_adds(pair, database):
    host, sim = pair
    longest = "n" * database.name_limit
    created = host.create("long", database=database, name=longest)
    answer = host.create("long", database=database, name=longest + "n")
    assert answer.status == 422 and [e["pointer"] for e in answer.json["errors"]] == ["/name"], answer.body
    assert str(database.name_limit) in answer.json["errors"][0]["message"], answer.body
    answer = host.create(longest + "n", database=database)  # the instance takes its project's name
    assert answer.status == 422 and [e["pointer"] for e in answer.json["errors"]] == ["/projectName"], answer.body
    succeeded(host, created)  # no name derived from it is too long for anybody
    succeeded(host, host.call("DELETE", created.json["target"]["path"]))
    assert leftovers(sim, "acme-long") == []


def test_a_namespace_name_has_63_characters_at_most(pair):
    host, _ = pair
    succeeded(host, host.create("p" * 31, org="o" * 31))
    for pointer, organization, project in (("/projectName", "o" * 31, "p" * 32), ("/orgId", "o" * 64, "p"), ("/projectName", "o", "p" * 254)):
        answer = host.create(project, org=organization)
        assert answer.status == 422 and pointer in [e["pointer"] for e in answer.json["errors"]] and "63" in answer.body.decode(), answer.body


@databases.each
@pytest.mark.parametrize("retain", ["true", "false"])
def test_a_delete_keeps_the_volumes_when_it_is_asked_to(pair, retain, database):
    host, sim = pair
    operation = succeeded(host, host.create("kept", database=database))
    volume = bind_volume(sim, "acme-kept")
    path = f"/v1/instances/{operation['target']['id']}?retainVolumes="
    assert host.call("DELETE", path + "perhaps").status == 400
    deleted = succeeded(host, host.call("DELETE", path + retain))
    assert leftovers(sim, "acme-kept") == []
    found = sim.call("GET", "/api/v1/persistentvolumes/" + volume)
    if retain == "true":
        assert deleted["retained"] == [{"apiVersion": "v1", "kind": "PersistentVolume", "name": volume}]
        assert found.json["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    else:
        assert "retained" not in deleted
        assert found.status == 404 or found.json["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    sim.call("DELETE", "/api/v1/persistentvolumes/" + volume)


def test_a_delete_that_loses_the_data_does_not_pass_for_one_that_keeps_it(pair):
    host, sim = pair
    operation = succeeded(host, host.create("losing"))
    sim.fault(match={"method": "DELETE", "path": "/clusters/", "userAgent": "slipwayd"}, action="status", status=503)
    path = f"/v1/instances/{operation['target']['id']}"
    running = host.call("DELETE", path)
    assert running.status == 202
    refused = host.call("DELETE", path + "?retainVolumes=true")
    assert refused.status == 409 and refused.json["code"] == "OPERATION_IN_PROGRESS", refused.body
    assert host.call("DELETE", path).json["id"] == running.json["id"]
    sim.clear_faults()
    succeeded(host, running)


def test_a_login_that_is_refused_for_a_moment_is_tried_again(pair):
    """A Service leads to its pods a moment after they are ready. Its address is as new as the secret that the host asked for."""
    host, sim = pair
    with socket.socket() as closed:  # bound, so that nobody else gets the port, but nobody listens
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        sim.fault(match={"method": "GET", "path": "/secrets/late-app", "userAgent": "slipwayd"}, action="latency", ms=8000, count=1)
        created = host.create("late")
        service = "/api/v1/namespaces/acme-late/services/late-rw"
        wait_for(lambda: sim.call("GET", "/_sim/faults").json[0]["hits"], 60, "the look at the secret")
        merge = {"Content-Type": "application/merge-patch+json"}
        assert sim.call("PATCH", service, {"spec": {"type": "LoadBalancer"}}, merge).status == 200
        ingress = [{"ip": "127.0.0.1", "ports": [{"port": port, "protocol": "TCP"}]}]
        assert sim.call("PATCH", service + "/status", {"status": {"loadBalancer": {"ingress": ingress}}}, merge).status == 200

        def waits():
            stage = next(s for s in host.operation(created.json["id"])["stages"] if s["name"] == "CREDENTIAL_GEN")
            return stage.get("waitingFor", {}).get("kind") == "Login" and stage["attempts"] > 1
        wait_for(waits, 60, "a second try")
        succeeded(host, created)
    proof = host.call("GET", created.json["target"]["path"]).json["status"]["loginProof"]
    assert proof["state"] == "NOT_PROVED" and "refused" in proof["message"], proof
