"""Restarts and switchovers over HTTP against the real slipwayd, with real PostgreSQL servers and a client that writes meanwhile."""
import contextlib
import os
import shutil
import subprocess
import threading
import time

import pytest

from integration import clusters, databases
from integration.host import Host, database_processes, make_dir, remove_dir, wait_for

pytestmark = pytest.mark.skipif(not shutil.which("psql"), reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def host():
    data = make_dir()
    server = clusters.start(data, databases=True, pace="0.01", fast=True)
    started = Host(data, server, fast=True).start()
    started.kubectl = server.kubectl
    yield started
    started.stop()
    server.stop()
    assert database_processes(os.path.join(server.data, "databases")) == []
    remove_dir(data)


def done(host, answer, state="SUCCEEDED"):
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 240)
    assert operation["state"] == state, operation
    return operation


@pytest.fixture(scope="module")
def three(host):
    return done(host, host.create("three", "STANDARD"))["target"]["id"]


def ask(host, instance, verb, body=None, headers=None):
    return host.call("POST", f"/v1/instances/{instance}/{verb}", body, headers)


def state(host, instance):
    return host.call("GET", f"/v1/instances/{instance}").json["status"]["state"]


def uri(host, instance):
    endpoints = host.call("GET", f"/v1/instances/{instance}/credentials").json["endpoints"]
    return next(e["uri"] for e in endpoints if e["role"] == "READ_WRITE")


def sql(address, statement):
    out = subprocess.run(["psql", address, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True, timeout=30)
    return out.stdout.strip() if out.returncode == 0 else None


def pods(host, namespace):
    """Name → (uid, role)."""
    listed = host.kubectl("-n", namespace, "get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.labels.cnpg\\.io/instanceRole}{\"\\n\"}{end}")
    return {name: (uid, role) for name, uid, role in (line.split() for line in listed.splitlines() if line.count(" ") == 2 and not line.endswith(" "))}


def primary(host, namespace):
    return next((name for name, (_, role) in pods(host, namespace).items() if role == "primary"), None)


class Writer:
    """Writes a row every 50 ms, at the address that the API shows, as a client does: what was acknowledged must be there afterwards."""

    def __init__(self, host, instance):
        self.host, self.instance, self.written, self.longest = host, instance, [], 0.0
        self.stopping = threading.Event()
        assert sql(uri(host, instance), "CREATE TABLE IF NOT EXISTS written (n int PRIMARY KEY)") is not None
        self.first = int(sql(uri(host, instance), "SELECT coalesce(max(n), 0) FROM written")) + 1

    def run(self):
        number, address, last = self.first, uri(self.host, self.instance), time.monotonic()
        while not self.stopping.is_set():
            if sql(address, f"INSERT INTO written VALUES ({number})") is not None:
                self.written.append(number)
                self.longest, last = max(self.longest, time.monotonic() - last), time.monotonic()
            else:
                with contextlib.suppress(Exception):
                    address = uri(self.host, self.instance)
            number += 1
            self.stopping.wait(0.05)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        wait_for(lambda: len(self.written) > 3, 30, "the client to write")
        return self

    def __exit__(self, *_):
        before = len(self.written)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: len(self.written) > before + 3, 60, "the client to write again")
        self.stopping.set()
        self.thread.join()

    def check(self):
        address = uri(self.host, self.instance)
        there = set(map(int, sql(address, f"SELECT n FROM written WHERE n >= {self.first}").split()))
        assert self.written and set(self.written) <= there, sorted(set(self.written) - there)
        return f"{len(self.written)} rows, all there; at most {self.longest:.1f} s without one"


def stages(operation):
    return [(s["name"], s["state"]) for s in operation["stages"]]


def after(first):
    return [(name, "SUCCEEDED") for name in ("VALIDATING", first, "WAITING_FOR_READY", "CREDENTIAL_CHECK", "COMPLETED")]


def test_a_restart_gives_every_member_a_new_pod_and_loses_no_row(host, three, capsys):
    before = pods(host, "acme-three")
    with Writer(host, three) as writer:
        answer = ask(host, three, "restart")
        wait_for(lambda: state(host, three) == "RESTARTING", 30, "the instance to say that it is RESTARTING")
        operation = done(host, answer)
    assert stages(operation) == after("RESTART")
    assert operation["verb"] == "restart" and operation["stages"][3]["message"] == "login PROVED"
    now = pods(host, "acme-three")
    assert now.keys() == before.keys() and not {uid for uid, _ in now.values()} & {uid for uid, _ in before.values()}
    shown = host.call("GET", f"/v1/instances/{three}").json["status"]
    assert shown["state"] == "ACTIVE" and shown["loginProof"]["state"] == "PROVED"
    with capsys.disabled():
        print(f"\nrestart of three members: {writer.check()}", end="")


def test_a_switchover_makes_another_member_the_primary_and_loses_no_row(host, three, capsys):
    old = primary(host, "acme-three")
    with Writer(host, three) as writer:
        operation = done(host, ask(host, three, "switchover"))
    assert stages(operation) == after("SWITCHOVER")
    new = primary(host, "acme-three")
    assert new not in (None, old) and operation["stages"][1]["message"] == f"{new} is the primary"
    with capsys.disabled():
        print(f"\nswitchover: {writer.check()}", end="")
    back = done(host, ask(host, three, "switchover", {"target": old}))
    assert back["stages"][1]["message"] == f"{old} is the primary" and primary(host, "acme-three") == old


def test_a_restart_after_a_host_that_was_killed_in_it_ends(host, three):
    before = pods(host, "acme-three")
    answer = ask(host, three, "restart", headers={"Idempotency-Key": "again"})
    for _ in range(3):
        time.sleep(0.3)
        host.kill()
        host.start()
    operation = done(host, ask(host, three, "restart", headers={"Idempotency-Key": "again"}))
    assert operation["id"] == answer.json["id"] and stages(operation) == after("RESTART")
    assert not {uid for uid, _ in pods(host, "acme-three").values()} & {uid for uid, _ in before.values()}
    assert [o["verb"] for o in host.call("GET", f"/v1/operations?instanceId={three}&verb=restart").json["items"]] == ["restart", "restart"]


def test_what_cannot_be_is_said_before_or_fails_with_its_reason(host, three):
    wrong = ask(host, three, "switchover", {"target": "three-9"})
    operation = done(host, wrong, "FAILED")
    assert operation["error"]["code"] == "TARGET_NOT_FOUND" and "three-9" in operation["error"]["message"], operation["error"]
    itself = done(host, ask(host, three, "switchover", {"target": primary(host, "acme-three")}), "FAILED")
    assert itself["error"]["code"] == "TARGET_IS_PRIMARY"
    wait_for(lambda: state(host, three) == "ACTIVE", 30, "the instance to be ACTIVE")
    for body, pointer in (({"target": 7}, "/target"), ({"members": []}, "/members"), ({"target": ""}, "/target")):
        answer = ask(host, three, "switchover", body)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == pointer, answer.body
    assert ask(host, three, "restart", {"a": 1}).status == 422
    assert ask(host, three, "restart", headers={"If-Match": '"g0-x"'}).json["code"] == "ETAG_MISMATCH"


def test_one_at_a_time_one_member_and_other_engines(host, three, capsys):
    one = done(host, host.create("one", "FREE"))["target"]["id"]
    answer = ask(host, one, "switchover")
    assert (answer.status, answer.json["code"]) == (409, "NO_REPLICA"), answer.body
    assert sql(uri(host, one), "CREATE TABLE kept AS SELECT 42 AS answer") is not None
    restarting = ask(host, one, "restart")
    busy = ask(host, one, "restart")
    assert (busy.status, busy.json["code"]) == (409, "OPERATION_IN_PROGRESS") and restarting.json["id"] in busy.json["detail"], busy.body
    done(host, restarting)
    assert sql(uri(host, one), "SELECT answer FROM kept") == "42"
    gone = done(host, host.call("DELETE", f"/v1/instances/{one}"))["target"]["id"]
    assert ask(host, gone, "restart").json["code"] == "INSTANCE_NOT_FOUND"
    other = done(host, host.create("other", "FREE", database=databases.MONGODB))["target"]["id"]
    answer = ask(host, other, "restart")
    assert (answer.status, answer.json["code"]) == (422, "VERB_UNSUPPORTED") and "mongodb-community" in answer.json["detail"], answer.body


def test_a_delete_takes_the_place_of_a_restart(host, three):
    restarting = ask(host, three, "restart")
    assert restarting.status == 202, restarting.body
    done(host, host.call("DELETE", f"/v1/instances/{three}"))
    ended = host.operation(restarting.json["id"])
    assert ended["state"] == "CANCELLED" and ended["error"]["code"] == "SUPERSEDED", ended
