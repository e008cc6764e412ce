"""When something cannot start, it is named while the operation waits, and nothing of it is left after DELETE or after the time limit."""
import json

import pytest

from conftest import NodeHost, left
from integration.host import make_dir, remove_dir, wait_for


def waiting(host, operation_id, found, seconds=90):
    """The waitingFor, with its stage's message, once found(kind, reason, message) is true."""
    seen = []

    def look():
        operation = host.operation(operation_id)
        assert not operation["done"], operation
        for stage in operation["stages"]:
            waits = stage.get("waitingFor")
            if waits and stage["state"] == "RUNNING":
                told = (waits["kind"], waits.get("reason", ""), stage.get("message", ""))
                if told not in seen:
                    seen.append(told)
                if found(*told):
                    return waits, stage.get("message", "")
        return None

    try:
        return wait_for(look, seconds, "the expected waitingFor")
    except AssertionError as error:
        raise AssertionError(f"{error}; it waited for: {seen}") from None


def test_a_tier_that_is_too_large_says_so_and_delete_cleans_up(node, host):
    operation_id, instance = host.submit("large", "SHIPPED")
    waits, message = waiting(host, operation_id, lambda kind, reason, message: "Insufficient cpu" in message)
    assert waits["kind"] == "Pod" and waits["namespace"] == "acme-large" and waits["name"].startswith("large-") and waits["reason"] == "Unschedulable", waits
    deleted = host.remove(instance)
    assert deleted["verb"] == "delete"
    first = host.operation(operation_id)
    assert first["done"] and first["state"] == "CANCELLED", first
    assert left(node, "acme-large") == []


# name: (engine settings, and what the user reads: kind, reason, a part of the message)
STUCK = {
    "image": ({"image": "slipway.local/postgresql:15.99"}, "Pod", {"ImagePullBackOff", "ErrImagePull"}, "slipway.local/postgresql:15.99"),
    "volume": ({"storage_class": "none"}, "PersistentVolumeClaim", {"VolumePending"}, "storage class none"),
}


@pytest.mark.parametrize("name", STUCK)
def test_what_cannot_start_is_named_and_rolled_back(node, name):
    settings, kind, reasons, part = STUCK[name]
    data = make_dir()
    host = NodeHost(node, data, settings=settings, config="stage_timeout_seconds: {WAITING_FOR_READY: 45}").start()
    try:
        operation_id, instance = host.submit("stuck-" + name, "FREE")
        waits, message = waiting(host, operation_id, lambda k, reason, message: k == kind and reason in reasons and part in message)
        assert waits["namespace"] == "acme-stuck-" + name, waits
        rolled_back(node, host, operation_id, instance, "acme-stuck-" + name, kind)
    finally:
        host.stop()
        remove_dir(data)


def rolled_back(node, host, operation_id, instance, namespace, kind):
    operation = host.finish(operation_id, 180)
    assert operation["state"] == "FAILED", json.dumps(operation, indent=1)
    error = operation["error"]
    assert error["stage"] == "WAITING_FOR_READY" and error["rollback"] == "COMPLETE", error
    assert error["waitingFor"]["kind"] == kind, error
    assert operation["rollback"]["remnants"] == []
    assert left(node, namespace) == []
    assert host.show(instance)["status"]["state"] in ("FAILED", "DELETED")


def test_a_quota_that_is_used_up_is_named_and_rolled_back(node):
    data = make_dir()
    host = NodeHost(node, data, config="stage_timeout_seconds: {WAITING_FOR_READY: 45}").start()
    try:
        # Somebody else puts a quota into the project before its first pod exists. The host's own quota always fits.
        operation_id, instance = host.submit("stuck-full", "FREE")
        wait_for(lambda: node.api.get("/api/v1/namespaces/acme-stuck-full"), 30, "the namespace", 0.01)
        node.api.call("POST", "/api/v1/namespaces/acme-stuck-full/resourcequotas", {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
        for pod in node.api.list("/api/v1/namespaces/acme-stuck-full/pods"):  # this pod was faster
            node.api.delete("/api/v1/namespaces/acme-stuck-full/pods/" + pod["metadata"]["name"], gracePeriodSeconds=0)
        waits, _ = waiting(host, operation_id, lambda kind, reason, message: kind == "ResourceQuota" and reason == "Exceeded" and "stuck-full-1-initdb" in message)
        assert waits["name"] == "none", waits
        rolled_back(node, host, operation_id, instance, "acme-stuck-full", "ResourceQuota")
    finally:
        host.stop()
        remove_dir(data)
