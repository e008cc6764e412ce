"""Faults of the API server make no operation fail or hang."""
import contextlib
import glob
import http.client
import json
import os
import socket
import threading
import time

import pytest

from integration import clusters, databases
from integration.host import Host, leftovers, make_dir, remove_dir, wait_for

# The simulated operators are clients too, and have no back-off worth testing. So faults that hit every n-th write hit only the host's writes.
HOST = {"userAgent": "slipwayd"}


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


def together(pair, project):
    """Creates and deletes an instance of every kind at the same time while the fault is active."""
    host, sim = pair
    created = {database.id: host.create(project + database.id, database=database) for database in databases.ALL}
    operations = {name: succeeded(host, answer) for name, answer in created.items()}
    deleted = {name: host.call("DELETE", operation["target"]["path"]) for name, operation in operations.items()}
    for name, answer in deleted.items():
        assert answer.status == 202 and succeeded(host, answer), name
    assert hits(sim) > 0
    sim.clear_faults()
    for name in created:
        assert leftovers(sim, f"acme-{project}{name}") == [], name


def refuse_all(sim, ms):
    """Works from now on, since the fault begins with the first request that meets it."""
    sim.fault(match={}, action="refuse-all", ms=ms, count=1)
    with contextlib.suppress(OSError, http.client.HTTPException):
        sim.call("GET", "/version")


def hits(sim):
    return sum(rule["hits"] for rule in sim.call("GET", "/_sim/faults").json)


@pytest.mark.parametrize("fault", [
    {"match": {"method": "PATCH", **HOST}, "action": "status", "status": 409, "every": 2},
    {"match": HOST, "action": "status", "status": 429, "retryAfter": 1, "every": 3},
    {"match": {"verb": "watch"}, "action": "gone", "every": 3},
    {"match": {"verb": "watch"}, "action": "half-line", "every": 3},
    {"match": {"verb": "watch"}, "action": "drop", "every": 2},
    {"match": {"method": "GET", **HOST}, "action": "half-line", "every": 3},
    {"match": {"path": "/apis/", **HOST}, "action": "status", "status": 500, "every": 2},
    {"match": HOST, "action": "drop", "every": 4},
    {"match": HOST, "action": "garbage", "every": 7},
], ids=["409", "429-storm", "410", "half-line-of-a-watch", "dropped-watch", "half-an-answer", "500", "dropped-connection", "a-page-of-html"])
def test_faults_of_the_api_server_fail_no_operation(pair, fault):
    _, sim = pair
    sim.fault(**fault)
    if fault["match"].get("verb") == "watch":  # running watches were let through, so make the host watch anew
        refuse_all(sim, ms=50)
    together(pair, "storm")


def test_a_fault_that_another_one_kept_from_happening_meets_the_next_request(pair):
    _, sim = pair
    sim.fault(match={"path": "/version"}, action="status", status=503, count=1)
    sim.fault(match={"path": "/version"}, action="status", status=429, count=1)
    assert [sim.call("GET", "/version").status for _ in range(3)] == [503, 429, 200]


def test_a_minute_without_an_api_server_is_waited_for(pair):
    host, sim = pair
    # The operator does nothing before the outage: it only watches, and has no reason to ask the API server.
    sim.fault(match={"userAgent": "cloudnative-pg-sim", "path": "/namespaces/acme-patient/"}, action="status", status=503)
    answer = host.create("patient")
    host.waits_for(answer.json["id"], "Cluster")
    assert wait_for(lambda: hits(sim), 60, "the operator to be held")
    refused = time.monotonic()
    refuse_all(sim, ms=75_000)
    others = [host.create("later" + database.id, database=database) for database in databases.ALL]  # the host accepts them while it can do nothing about them
    assert [other.status for other in others] == [202] * 3
    wait_for(lambda: host.call("GET", "/readyz").status == 503, 20, "the host to notice")
    assert host.call("GET", "/livez").status == 200
    for waiting in (answer, *others):
        assert host.waits_for(waiting.json["id"], "APIServer")["reason"]
    wait_for(lambda: host.call("GET", "/readyz").status == 200, 120, "the API server to be back")
    assert time.monotonic() - refused >= 75, "the API server was there all the time"
    sim.clear_faults()
    succeeded(host, answer)
    for other in others:
        succeeded(host, other)


@databases.each
def test_a_proxy_that_answers_404_to_everything_makes_nobody_forget_an_object(pair, database):
    host, sim = pair
    operation = succeeded(host, host.create("kept", database=database))
    sim.fault(match=HOST, action="page")
    early = host.create("early", database=database)  # the operator does not count as missing either
    deleted = host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"]
    host.waits_for(deleted, "APIServer")
    wait_for(lambda: hits(sim) > 15, 120, "some more looks")
    assert not host.operation(deleted)["done"] and not host.operation(early.json["id"])["done"]
    sim.clear_faults()
    assert host.finish(deleted)["state"] == "SUCCEEDED"
    assert leftovers(sim, "acme-kept") == []
    succeeded(host, early)


@contextlib.contextmanager
def a_late_address(config):
    """A host, and a server whose operator cannot write the address of the load balancer of "late" until the faults are cleared."""
    data = make_dir()
    server = clusters.start(os.path.join(data, "server"), databases=True, pace="0.01", fast=True)
    host = Host(os.path.join(data, "host"), server, config=config).start()
    try:
        server.fault(match={"method": "PATCH", "path": "/services/late-rw/status", "userAgent": "cloudnative-pg-sim"}, action="status", status=503)
        yield host, server
    finally:
        host.stop()
        server.stop()
        remove_dir(data)


def publish(server, ingress):
    body = {"status": {"loadBalancer": {"ingress": [ingress]}}}
    assert server.call("PATCH", "/api/v1/namespaces/acme-late/services/late-rw/status", body, {"Content-Type": "application/merge-patch+json"}).status == 200


def local(port):
    return {"ip": "127.0.0.1", "ports": [{"port": port, "protocol": "TCP"}]}


def port_of_the_database(server):
    """The port of the only database, from a file of PostgreSQL's, because the operator cannot publish it yet."""
    path, = glob.glob(os.path.join(server.data, "databases", "**", "postmaster.pid"), recursive=True)
    with open(path, encoding="utf-8") as f:
        return int(f.read().splitlines()[3])


@contextlib.contextmanager
def a_server_that_refuses():
    """The port of a server that speaks PostgreSQL's protocol without TLS and refuses every password."""
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "app"\0\0'
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    if connection.recv(1024)[4:8] == bytes.fromhex("04d2162f"):  # SSLRequest
                        connection.sendall(b"N")
                        connection.recv(1024)
                    connection.sendall(b"E" + (4 + len(fields)).to_bytes(4, "big") + fields)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def status_of(host, answer):
    return host.call("GET", succeeded(host, answer)["target"]["path"]).json["status"]


def delete(host, answer):
    assert host.finish(host.call("DELETE", succeeded(host, answer)["target"]["path"]).json["id"])["state"] == "SUCCEEDED"


# We test what ends the wait, not how long it takes, however slow the machine is.
PATIENT = "address_timeout_ms: 300000"

have_postgresql = pytest.mark.skipif(not databases.have_servers(databases.POSTGRESQL), reason="the database's server is not installed")


@have_postgresql
def test_an_address_that_comes_after_the_database_is_waited_for():
    with a_late_address(PATIENT) as (host, server):
        answer = host.create("late")
        waiting = host.waits_for(answer.json["id"], "Service")
        assert (waiting["namespace"], waiting["name"], waiting["reason"]) == ("acme-late", "late-rw", "NoAddress"), waiting
        server.clear_faults()
        status = status_of(host, answer)
        assert status["endpoints"][0]["external"]["port"] and status["loginProof"]["state"] == "PROVED", status
        delete(host, answer)


@have_postgresql
def test_an_address_whose_name_does_not_resolve_yet_is_tried_again():
    with a_late_address(PATIENT) as (host, server):
        answer = host.create("late")
        host.waits_for(answer.json["id"], "Service")
        publish(server, {"hostname": "a-name-that-nobody-knows.invalid"})
        host.waits_for(answer.json["id"], "Login", "a-name-that-nobody-knows.invalid")
        server.clear_faults()
        assert status_of(host, answer)["loginProof"]["state"] == "PROVED"
        delete(host, answer)


@have_postgresql
def test_the_patience_for_a_refused_login_begins_with_the_refusal():
    """The patience does not include earlier waits: that would undo a database that works."""
    with a_late_address(PATIENT) as (host, server), a_server_that_refuses() as port:
        answer = host.create("late")
        host.waits_for(answer.json["id"], "Service")
        publish(server, {"hostname": "a-name-that-nobody-knows.invalid"})
        host.waits_for(answer.json["id"], "Login", "a-name-that-nobody-knows.invalid")
        time.sleep(13)  # longer than the patience for a refused login
        publish(server, local(port))
        host.waits_for(answer.json["id"], "Login", "password authentication failed")
        publish(server, local(port_of_the_database(server)))  # at once; the operator would publish it some time later
        server.clear_faults()
        assert status_of(host, answer)["loginProof"]["state"] == "PROVED"
        delete(host, answer)


@have_postgresql
@pytest.mark.parametrize("config", ["address_timeout_ms: 8000", "stage_timeout_seconds: {CREDENTIAL_GEN: 20}"])
def test_an_address_that_never_comes_is_not_waited_for_for_ever(config):
    """The wait does not last until the stage's own time-out either, which would undo a database that works."""
    with a_late_address(config) as (host, _):
        answer = host.create("late")
        host.waits_for(answer.json["id"], "Service")
        status = status_of(host, answer)
        assert "external" not in status["endpoints"][0] and status["loginProof"]["state"] == "NOT_PROVED", status
        delete(host, answer)
