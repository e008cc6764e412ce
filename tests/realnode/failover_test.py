"""The pod of the primary is lost: a replica takes over, and writes through the same address continue with all earlier rows."""
import threading
import time

from conftest import psql
from integration.host import wait_for

SECONDS = 30


def test_a_lost_primary_is_replaced_and_writes_go_on(node, host):
    instance = host.provision("failover", "STANDARD")
    uri = host.uri(instance)
    psql(uri, "CREATE TABLE kept(n int); INSERT INTO kept SELECT generate_series(1, 100)")
    # Wait until a standby has every row: replication is asynchronous in this tier.
    wait_for(lambda: psql(host.uri(instance, "READ_ONLY"), "SELECT count(*) FROM kept", ok=False) == "100", 30, "replication")
    cluster = "/apis/postgresql.cnpg.io/v1/namespaces/acme-failover/clusters/failover"
    primary = node.api.get(cluster)["status"]["currentPrimary"]
    server = psql(uri, "SELECT host(inet_server_addr())")
    shown, stop = [], threading.Event()

    def look():  # notes each new state that the API shows
        while not stop.is_set():
            status = host.call("GET", f"/v1/instances/{instance}", check=False).json["status"]
            seen = (status["state"], status.get("reason", ""), status.get("message", ""))
            if not shown or shown[-1] != seen:
                shown.append(seen)
            stop.wait(0.05)

    # A thread that starts now is in the node's network, like this one.
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        node.api.delete(f"/api/v1/namespaces/acme-failover/pods/{primary}", gracePeriodSeconds=0)
        began = time.monotonic()
        # The old server may still answer for a moment, so only a write on another server counts.
        write = f"INSERT INTO kept SELECT 101 WHERE host(inet_server_addr()) <> '{server}' RETURNING n"
        wait_for(lambda: psql(uri, write, ok=False), 60, "a write on the new primary", 0.1)
        seconds = time.monotonic() - began
        rows = f"SELECT count(*) FROM kept WHERE n <= 100 AND host(inet_server_addr()) <> '{server}'"
        wait_for(lambda: psql(uri, rows, ok=False) == "100", 30, "the rows of before on the new primary", 0.1)
        wait_for(lambda: host.show(instance)["status"]["state"] == "ACTIVE" and node.api.get(cluster)["status"].get("readyInstances") == 3 and
                 node.api.get(cluster)["status"]["phase"] == "Cluster in healthy state", 180, "three healthy instances")
        wait_for(lambda: shown[-1][0] == "ACTIVE", 10, "the watcher to see it")
    finally:
        stop.set()
        watcher.join()
    print(f"writes came back after {seconds:.1f} s; the API told: {shown}")
    assert seconds < SECONDS
    assert node.api.get(cluster)["status"]["currentPrimary"] != primary
    degraded = [s for s in shown if s[0] == "DEGRADED"]
    assert degraded and all(reason for _, reason, _ in degraded), shown
    assert {state for state, _, _ in shown} == {"ACTIVE", "DEGRADED"}, shown
    # Address and credentials are the same as before, and the lost member follows the new primary.
    assert host.uri(instance) == uri
    wait_for(lambda: psql(uri, "SELECT count(*) FROM pg_stat_replication", ok=False) == "2", 60, "two streaming replicas")
    host.remove(instance)
