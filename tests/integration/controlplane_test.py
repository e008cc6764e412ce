"""The things that only a real control plane does: its controllers, its deaths, its refusals."""
import concurrent.futures
import json
import os
import signal
import socket
import time
import urllib.parse

import pytest

from integration import clusters
from integration.host import Host, leftovers, make_dir, remove_dir, wait_for


@pytest.fixture()
def pair():
    data = make_dir()
    server = clusters.start(os.path.join(data, "server"), fast=True)
    host = Host(os.path.join(data, "host"), server, config="stage_timeout_seconds: {default: 900}", check=False).start()
    yield host, server
    host.stop()
    server.stop()
    remove_dir(data)


def succeeded(host, answer):
    assert answer.status == 202, answer.body
    operation = host.finish(answer.json["id"], 120)
    assert operation["state"] == "SUCCEEDED", json.dumps(operation, indent=1)
    return operation


def test_the_log_has_what_a_client_asked_for_before_it_died(pair):
    _, server = pair
    body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "last-will"}})
    at = urllib.parse.urlsplit(server.url)
    with server.tls.wrap_socket(socket.create_connection((at.hostname, at.port)), server_hostname=at.hostname) as client:
        client.sendall(f"POST /api/v1/namespaces HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {server.token}\r\n"
                       f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        client.shutdown(socket.SHUT_WR)  # a closed socket with unread data would throw away what is on its way
        line = wait_for(lambda: server.requests(about='"last-will"'), 30, "the request in the log")[0]
    assert (line["method"], line["status"], line["name"]) == ("POST", 201, "last-will")


def test_a_namespace_that_a_finalizer_holds_is_named_with_its_holder(pair):
    host, server = pair
    operation = succeeded(host, host.create("held"))
    path = "/api/v1/namespaces/acme-held/configmaps"
    assert server.call("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keeps", "finalizers": ["example.com/holds"]}}).status == 201
    deleted = host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"]
    waiting = host.waits_for(deleted, "Namespace", "example.com/holds")
    assert waiting["name"] == "acme-held"
    assert "configmaps" in waiting["reason"], waiting
    assert not host.operation(deleted)["done"]
    patch = {"metadata": {"finalizers": None}}
    assert server.call("PATCH", path + "/keeps", patch, {"Content-Type": "application/merge-patch+json"}).status == 200
    assert host.finish(deleted, 120)["state"] == "SUCCEEDED"
    assert leftovers(server, "acme-held") == []


def test_an_object_that_a_finalizer_holds_is_named_with_its_holder(pair):
    host, server = pair
    operation = succeeded(host, host.create("stuck"))
    path = "/apis/postgresql.cnpg.io/v1/namespaces/acme-stuck/clusters/stuck"
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.call("PATCH", path, {"metadata": {"finalizers": ["example.com/holds"]}}, merge).status == 200
    deleted = host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"]
    # It does not matter whether the engine or the host has looked.
    waiting = host.waits_for(deleted, "Cluster", "example.com/holds")
    assert waiting["reason"].startswith("Finalizers: "), waiting
    assert (waiting["namespace"], waiting["name"]) == ("acme-stuck", "stuck")
    assert server.call("PATCH", path, {"metadata": {"finalizers": None}}, merge).status == 200
    assert host.finish(deleted, 120)["state"] == "SUCCEEDED"


def test_garbage_collection_takes_what_the_operator_owns(pair):
    host, server = pair
    operation = succeeded(host, host.create("owned", "STANDARD"))
    owned = [o["metadata"]["name"] for o in server.list("/api/v1/namespaces/acme-owned/pods")]
    assert len(owned) == 3
    # The namespace stays, because another instance lives in it. Only garbage collection removes the pods and claims.
    succeeded(host, host.create("owned", "FREE", name="other"))
    assert host.finish(host.call("DELETE", f"/v1/instances/{operation['target']['id']}").json["id"], 120)["state"] == "SUCCEEDED"
    for kind in ("pods", "persistentvolumeclaims", "services", "secrets"):
        names = [o["metadata"]["name"] for o in server.list(f"/api/v1/namespaces/acme-owned/{kind}")]
        assert not [n for n in names if n.startswith("owned-")], (kind, names)
    quota = server.call("GET", "/api/v1/namespaces/acme-owned/resourcequotas/slipway").json
    assert quota["spec"]["hard"]["pods"] == "2", "the quota is the other instance's alone"


def test_a_quota_of_somebody_else_is_named(pair):
    host, server = pair
    succeeded(host, host.create("small", "FREE", name="first"))
    path = "/api/v1/namespaces/acme-small/resourcequotas"
    assert server.call("POST", path, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "theirs"}, "spec": {"hard": {"count/networkpolicies.networking.k8s.io": "1"}}}).status == 201
    wait_for(lambda: server.call("GET", path + "/theirs").json.get("status", {}).get("used"), 30, "the quota to be counted")
    second = host.create("small", "FREE", name="second").json["id"]
    waiting = host.waits_for(second, "ResourceQuota")
    assert waiting["name"] == "theirs" and "exceeded quota" in waiting["message"], waiting
    assert server.call("DELETE", path + "/theirs").status == 200
    assert host.finish(second, 120)["state"] == "SUCCEEDED"


def test_operations_outlive_the_deaths_of_the_api_server_and_of_etcd(pair):
    host, server = pair
    count = int(os.environ.get("SLIPWAY_OUTAGE_OPERATIONS", "200"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: host.create(f"many{n}"), range(count)))
    operations = [answer.json["id"] for answer in answers]
    assert all(answer.status == 202 for answer in answers)

    def ended():
        items = host.call("GET", "/v1/operations?pageSize=500&verb=create").json["items"]
        return sum(item["done"] for item in items)

    killed = []
    for name in ("apiserver", "etcd"):
        wait_for(lambda: ended() >= count * (len(killed) + 1) // 6, 600, "some operations to end", pause=0.5)
        pid = server.pid(name)
        os.kill(pid, signal.SIGKILL)
        killed.append(ended())
        wait_for(lambda: server.pid(name) not in (0, pid), 30, f"{name} to be started again")
    assert killed[-1] < count, "all was over before anything was killed"
    until = time.monotonic() + 1200
    for operation in operations:
        assert host.finish(operation, max(1, until - time.monotonic()))["state"] == "SUCCEEDED"
    clusters_made = server.list("/apis/postgresql.cnpg.io/v1/clusters")
    assert len(clusters_made) == count
