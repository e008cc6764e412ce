"""The host is killed and the operator goes away at random moments: one Cluster is made, once, and all of it is removed."""
import os
import random
import time

from conftest import left, psql
from integration.host import wait_for
from realnode.api import Watch, resource

SEED = int(os.environ.get("SLIPWAY_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
CLUSTERS = "/apis/postgresql.cnpg.io/v1/clusters"


def finish_with_kills(host, operation_id, chance, kills, longest):
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, longest))
        host.kill()
        host.start()
    operation = host.finish(operation_id, 300)
    assert operation["state"] == "SUCCEEDED", operation


def test_a_host_killed_at_random_makes_one_cluster_and_removes_it(node, host):
    print(f"SLIPWAY_SEED={SEED}")
    chance = random.Random(SEED)
    made, volumes = set(), set()
    watches = [Watch(node.api, CLUSTERS, lambda _, it: made.add(it["metadata"]["uid"]) if it["metadata"]["namespace"] == "acme-killed" else None),
               Watch(node.api, "/api/v1/persistentvolumeclaims", lambda _, it: volumes.add(it["metadata"]["uid"]) if it["metadata"]["namespace"] == "acme-killed" else None)]
    try:
        operation_id, instance = host.submit("killed", "FREE")
        finish_with_kills(host, operation_id, chance, 5, 8)
        assert host.show(instance)["status"]["state"] == "ACTIVE"
        assert wait_for(lambda: psql(host.uri(instance), "SELECT 1", ok=False), 30, "a login") == "1"
        answer = host.call("DELETE", f"/v1/instances/{instance}")
        assert answer.status == 202
        finish_with_kills(host, answer.json["id"], chance, 4, 2)
        assert left(node, "acme-killed") == []
        assert len(made) == 1 and len(volumes) == 1, (made, volumes)
    finally:
        for watch in watches:
            watch.stop()


def test_an_operator_that_goes_away_is_waited_for(node, host):
    node.switch("cnpg", on=False)
    try:
        operation_id, instance = host.submit("silent", "FREE")

        def waits():
            operation = host.operation(operation_id)
            assert not operation["done"], operation
            return next((s for s in operation["stages"] if s["state"] == "RUNNING" and s.get("lastError")), None)
        # The operator's webhooks are gone with it, so even the Cluster cannot be written.
        stage = wait_for(waits, 60, "the operation to say what it waits for")
        assert stage["name"] == "CRD_DEPLOYMENT" and stage["waitingFor"]["kind"] == "APIServer" and "webhook" in stage["lastError"]["message"], stage
    finally:
        node.switch("cnpg", on=True)
    wait_for(lambda: node.api.list(resource("batch/v1", "Job", "acme-silent")), 120, "the operator at work")
    node.switch("cnpg", on=False)
    time.sleep(5)
    assert not host.operation(operation_id)["done"]
    node.switch("cnpg", on=True)
    operation = host.finish(operation_id, 300)
    assert operation["state"] == "SUCCEEDED", operation
    # The host may have heard that all is well before the node's proxy knows the new address.
    assert wait_for(lambda: psql(host.uri(instance), "SELECT 1", ok=False), 30, "a login") == "1"
    print(f"login proof: {host.show(instance)['status']['loginProof']}")
    host.remove(instance)
    assert left(node, "acme-silent") == []
