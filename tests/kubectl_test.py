"""slipway-sim as the real kubectl sees it."""
import http.client
import json
import os
import re
import subprocess
import threading
import urllib.parse

import pytest

from integration.host import Sim, make_dir, remove_dir, wait_for

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.test.example"},
    "spec": {"group": "test.example", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
             "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                           "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                           "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                               "spec": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "minimum": 1}, "colour": {"type": "string"}}},
                               "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}}}]}}


class Kubectl:
    def __init__(self, data, sim):
        self.sim, self.data = sim, data
        self.base = ["kubectl", "--kubeconfig", sim.kubeconfig, "--cache-dir", os.path.join(data, "cache")]

    def run(self, *args, stdin=None, ok=True):
        done = subprocess.run(self.base + list(args), input=stdin if isinstance(stdin, (str, type(None))) else json.dumps(stdin), capture_output=True, text=True, timeout=90)
        if ok:
            assert done.returncode == 0, f"{args}: {done.stderr}"
            return done.stdout
        assert done.returncode != 0, f"{args} succeeded: {done.stdout}"
        return done.stderr

    def json(self, *args):
        return json.loads(self.run(*args, "-o", "json"))

    def exists(self, *args):
        return subprocess.run(self.base + ["get", *args], capture_output=True, timeout=60).returncode == 0


@pytest.fixture(scope="module")
def k():
    data = make_dir()
    sim = Sim(os.path.join(data, "sim"), databases=False)
    yield Kubectl(data, sim)
    sim.stop()
    remove_dir(data)


@pytest.fixture()
def ns(k, request):
    name = re.sub(r"[^a-z]+", "-", request.node.name).strip("-")[:60].rstrip("-")
    k.run("create", "namespace", name)
    yield name
    k.run("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {"a": "1"}}


def test_discovery_names_what_is_served(k):
    served = k.run("api-resources", "--no-headers")
    for kind in ("Pod", "Secret", "Namespace", "Cluster", "ScheduledBackup", "PodMonitor", "CustomResourceDefinition"):
        assert any(line.split()[-1] == kind for line in served.splitlines()), f"{kind} is not in\n{served}"
    assert "postgresql.cnpg.io/v1" in k.run("api-versions").split()
    assert "gitVersion" in k.run("version", "-o", "json")


def test_apply_get_and_selectors(k, ns):
    items = [config_map("red", labels={"colour": "red", "size": "s"}), config_map("blue", labels={"colour": "blue"}), config_map("plain")]
    made = k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": items})
    assert made.splitlines() == ["configmap/red created", "configmap/blue created", "configmap/plain created"]
    again = k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": items})
    assert all(line.endswith("unchanged") for line in again.splitlines()), again

    def names(*selector):
        return set(k.run("-n", ns, "get", "configmaps", "-o", "name", *selector).split())
    assert names("-l", "colour=red") == {"configmap/red"}
    assert names("-l", "colour in (red,blue),!size") == {"configmap/blue"}
    assert names("-l", "colour!=red,colour") == {"configmap/blue"}
    assert names("--field-selector", "metadata.name=plain") == {"configmap/plain"}
    table = k.run("-n", ns, "get", "cm", "red", "-o", "wide").splitlines()
    assert table[0].split()[:2] == ["NAME", "DATA"] and table[1].split()[:2] == ["red", "1"]
    assert "a: \"1\"" in k.run("-n", ns, "get", "cm", "red", "-o", "yaml")
    assert "NotFound" in k.run("-n", ns, "get", "cm", "nobody", ok=False)
    assert "already exists" in k.run("-n", ns, "create", "cm", "red", ok=False)
    assert len(k.json("get", "configmaps", "-A", "--chunk-size=1")["items"]) >= 3


def test_watch_tells_of_every_change(k, ns):
    k.run("-n", ns, "create", "cm", "seen", "--from-literal=a=1")
    watch = subprocess.Popen(k.base + ["-n", ns, "get", "cm", "-w", "--output-watch-events", "--no-headers"], stdout=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(line.split() for line in watch.stdout))
    reader.start()
    try:
        wait_for(lambda: ["ADDED", "seen"] in [line[:2] for line in lines], 30, "the first event")
        k.run("-n", ns, "annotate", "cm", "seen", "x=1")
        k.run("-n", ns, "create", "cm", "late")
        k.run("-n", ns, "delete", "cm", "seen")
        wait_for(lambda: ["DELETED", "seen"] in [line[:2] for line in lines], 30, "the last event")
        told = [line[:2] for line in lines]
        assert told.index(["MODIFIED", "seen"]) < told.index(["ADDED", "late"]) < told.index(["DELETED", "seen"])
    finally:
        watch.terminate()
        watch.wait()
        reader.join()


def test_server_side_apply_knows_its_managers(k, ns):
    apply = ["-n", ns, "apply", "--server-side", "--validate=false", "-f", "-"]
    k.run(*apply, "--field-manager=first", stdin=config_map("shared", {"a": "1"}))
    told = k.run(*apply, "--field-manager=second", stdin=config_map("shared", {"a": "2"}), ok=False)
    assert "conflict with \"first\"" in told and ".data.a" in told, told
    k.run(*apply, "--field-manager=second", stdin=config_map("shared", {"b": "1"}))
    k.run(*apply, "--field-manager=second", "--force-conflicts", stdin=config_map("shared", {"a": "2"}))
    shown = k.json("-n", ns, "get", "cm", "shared", "--show-managed-fields")
    assert shown["data"] == {"a": "2"}, "b was given up by its only manager"
    assert {m["manager"]: m["operation"] for m in shown["metadata"]["managedFields"]}["second"] == "Apply"


def test_patches_of_every_type(k, ns):
    k.run("-n", ns, "create", "cm", "patched", "--from-literal=a=1", "--from-literal=b=2")
    k.run("-n", ns, "patch", "cm", "patched", "--type=merge", "-p", '{"data":{"a":null,"c":"3"}}')
    assert k.json("-n", ns, "get", "cm", "patched")["data"] == {"b": "2", "c": "3"}
    k.run("-n", ns, "patch", "cm", "patched", "--type=json", "-p", '[{"op":"test","path":"/data/b","value":"2"},{"op":"move","from":"/data/b","path":"/data/d"}]')
    assert k.json("-n", ns, "get", "cm", "patched")["data"] == {"c": "3", "d": "2"}
    assert "request is invalid" in k.run("-n", ns, "patch", "cm", "patched", "--type=json", "-p", '[{"op":"test","path":"/data/d","value":"9"}]', ok=False)
    k.run("-n", ns, "patch", "cm", "patched", "-p", '{"data":{"e":"5"}}')  # a strategic patch, kubectl's default
    assert k.json("-n", ns, "get", "cm", "patched")["data"] == {"c": "3", "d": "2", "e": "5"}
    k.run("-n", ns, "label", "cm", "patched", "x=1")
    k.run("-n", ns, "label", "cm", "patched", "x-")
    assert "x" not in k.json("-n", ns, "get", "cm", "patched")["metadata"].get("labels", {})


def test_a_stale_writer_is_refused(k, ns):
    k.run("-n", ns, "create", "cm", "contested")
    stale = k.json("-n", ns, "get", "cm", "contested")
    k.run("-n", ns, "annotate", "cm", "contested", "newer=1")
    stale["data"] = {"a": "old"}
    assert "the object has been modified" in k.run("-n", ns, "replace", "--validate=false", "-f", "-", stdin=stale, ok=False)
    answer = k.sim.call("DELETE", f"/api/v1/namespaces/{ns}/configmaps/contested", {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}})
    assert answer.status == 409 and answer.json["reason"] == "Conflict"


def test_finalizers_hold_a_deletion(k, ns):
    k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin=config_map("held", finalizers=["test.example/hold"]))
    k.run("-n", ns, "delete", "cm", "held", "--wait=false")
    assert k.json("-n", ns, "get", "cm", "held")["metadata"]["deletionTimestamp"]
    k.run("-n", ns, "patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert "NotFound" in k.run("-n", ns, "get", "cm", "held", ok=False)


@pytest.mark.parametrize("cascade,child_stays", [("background", False), ("foreground", False), ("orphan", True)])
def test_owners_take_their_children_along(k, ns, cascade, child_stays):
    k.run("-n", ns, "create", "cm", "owner")
    uid = k.json("-n", ns, "get", "cm", "owner")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "blockOwnerDeletion": True}
    k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin=config_map("child", ownerReferences=[owner]))
    k.run("-n", ns, "delete", "cm", "owner", f"--cascade={cascade}")
    if child_stays:
        wait_for(lambda: "ownerReferences" not in k.json("-n", ns, "get", "cm", "child")["metadata"], 30, "the child to be let go")
    else:
        wait_for(lambda: not k.exists("-n", ns, "cm", "child"), 30, "the child to go")


def test_a_namespace_goes_with_everything_in_it(k):
    k.run("create", "namespace", "doomed")
    k.run("-n", "doomed", "create", "cm", "inside")
    k.run("-n", "doomed", "apply", "--validate=false", "-f", "-", stdin=config_map("held", finalizers=["test.example/hold"]))
    k.run("delete", "namespace", "doomed", "--wait=false")
    assert k.json("get", "namespace", "doomed")["status"]["phase"] == "Terminating"
    assert "being terminated" in k.run("-n", "doomed", "create", "cm", "late", ok=False)
    wait_for(lambda: not k.exists("-n", "doomed", "cm", "inside"), 30, "the content to go")
    assert k.exists("namespace", "doomed"), "one object still holds it"
    k.run("-n", "doomed", "patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    k.run("wait", "--for=delete", "namespace/doomed", "--timeout=30s")


@pytest.fixture(scope="module")
def widgets(k):
    k.run("apply", "--validate=false", "-f", "-", stdin=WIDGETS)
    k.run("wait", "--for=condition=Established", "crd/widgets.test.example", "--timeout=30s")
    wait_for(lambda: "widgets" in k.run("api-resources", "--api-group=test.example"), 30, "discovery")


def widget(name, **spec):
    return {"apiVersion": "test.example/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def test_custom_resources_are_held_to_their_schema(k, ns, widgets):
    create = ["-n", ns, "create", "--validate=false", "-f", "-"]
    k.run(*create, stdin=widget("good", size=3, colour="red"))
    header, line = k.run("-n", ns, "get", "wd", "good").splitlines()
    assert header.split() == ["NAME", "SIZE"] and line.split()[:2] == ["good", "3"]
    assert "spec.size: Required value" in k.run(*create, stdin=widget("bad"), ok=False)
    assert "spec.size" in k.run(*create, stdin=widget("bad", size="big"), ok=False)
    assert "should be greater than or equal to 1" in k.run(*create, stdin=widget("bad", size=0), ok=False)
    k.run(*create, stdin=widget("pruned", size=1, extra=1))
    assert "extra" not in k.json("-n", ns, "get", "widget", "pruned")["spec"]
    answer = k.sim.call("POST", f"/apis/test.example/v1/namespaces/{ns}/widgets?fieldValidation=Strict", widget("strict", size=1, extra=1))
    assert answer.status == 400 and 'unknown field "spec.extra"' in answer.json["message"], answer.body


def test_status_is_written_apart(k, ns, widgets):
    k.run("-n", ns, "create", "--validate=false", "-f", "-", stdin={**widget("parted", size=1), "status": {"phase": "Mine"}})
    assert "status" not in k.json("-n", ns, "get", "widget", "parted")
    k.run("-n", ns, "patch", "widget", "parted", "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Ready"},"spec":{"size":9}}')
    shown = k.json("-n", ns, "get", "widget", "parted")
    assert shown["status"] == {"phase": "Ready"} and shown["spec"]["size"] == 1 and shown["metadata"]["generation"] == 1
    k.run("-n", ns, "patch", "widget", "parted", "--type=merge", "-p", '{"status":{"phase":"Lost"},"spec":{"size":2}}')
    shown = k.json("-n", ns, "get", "widget", "parted")
    assert shown["status"] == {"phase": "Ready"} and shown["spec"]["size"] == 2 and shown["metadata"]["generation"] == 2
    k.run("-n", ns, "wait", "--for=jsonpath={.status.phase}=Ready", "widget/parted", "--timeout=10s")


def test_an_old_resource_version_is_gone(k, ns):
    parts = urllib.parse.urlsplit(k.sim.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", f"/api/v1/namespaces/{ns}/configmaps?watch=true&resourceVersion=99999999&timeoutSeconds=1")
    answer = connection.getresponse()
    first = answer.read().decode().splitlines()
    assert answer.status in (410, 504) or not first or json.loads(first[0])["object"].get("code") in (410, 504), first
    assert k.sim.call("GET", f"/api/v1/namespaces/{ns}/configmaps?limit=1&continue=bm90IG91cnM").status in (400, 410)
    bad = k.sim.call("GET", f"/api/v1/namespaces/{ns}/configmaps?labelSelector=%3D%3D")
    assert bad.status == 400 and bad.json["kind"] == "Status"


def test_a_cluster_lives_as_an_operator_would_have_it(k, ns):
    cluster = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "db"}, "spec": {"instances": 1, "storage": {"size": "1Gi"}}}
    k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin=cluster)
    k.run("-n", ns, "wait", "--for=condition=Ready", "cluster/db", "--timeout=60s")
    pods = k.json("-n", ns, "get", "pods", "-l", "cnpg.io/cluster=db")["items"]
    assert [p["status"]["phase"] for p in pods] == ["Running"]
    assert k.run("-n", ns, "get", "pods", "--no-headers").split()[:3] == ["db-1", "1/1", "Running"]
    k.run("-n", ns, "logs", "db-1")
    k.run("-n", ns, "delete", "cluster", "db")
    wait_for(lambda: not k.exists("-n", ns, "pod", "db-1"), 30, "the pod to go")
    assert "nobody" in k.run("-n", ns, "logs", "nobody", ok=False)


def test_what_a_real_server_refuses_is_refused(k, ns):
    base = f"/api/v1/namespaces/{ns}/configmaps"
    number = k.sim.call("POST", base, config_map("numbers", {"a": 1}))
    assert number.status == 400 and "cannot unmarshal number" in number.json["message"], number.body
    versioned = k.sim.call("POST", base, config_map("versioned", resourceVersion="7"))
    assert versioned.status == 500 and "resourceVersion should not be set" in versioned.json["message"], versioned.body
    k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin={**config_map("fixed"), "immutable": True})
    for patch in ('{"data":{"a":"2"}}', '{"immutable":false}'):
        assert "immutable" in k.run("-n", ns, "patch", "cm", "fixed", "--type=merge", "-p", patch, ok=False)
    assert k.sim.call("POST", "/apis/nobody.example/v1/namespaces/x/things", {}).status == 404
    cluster = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "logs"}, "spec": {"instances": 1, "storage": {"size": "1Gi"}}}
    k.run("-n", ns, "apply", "--validate=false", "-f", "-", stdin=cluster)
    wait_for(lambda: k.exists("-n", ns, "pod", "logs-1"), 30, "the pod")
    absent = k.sim.call("GET", f"/api/v1/namespaces/{ns}/pods/logs-1/log?container=nobody")
    assert absent.status == 400 and "not valid for pod" in absent.json["message"], absent.body


def template(name, **spec):
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "example.test/main:1", "ports": [{"containerPort": 5432}]}], **spec}}


def workload(api, kind, name, **spec):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_workloads_that_no_operator_owns_get_their_pods(k, ns):
    claims = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]
    selector = lambda name: {"matchLabels": {"app": name}}  # noqa: E731
    items = [
        workload("apps/v1", "StatefulSet", "db", replicas=3, serviceName="db", selector=selector("db"), template=template("db"), volumeClaimTemplates=claims),
        workload("apps/v1", "Deployment", "web", replicas=2, selector=selector("web"), template=template("web")),
        workload("batch/v1", "Job", "load", completions=2, template=template("load", restartPolicy="Never")),
        workload("batch/v1", "CronJob", "nightly", schedule="0 3 * * *", jobTemplate={"spec": {"template": template("nightly", restartPolicy="OnFailure")}}),
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"}, "spec": template("alone")["spec"]},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]}}]
    k.run("-n", ns, "apply", "--server-side", "--validate=false", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": items})
    k.run("-n", ns, "rollout", "status", "statefulset/db", "--timeout=60s")
    k.run("-n", ns, "rollout", "status", "deployment/web", "--timeout=60s")
    k.run("-n", ns, "wait", "--for=condition=Complete", "job/load", "--timeout=60s")
    k.run("-n", ns, "wait", "--for=condition=Ready", "pod/alone", "--timeout=60s")
    assert {c["status"]["phase"] for c in k.json("-n", ns, "get", "pvc")["items"]} == {"Bound"}
    k.run("-n", ns, "create", "job", "now", "--from=cronjob/nightly")
    k.run("-n", ns, "wait", "--for=condition=Complete", "job/now", "--timeout=60s")
    wait_for(lambda: "slipway.dev/simulated" in k.json("-n", ns, "get", "service", "db")["metadata"].get("annotations", {}), 30, "the service to be marked")
    k.run("-n", ns, "set", "image", "deployment/web", "main=example.test/main:2")
    k.run("-n", ns, "rollout", "status", "deployment/web", "--timeout=60s")
    k.run("-n", ns, "scale", "statefulset/db", "--replicas=1")
    wait_for(lambda: not k.exists("-n", ns, "pod", "db-1"), 60, "the pod to go")
    k.run("-n", ns, "delete", "pod", "db-0", "--timeout=60s")
    k.run("-n", ns, "rollout", "status", "statefulset/db", "--timeout=60s")
    k.run("-n", ns, "delete", "deployment/web", "statefulset/db", "pod/alone", "cronjob/nightly", "job/load", "--timeout=60s")
    wait_for(lambda: not k.json("-n", ns, "get", "pods")["items"], 60, "all pods to go")


def test_a_kind_without_an_operator_says_so(k, ns):
    k.run("apply", "--validate=false", "-f", "-", stdin=WIDGETS)
    wait_for(lambda: "widgets" in k.run("api-resources", "--api-group=test.example", "--no-headers", "--cached=false"), 30, "the kind")
    widget = {"apiVersion": "test.example/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}
    done = subprocess.run(k.base + ["-n", ns, "apply", "--validate=false", "-f", "-"], input=json.dumps(widget), capture_output=True, text=True, timeout=60, check=True)
    text = "the development cluster has no operator for Widget.test.example: the object stays as it is written, and nothing will become ready"
    assert done.stderr.strip() == f"Warning: {text}"
    assert text in k.run("-n", ns, "describe", "widget", "w")
    again = subprocess.run(k.base + ["-n", ns, "annotate", "widget", "w", "a=b"], capture_output=True, text=True, timeout=60, check=True)
    assert again.stderr == ""
    played = workload("postgresql.cnpg.io/v1", "Cluster", "db", instances=1, storage={"size": "1Gi"})
    quiet = subprocess.run(k.base + ["-n", ns, "apply", "--validate=false", "-f", "-"], input=json.dumps(played), capture_output=True, text=True, timeout=60, check=True)
    assert quiet.stderr == ""
