"""From a REST call to rows in a PostgreSQL that the real operator runs, and back to an empty cluster."""
import os

from conftest import left, psql
from integration.host import wait_for

STAGES = ["VALIDATING", "NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP", "COMPLETED"]


def test_free_reaches_a_login_and_leaves_nothing(node, host):
    operation_id, instance = host.submit("free", "FREE")
    operation = host.finish(operation_id, 300)
    assert operation["state"] == "SUCCEEDED", operation
    assert [s["name"] for s in operation["stages"]] == STAGES
    shown = host.show(instance)["status"]
    assert shown["state"] == "ACTIVE" and shown["loginProof"]["state"] == "PROVED", shown
    assert psql(host.uri(instance), "SELECT current_user || '/' || current_database()") == "app/app"
    assert psql(host.uri(instance), "SELECT split_part(current_setting('server_version'), '.', 1)") == "15"
    cluster = node.api.get("/apis/postgresql.cnpg.io/v1/namespaces/acme-free/clusters/free")
    assert cluster["spec"]["imageName"] == node.image and cluster["spec"]["storage"]["storageClass"] == "local"
    host.remove(instance)
    assert left(node, "acme-free") == []
    assert host.call("GET", "/v1/instances?projectName=free").json["items"] == []


def test_standard_has_replicas_that_follow(node, host):
    instance = host.provision("standard", "STANDARD")
    assert host.show(instance)["status"]["state"] == "ACTIVE"
    rw, ro = host.uri(instance), host.uri(instance, "READ_ONLY")
    assert psql(rw, "SELECT pg_is_in_recovery()") == "f"
    assert psql(ro, "SELECT pg_is_in_recovery()") == "t"
    psql(rw, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert wait_for(lambda: psql(ro, "SELECT answer FROM kept", ok=False), 30, "replication") == "42"
    pods = [p for p in node.api.list("/api/v1/namespaces/acme-standard/pods") if p["metadata"]["labels"].get("cnpg.io/podRole") == "instance"]
    assert len(pods) == 3 and all(p["metadata"]["labels"]["slipway.dev/instance"] == instance for p in pods)
    host.remove(instance)
    assert left(node, "acme-standard") == []


def test_a_delete_keeps_the_volume_when_it_is_asked_to(node, host):
    instance = host.provision("kept", "FREE")
    psql(host.uri(instance), "CREATE TABLE kept AS SELECT 42 AS answer")
    claim = node.api.list("/api/v1/namespaces/acme-kept/persistentvolumeclaims")[0]
    name = claim["spec"]["volumeName"]
    volume = "/api/v1/persistentvolumes/" + name
    operation = host.remove(instance, "?retainVolumes=true")
    assert operation["retained"] == [{"apiVersion": "v1", "kind": "PersistentVolume", "name": name}]
    assert left(node, "acme-kept") == []
    kept = node.api.get(volume)
    assert kept["spec"]["persistentVolumeReclaimPolicy"] == "Retain" and kept["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    assert os.path.exists(os.path.join(kept["spec"]["local"]["path"], "pgdata", "PG_VERSION"))
    # An administrator does this when he no longer needs the volume.
    assert node.api.call("PATCH", volume, {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}, "application/merge-patch+json")
    wait_for(lambda: node.api.get(volume)["status"]["phase"] == "Available", 60, "the volume to be used again")
    assert os.listdir(kept["spec"]["local"]["path"]) == []
