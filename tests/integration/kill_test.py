"""kill -9 at every effect boundary and at random moments: every operation still ends as the undisturbed run does."""
import collections
import json
import os
import random
import re
import time

import pytest

from integration.host import Host, Sim, make_dir, remove_dir, wait_for

SOURCE = os.environ.get("SLIPWAY_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RANDOM_KILLS = int(os.environ.get("SLIPWAY_RANDOM_KILLS", "100"))
# Failpoints of client calls that the host never makes; the operators' behaviours do.
NOT_THE_HOSTS = {"kube.update.before", "kube.update.after", "kube.patch.before", "kube.patch.after"}


def failpoints_in_source():
    found = set()
    for where, _, files in os.walk(os.path.join(SOURCE, "host")):
        for name in files:
            if name.endswith((".cc", ".h")) and not name.startswith("failpoint") and "_test" not in name:
                with open(os.path.join(where, name), encoding="utf-8") as f:
                    found |= set(re.findall(r'SLIPWAY_FAILPOINT\("([^"]+)"\)', f.read()))
    return found


@pytest.fixture(scope="module")
def world():
    data = make_dir()
    sim = Sim(os.path.join(data, "sim"), databases=False)
    yield data, sim
    sim.stop()
    remove_dir(data)


def make_host(data, sim, name, env=None):
    return Host(os.path.join(data, name), sim, env=env, check=False)


def post(host, project, body=None):
    """The create, repeated with its idempotency key until the host took it: what a careful client does."""
    body = body or {"orgId": "acme", "projectName": project, "databaseType": "POSTGRESQL", "tier": "STANDARD"}
    return persist(host, lambda: host.call("POST", "/v1/instances", body, {"Idempotency-Key": "create-" + project}))


def persist(host, call):
    for _ in range(20):
        try:
            answer = call()
            if answer.status not in (503,):
                return answer
        except (OSError, json.JSONDecodeError):
            pass
        except Exception as error:  # http.client's own family
            if type(error).__module__ != "http.client":
                raise
        if host.process.poll() is not None:
            host.start(env={"SLIPWAY_FAILPOINT": ""})
        time.sleep(0.05)
    raise AssertionError("the host did not take the request")


def finish(host, operation):
    def done():
        current = persist(host, lambda: host.call("GET", f"/v1/operations/{operation}")).json
        return current if current["done"] or current["state"] == "BLOCKED" else None
    return wait_for(done, 90, f"operation {operation}")


def story(host, sim, project, fail=False):
    """Create and delete (or a create that is rolled back). Returns what a user can see of it."""
    if fail:
        body = {"orgId": "acme", "projectName": project, "databaseType": "POSTGRESQL", "tier": "FREE"}
        created = post(host, project, body)
    else:
        created = post(host, project)
    assert created.status == 202, created.body
    operation = finish(host, created.json["id"])
    seen = [(operation["verb"], operation["state"], tuple((s["name"], s["state"]) for s in operation["stages"]))]
    if not fail:
        instance = operation["target"]["id"]
        answer = persist(host, lambda: host.call("DELETE", f"/v1/instances/{instance}"))
        if answer.status == 202:
            deleted = finish(host, answer.json["id"])
            seen.append((deleted["verb"], deleted["state"], tuple((s["name"], s["state"]) for s in deleted["stages"])))
        else:
            assert answer.status == 404, answer.body  # the answer was lost, the deletion was not
            listed = host.call("GET", f"/v1/operations?instanceId={instance}&verb=delete").json["items"][0]
            deleted = finish(host, listed["id"])
            seen.append((deleted["verb"], deleted["state"], tuple((s["name"], s["state"]) for s in deleted["stages"])))
    judge_cluster(sim, f"acme-{project}")
    return seen


def judge_cluster(sim, namespace):
    """Nothing is left, and nothing was made twice: judged on the server's own log."""
    assert sim.call("GET", f"/api/v1/namespaces/{namespace}").status == 404
    for path in ("/apis/postgresql.cnpg.io/v1/clusters", "/api/v1/pods", "/api/v1/persistentvolumeclaims", "/api/v1/secrets"):
        assert [o["metadata"]["name"] for o in sim.list(path) if o["metadata"].get("namespace") == namespace] == []
    uids = collections.defaultdict(set)
    for line in sim.requests():
        if line.get("method") in ("POST", "PATCH") and line.get("status") == 201 and line.get("uid"):
            mine = line["path"].rstrip("/").endswith("/namespaces") and line.get("name") == namespace
            if mine or f"/namespaces/{namespace}/clusters" in line["path"] or (f"/namespaces/{namespace}/" in line["path"] and "/clusters/" in line["path"] and "/status" not in line["path"]):
                uids[line["path"]].add(line["uid"])
    for path, made in uids.items():
        assert len(made) == 1, f"{path} was made {len(made)} times"


def undisturbed(data, sim, fail):
    trace = os.path.join(data, f"trace-{int(fail)}")
    host = make_host(data, sim, f"undisturbed-{int(fail)}").start(env={"SLIPWAY_FAILPOINT_TRACE": trace})
    seen = story(host, sim, f"calm{int(fail)}", fail)
    host.stop()
    with open(trace, encoding="utf-8") as f:
        return seen, collections.Counter(f.read().split())


def break_clusters(sim):
    sim.clear_faults()
    sim.fault(match={"method": "PATCH", "path": "/clusters/"}, action="status", status=422)


def run_boundaries(data, sim, fail):
    expected, passed = undisturbed(data, sim, fail)
    boundaries = [(name, n) for name, count in sorted(passed.items()) for n in range(1, count + 1)]
    died = 0
    for i, (name, n) in enumerate(boundaries):
        host = make_host(data, sim, f"kill-{int(fail)}-{i}").start(env={"SLIPWAY_FAILPOINT": f"{name}#{n}"}, wait_ready=False)
        try:
            seen = story(host, sim, f"k{int(fail)}x{i}", fail)
            died += 1 if host.call("GET", "/livez").status == 200 and b"op.resumed" in open(host.log_path, "rb").read() or os.path.getsize(host.log_path) else 0
            assert seen == expected, f"killed at {name}#{n}"
        except AssertionError as error:
            raise AssertionError(f"killed at {name}#{n}: {error}") from error
        finally:
            if host.process.poll() is None:
                host.stop()
            remove_dir(host.data)
    return passed, len(boundaries)


def test_every_boundary_of_create_rollback_and_delete(world, capsys):
    data, sim = world
    passed, boundaries = run_boundaries(data, sim, fail=False)
    break_clusters(sim)
    rolled, more = run_boundaries(data, sim, fail=True)
    sim.clear_faults()
    unreached = failpoints_in_source() - set(passed) - set(rolled) - NOT_THE_HOSTS
    assert not unreached, f"never reached: {unreached}"
    with capsys.disabled():
        print(f"\nkill test: {boundaries} boundaries of create and delete, {more} of a rollback; {len(set(passed) | set(rolled))} failpoints")


def test_random_kills(world, capsys):
    data, sim = world
    expected, _ = undisturbed(data, sim, False) if not os.path.exists(os.path.join(data, "trace-0")) else (None, None)
    rng = random.Random(20261124)
    kills = 0
    host = make_host(data, sim, "random").start(wait_ready=False)
    try:
        run = 0
        while kills < RANDOM_KILLS:
            run += 1
            project = f"r{run}"
            created = post(host, project).json
            for _ in range(4):
                time.sleep(rng.random() * 0.25)  # the moment is the point
                host.kill()
                kills += 1
                host.start(wait_ready=False)
            operation = finish(host, created["id"])
            assert operation["state"] == "SUCCEEDED", operation
            instance = operation["target"]["id"]
            deleted = persist(host, lambda: host.call("DELETE", f"/v1/instances/{instance}")).json
            for _ in range(2):
                time.sleep(rng.random() * 0.1)
                host.kill()
                kills += 1
                host.start(wait_ready=False)
            assert finish(host, deleted["id"])["state"] == "SUCCEEDED"
            judge_cluster(sim, f"acme-{project}")
    finally:
        host.stop()
    with capsys.disabled():
        print(f"\nkill test: {kills} kills at random moments over {run} lives of an instance")
