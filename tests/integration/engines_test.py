"""Bad engines run beside a good one in the real slipwayd: each is named, and none hurts its neighbour."""
import hashlib
import http.client
import json
import os
import shutil
import signal

import pytest

from integration import clusters
from integration.host import BUILD, Host, make_dir, remove_dir, wait_for


def library(kind):
    where = os.path.join(BUILD, "tests", "engines", kind)
    return os.path.join(where, next(name for name in os.listdir(where) if name.endswith(".so")))


class Engines:
    """An engines.d for the test, beside copies of the engines."""

    def __init__(self, data):
        self.dir = os.path.join(data, "engines.d")
        os.makedirs(self.dir)
        shutil.copy(os.path.join(BUILD, "engines.d", "postgres-cnpg.yaml"), self.dir)

    def install(self, source, change=None, more=""):
        path = os.path.join(self.dir, "..", "bad.so")
        if os.path.exists(path):
            os.unlink(path)
        shutil.copy(source, path)
        os.chmod(path, 0o755)
        if change:
            change(path)
        with open(os.path.join(self.dir, "bad.yaml"), "w", encoding="utf-8") as f:
            f.write(f"name: bad\npath: ../bad.so\nenabled: true\n{more}\n")


def hosts():
    data = make_dir()
    os.chmod(data, 0o755)
    engines = Engines(data)
    engines.install(library("bad"))
    sim = clusters.start(os.path.join(data, "sim"), fast=True)
    host = Host(os.path.join(data, "host"), sim, engines=engines.dir).start()
    yield host, engines
    host.stop()
    sim.stop()
    remove_dir(data)


@pytest.fixture(scope="module")
def world():
    yield from hosts()


@pytest.fixture(scope="module")
def crashing():
    """For engines that end the host. It has none of the other tests' operations, since each start would resume them."""
    yield from hosts()


def engine(host, name="bad"):
    return next(e for e in host.call("GET", "/v1/engines").json["items"] if e["name"] == name)


def create_bad(host, project):
    return host.call("POST", "/v1/instances", {"orgId": "acme", "projectName": project, "databaseType": "BAD", "tier": "FREE"})


def neighbour_works(host, project):
    answer = host.create(project)
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "SUCCEEDED", operation
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"])
    assert deleted["state"] == "SUCCEEDED"
    assert engine(host, "postgres-cnpg")["state"] == "LOADED"


@pytest.mark.parametrize("word", ["throw", "garbage", "huge", "nothing", "unexplained", "array", "unlawful", "refuses-itself", "strange-parameters"])
def test_a_misbehaving_validate_is_named_to_who_asked(world, word):
    host, _ = world
    answer = create_bad(host, word)
    assert answer.status == 502 and answer.json["code"] == "ENGINE_MISBEHAVED" and "engine bad 1.0.0" in answer.json["detail"], answer.body
    assert "across the boundary" not in answer.body.decode()  # the engine's own text may contain anything
    assert host.call("GET", "/v1/instances?databaseType=BAD").json["items"] == []


@pytest.mark.parametrize("word,code", [("throw", "ENGINE_THREW"), ("garbage", "BAD_DOCUMENT"), ("huge", "RESULT_TOO_LARGE"), ("nothing", "BAD_DOCUMENT")])
def test_a_misbehaving_step_blocks_its_operation_and_says_why(world, word, code):
    host, _ = world
    answer = create_bad(host, "later-" + word)
    assert answer.status == 202, answer.body
    assert host.waits_for(answer.json["id"], "Engine")["name"] == "bad"
    operation = host.finish(answer.json["id"])
    assert operation["state"] == "BLOCKED" and operation["error"]["code"] == code, operation
    deleted = host.call("DELETE", f"/v1/instances/{answer.json['target']['id']}")
    assert deleted.status == 202  # the host always accepts a deletion
    neighbour_works(host, "beside-" + word)


def test_an_engine_cannot_have_a_claim_deleted_that_is_not_its_instances(world):
    host, _ = world
    created = create_bad(host, "takes-claim")
    assert created.status == 202, created.body
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "somebodys"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    path = "/api/v1/namespaces/acme-takes-claim/persistentvolumeclaims"
    wait_for(lambda: host.sim.call("POST", path, claim).status == 201, 30, "the namespace to take the claim")
    deleted = host.call("DELETE", f"/v1/instances/{created.json['target']['id']}")
    operation = host.finish(deleted.json["id"])
    assert operation["state"] == "BLOCKED" and operation["error"]["code"] == "FORBIDDEN_EFFECT" and "somebodys" in operation["error"]["message"], operation
    assert host.sim.call("GET", path + "/somebodys").status == 200


@pytest.mark.parametrize("kind,reason", [("bad_abi_major", "AbiMajor"), ("bad_export", "ExtraExports"), ("bad_no_entry", "MissingSymbol"), ("bad_table", "MissingSymbol")])
def test_an_engine_that_breaks_the_abi_is_refused_by_name(world, kind, reason):
    host, engines = world
    refused(host, engines, library(kind), reason)


def truncate(path):
    with open(path, "r+b") as f:
        f.truncate(os.path.getsize(path) // 2)


def not_elf(path):
    with open(path, "wb") as f:
        f.write(b"#!/bin/sh\necho hello\n")


@pytest.mark.parametrize("change,reason", [(truncate, "Truncated"), (not_elf, "NotElf"), (lambda path: os.chmod(path, 0o777), "WorldWritable")], ids=["truncated", "not-elf", "world-writable"])
def test_a_spoilt_file_is_refused_by_name(world, change, reason):
    host, engines = world
    refused(host, engines, library("bad"), reason, change)


def test_another_file_than_the_pinned_one_is_refused(world):
    host, engines = world
    refused(host, engines, library("bad"), "HashMismatch", more="sha256: " + hashlib.sha256(b"another").hexdigest())


def refused(host, engines, source, reason, change=None, more=""):
    # The host keeps a running engine when its replacement is bad; only a new host sees the bad one.
    engines.install(source, change, more)
    host.stop()
    host.start()
    shown = engine(host)
    assert shown["state"] == "INCOMPATIBLE" and shown["reason"] == reason and shown["message"], shown
    answer = create_bad(host, "refused")
    assert answer.status in (422, 503) and answer.headers["content-type"].startswith("application/problem+json"), answer.body
    assert host.call("GET", "/readyz").status == 200


def test_a_host_without_engines_runs_and_says_so():
    data = make_dir()
    os.chmod(data, 0o755)
    os.makedirs(os.path.join(data, "none.d"))
    sim = clusters.start(os.path.join(data, "sim"), fast=True)
    host = Host(os.path.join(data, "host"), sim, engines=os.path.join(data, "none.d")).start(wait_ready=False)
    try:
        assert host.call("GET", "/v1/engines").json["items"] == []
        refused = host.create("orders")
        assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/databaseType", refused.body
        ready = host.call("GET", "/readyz?verbose")
        assert ready.status == 503 and "no engine is loaded" in ready.body.decode()
    finally:
        host.stop()
        sim.stop()
        remove_dir(data)


def threads(host):
    return len(os.listdir(f"/proc/{host.process.pid}/task"))


def test_a_spinning_engine_is_quarantined_once_and_its_operations_wait(world):
    host, engines = world
    engines.install(library("bad"))
    host.stop()
    host.start()
    answer = create_bad(host, "later-spin")
    assert answer.status == 202, answer.body
    wait_for(lambda: engine(host)["state"] == "QUARANTINED", 60, "the quarantine")
    host.waits_for(answer.json["id"], "Engine", "EngineQuarantined")
    assert not host.operation(answer.json["id"])["done"]
    before = threads(host)
    for i in range(5):  # the engine is not called again, so nobody waits for it and no further thread is lost
        refusal = create_bad(host, f"again{i}")
        assert refusal.status == 503 and refusal.json["code"] == "ENGINE_QUARANTINED", refusal.body
    assert threads(host) <= before
    neighbour_works(host, "beside-spin")
    host.process.send_signal(signal.SIGHUP)  # a reload does not bring it back
    neighbour_works(host, "beside-spin-2")
    assert engine(host)["state"] == "QUARANTINED"
    host.process.kill()  # a spinning thread cannot be joined, so this host would not drain in time
    host.process.wait()


def begin_anew(engines, host, word):
    """Installs the bad engine with other settings, so that its past under the old settings does not count."""
    engines.install(library("bad"), more=f"settings: {{life: {word}}}")
    host.stop()
    host.start()
    assert engine(host)["state"] == "LOADED", engine(host)


def dies(host):
    host.process.wait(120)
    assert host.process.returncode != 0


def crashes(host):
    """The last lines of the log that say which engine ended the host."""
    with open(host.log_path, encoding="utf-8", errors="replace") as log:
        return [json.loads(line) for line in log if '"engine.crashed"' in line and line.startswith("{")]


def is_quarantined(host, function):
    shown = engine(host)
    assert shown["state"] == "QUARANTINED" and shown["reason"] == "EngineCrashed" and f"2 times in {function}" in shown["message"], shown
    first, second = crashes(host)[-2:]
    for line, times in ((first, 1), (second, 2)):
        assert line["engine"] == "bad" and line["function"] == function and line["times"] == times and len(line["sha256"]) == 64, line
    refusal = create_bad(host, "again")
    assert refusal.status == 503 and refusal.json["code"] == "ENGINE_CRASHED" and "bad 1.0.0" in refusal.json["detail"], refusal.body


@pytest.mark.parametrize("way", ["crash-segfault", "crash-abort", "crash-exit", "crash-overflow"])
def test_a_validate_that_ends_the_host_twice_is_not_called_again(crashing, way):
    host, engines = crashing
    begin_anew(engines, host, way.removeprefix("crash-"))  # open() reads the settings
    for _ in range(2):
        with pytest.raises((http.client.HTTPException, OSError)):
            create_bad(host, way)
        dies(host)
        host.start()
    is_quarantined(host, "validate")
    neighbour_works(host, "beside-" + way)


def test_a_library_that_ends_the_host_while_it_is_loaded_ends_two_starts(crashing):
    host, engines = crashing
    begin_anew(engines, host, "constructor")
    host.stop()
    broken = {"BAD_ENGINE_CONSTRUCTOR": "crash-abort"}
    for _ in range(2):
        host.start(env=broken, wait_ready=False)
        dies(host)
    host.start(env=broken)
    shown = engine(host)
    assert shown["state"] == "INCOMPATIBLE" and shown["reason"] == "EngineCrashed" and "2 times in load" in shown["message"], shown
    neighbour_works(host, "beside-constructor")
    host.stop()
    engines.install(library("bad_next"), more="settings: {life: constructor}")
    host.start()
    assert engine(host)["state"] == "LOADED"


# This is the last test: its operation stays, and would end a host with other settings again.
def test_a_step_that_ends_the_host_twice_is_not_called_again(crashing):
    host, engines = crashing
    begin_anew(engines, host, "step")
    try:
        operation = create_bad(host, "later-crash-abort").json["id"]
    except (http.client.HTTPException, OSError):  # the crash was faster than the answer
        operation = None
    dies(host)
    host.start(wait_ready=False)  # the operation is resumed
    dies(host)
    host.start()
    is_quarantined(host, "step")
    if operation:
        wait_for(lambda: "crashed" in json.dumps(host.operation(operation)).lower(), 60, "the operation to say why it rests")
    neighbour_works(host, "beside-step")
