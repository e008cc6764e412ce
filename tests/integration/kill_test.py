"""The host is killed with SIGKILL at every effect boundary and at random moments: every operation still ends as the undisturbed run does."""
import collections
import concurrent.futures
import http.client
import json
import os
import random
import re
import time

import pytest

from integration import clusters, databases
from integration.host import Host, leftovers, make_dir, remove_dir, wait_for

SOURCE = os.environ.get("SLIPWAY_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RANDOM_KILLS = int(os.environ.get("SLIPWAY_RANDOM_KILLS", "100"))
# Only the operators' behaviours make these writes: the host creates, applies and deletes.
NOT_THE_HOSTS = {"kube.update.before", "kube.update.after", "kube.patch.before", "kube.patch.after"}
ENDS = {"stage.succeeded": "SUCCEEDED", "stage.skipped": "SKIPPED", "stage.failed": "FAILED"}


def failpoints_in_source():
    found = set()
    for where, _, files in os.walk(os.path.join(SOURCE, "host")):
        for name in files:
            if name.endswith((".cc", ".h")) and not name.startswith("failpoint") and "_test" not in name:
                with open(os.path.join(where, name), encoding="utf-8") as f:
                    found |= set(re.findall(r'SLIPWAY_FAILPOINT\("([^"]+)"\)', f.read()))
    return found


class Mortal(Host):
    """A host that is started again whenever it is found dead, as a supervisor does. It counts its deaths."""

    deaths = 0

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, check=False, fast=True, **options)

    def revive(self):
        if self.process.poll() is None:
            return
        if self.process.returncode != -9:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"slipwayd ended by itself with {self.process.returncode}: {log.read()[-1000:]}")
        self.deaths += 1
        self.start(env={"SLIPWAY_FAILPOINT": ""}, wait_ready=False)

    def persist(self, method, path, body=None, headers=None):
        """A careful client: it asks again until there is an answer."""
        for _ in range(200):
            self.revive()
            try:
                answer = self.call(method, path, body, headers)
                if answer.status != 503:
                    return answer
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        raise AssertionError(f"no answer to {method} {path}")

    def end_of(self, operation):
        def done():
            current = self.persist("GET", f"/v1/operations/{operation}").json
            return current if current["done"] or current["state"] == "BLOCKED" else None
        return wait_for(done, 100, f"operation {operation}")

    def events_of(self, operation):
        text = self.persist("GET", f"/v1/operations/{operation}/events", headers={"Accept": "text/event-stream", "Last-Event-ID": "0"}).body.decode()
        found = []
        for frame in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line)
            if "id" in fields and "data" in fields:
                found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
        return found


@pytest.fixture(scope="module")
def world():
    data = make_dir()
    sim = clusters.start(os.path.join(data, "sim"), fast=True)
    yield data, sim
    sim.stop()
    remove_dir(data)


def shape(host, operation):
    """What a user can see of an ended operation. Checks that the journal tells the same story, and tells it once."""
    ended = collections.defaultdict(list)
    started = set()
    events = host.events_of(operation["id"])
    ids = [event_id for event_id, _, _ in events]
    assert ids == sorted(set(ids)), f"event ids {ids}"
    for _, kind, event in events:
        data = event.get("data", event)
        key = (data.get("stage"), bool(data.get("rollback")))
        if kind == "stage.started":
            started.add(key)
        elif kind in ENDS:
            assert key in started or ENDS[kind] == "SKIPPED", f"{key} ended and had not begun"
            ended[key].append(ENDS[kind])
    undone = operation.get("rollback", {})
    stages = [(stage, False) for stage in operation["stages"]] + [(stage, True) for stage in undone.get("steps", [])]
    for stage, rollback in stages:
        state = {"COMPENSATED": "SUCCEEDED"}.get(stage["state"], stage["state"])
        told = ended.pop((stage["name"], rollback), [])
        assert told == ([] if state == "PENDING" else [state]) or (state == "SKIPPED" and told == []), f"{stage['name']} is {state}, the journal says {told}"
    assert not ended, f"the journal tells of {dict(ended)}"
    return operation["verb"], operation["state"], undone.get("state"), tuple((stage["name"], stage["state"]) for stage, _ in stages)


def create(host, project, tier, database):
    body = {"orgId": "acme", "projectName": project, "databaseType": database.type, "tier": tier}
    answer = host.persist("POST", "/v1/instances", body, {"Idempotency-Key": "create-" + project})
    assert answer.status == 202, answer.body
    return answer.json


def delete(host, instance):
    answer = host.persist("DELETE", f"/v1/instances/{instance}")
    if answer.status == 202:
        return answer.json["id"]
    assert answer.status == 404, answer.body  # the answer was lost, but the deletion was not
    return host.persist("GET", f"/v1/operations?instanceId={instance}&verb=delete").json["items"][0]["id"]


def story(host, sim, project, tier, database):
    """A create and a delete. The delete is left out when the create was rolled back."""
    created = create(host, project, tier, database)
    operation = host.end_of(created["id"])
    seen = [shape(host, operation)]
    if operation["state"] == "SUCCEEDED":
        seen.append(shape(host, host.end_of(delete(host, operation["target"]["id"]))))
    judge_cluster(sim, f"acme-{project}")
    return seen


def judge_cluster(sim, namespace):
    """Checks with the server's own log that nothing is left and nothing was made twice."""
    assert leftovers(sim, namespace) == []
    made = collections.defaultdict(set)
    for line in sim.requests(about=namespace):
        if line["status"] == 201 and line["userAgent"].startswith("slipwayd"):
            if line["path"].endswith("/namespaces") and line["name"] == namespace or f"/namespaces/{namespace}/" in line["path"]:
                made[line["path"].split("/" + line["name"])[0] + " " + line["name"]].add(line["uid"])
    assert f"/api/v1/namespaces {namespace}" in made, f"the log does not show {namespace} being made: {list(made)}"
    for what, uids in made.items():
        assert len(uids) == 1, f"{what} was made {len(uids)} times"


def undisturbed(data, sim, run, tier, database):
    trace = os.path.join(data, f"trace-{run}")
    host = Mortal(os.path.join(data, f"calm-{run}"), sim).start(env={"SLIPWAY_FAILPOINT_TRACE": trace})
    seen = story(host, sim, f"{run}calm", tier, database)
    host.stop()
    assert host.deaths == 0
    with open(trace, encoding="utf-8") as f:
        return seen, collections.Counter(f.read().split())


def kill_everywhere(data, sim, run, tier, ends, database, names=""):
    """Dies once at each boundary that an undisturbed run passes. Returns the failpoints that killed, and the number of deaths."""
    expected, passed = undisturbed(data, sim, run, tier, database)
    assert expected[0][1] == ends, expected
    killed, deaths, missed = set(), 0, 0
    boundaries = [(name, n) for name, count in sorted(passed.items()) if name.startswith(names) for n in range(1, count + 1)]

    def life(i, name, n):
        host = Mortal(os.path.join(data, f"{run}-{i}"), sim, env={"SLIPWAY_FAILPOINT": f"{name}#{n}"})
        host.start(wait_ready=False)
        try:
            seen = story(host, sim, f"{run}{i}", tier, database)
            assert seen == expected
        except AssertionError as error:
            raise AssertionError(f"killed at {name}#{n}: {error}") from error
        finally:
            if host.process.poll() is None:
                host.stop()
            remove_dir(host.data)
        return name, host.deaths

    # Each life has a host, a project and a store of its own.
    with concurrent.futures.ThreadPoolExecutor(2) as lives:
        for name, died in lives.map(lambda boundary: life(boundary[0], *boundary[1]), enumerate(boundaries)):
            deaths += died
            missed += died == 0  # fewer commits this time, because waits end in another order
            killed |= {name} if died else set()
    assert missed <= deaths // 4, f"{missed} of {missed + deaths} boundaries were not reached"
    return killed, deaths


@databases.each
def test_every_boundary_of_create_rollback_and_delete(world, database, capsys):
    data, sim = world
    # Engines differ in their requests to the cluster; the commits are the same for all.
    every = "" if database is databases.POSTGRESQL else "kube."
    killed, lives = kill_everywhere(data, sim, database.id, "FREE", "SUCCEEDED", database, names=every)
    last = 0
    if not every:
        writes, more = kill_everywhere(data, sim, "standard", "STANDARD", "SUCCEEDED", database, names="kube.")
        sim.fault(match={"method": "PATCH", "path": database.path, "userAgent": "slipwayd"}, action="status", status=422)
        rolled, last = kill_everywhere(data, sim, "undone", "FREE", "FAILED", database)
        sim.clear_faults()
        killed |= writes | rolled
        lives += more
        unreached = failpoints_in_source() - killed - NOT_THE_HOSTS
        assert not unreached, f"never killed at: {unreached}"
    with capsys.disabled():
        print(f"\nkill test: {lives} deaths in creates and deletes of {database.type}, {last} in rollbacks, at {len(killed)} failpoints: {', '.join(sorted(killed))}")


@databases.each
def test_random_kills(world, database, capsys):
    data, sim = world
    rng = random.Random(20261124)
    host = Mortal(os.path.join(data, "random-" + database.id), sim).start(wait_ready=False)

    def kill_some(times, within):
        for _ in range(times):
            time.sleep(rng.random() * within)  # the random moment is the point of the test
            host.kill()
            host.revive()

    try:
        lives = 0
        while host.deaths < RANDOM_KILLS:
            lives += 1
            project = f"{database.id}-r{lives}"
            created = create(host, project, "STANDARD", database)
            kill_some(4, 0.25)
            operation = host.end_of(created["id"])
            assert shape(host, operation)[1] == "SUCCEEDED", operation
            ended = delete(host, operation["target"]["id"])
            kill_some(2, 0.1)
            assert shape(host, host.end_of(ended))[1] == "SUCCEEDED"
            judge_cluster(sim, f"acme-{project}")
    finally:
        host.stop()
    with capsys.disabled():
        print(f"\nkill test: {host.deaths} kills at random moments over {lives} lives of a {database.type} instance")
