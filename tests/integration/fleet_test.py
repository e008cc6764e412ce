"""Sixty instances (SLIPWAY_FLEET) of all kinds and tiers at once, while the host and the operators' behaviours are killed at random: all end as asked."""
import concurrent.futures
import json
import os
import random
import time

import pytest

from integration import clusters, databases
from integration.host import leftovers, make_dir, remove_dir, wait_for
from integration.kill_test import Mortal, delete

COUNT = int(os.environ.get("SLIPWAY_FLEET", "60"))
TIERS = ("FREE", "STANDARD", "ENTERPRISE")


@pytest.fixture()
def world():
    data = make_dir()
    server = clusters.start_apart(os.path.join(data, "server"))
    host = Mortal(os.path.join(data, "host"), server, config="stage_timeout_seconds: {default: 1800}").start()
    yield host, server
    host.stop()
    server.stop()
    remove_dir(data)


def asked_for(number):
    """Kinds and tiers take turns. A third of the instances is deleted while it is being made, and another third afterwards."""
    return f"fleet{number}", databases.ALL[number % 3], TIERS[number // 3 % 3], ("kept", "deleted", "given up")[number // 9 % 3]


def create(host, number):
    project, database, tier, _ = asked_for(number)
    body = {"orgId": "acme", "projectName": project, "databaseType": database.type, "tier": tier}
    answer = host.persist("POST", "/v1/instances", body, {"Idempotency-Key": "create-" + project})
    assert answer.status == 202, answer.body
    return answer.json


def test_instances_of_all_kinds_end_as_asked_whatever_is_killed(world, capsys):
    host, server = world
    rng = random.Random(20261126)
    created = [create(host, number) for number in range(COUNT)]
    deaths = {"host": 0, "behaviours": 0}

    def kill(which):
        if which == "host":
            host.kill()
            host.revive()
            wait_for(lambda: host.persist("GET", "/livez").status == 200, 60, "the host")
        else:
            server.kill_behaviours()
        deaths[which] += 1

    for number, operation in enumerate(created):
        if asked_for(number)[3] == "given up":
            delete(host, operation["target"]["id"])
    for which in ("host", "behaviours") * 4:
        time.sleep(rng.random() * 3)  # the random moment is the point of the test
        kill(which)

    def over(operations):
        """Those that have not ended, by what they wait for."""
        live = [host.persist("GET", f"/v1/operations/{operation}").json for operation in operations]
        return {o["id"]: o for o in live if not o["done"]}

    def all_over(operations, what):
        left = list(operations)
        end = time.monotonic() + 900
        while left:
            assert time.monotonic() < end, f"{what}: " + json.dumps([[o["state"], [s for s in o["stages"] if s["state"] == "RUNNING"]] for o in over(left).values()][:3], indent=1)
            left = list(over(left))
            time.sleep(0.5)

    all_over([o["id"] for number, o in enumerate(created) if asked_for(number)[3] != "given up"], "creates")
    gone = [delete(host, o["target"]["id"]) for number, o in enumerate(created) if asked_for(number)[3] != "kept"]
    for which in ("behaviours", "host"):
        kill(which)
    all_over(gone, "deletes")

    for number, operation in enumerate(created):
        project, database, tier, fate = asked_for(number)
        shown = host.persist("GET", operation["target"]["path"])
        if fate == "kept":
            assert shown.status == 200 and host.persist("GET", operation["path"]).json["state"] == "SUCCEEDED", (project, shown.body)
            wait_for(lambda path=operation["target"]["path"]: host.persist("GET", path).json["status"]["state"] == "ACTIVE", 120, f"{project} to be well")
            assert len(server.list(database.of("acme-" + project))) == 1, project
        else:
            assert shown.status == 404 or shown.json["status"]["state"] == "DELETED", (project, shown.body)
            assert leftovers(server, "acme-" + project) == [], project
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        left = [o["target"]["id"] for number, o in enumerate(created) if asked_for(number)[3] == "kept"]
        all_over(pool.map(lambda instance: delete(host, instance), left), "the last deletes")
    with capsys.disabled():
        print(f"\nfleet: {COUNT} instances ended as asked over {deaths['host']} deaths of the host and {deaths['behaviours']} of the behaviours")
