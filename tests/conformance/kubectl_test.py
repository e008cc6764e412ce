"""kubectl's everyday commands print the same for both servers."""
import concurrent.futures
import os
import re
import subprocess

import pytest
import yaml

from conformance.conformance_test import CONTROLLERS
from conformance.requests.bodies import WIDGETS, cm, pod, widget, workload
from conformance.step import UNEQUAL
from controlplane.controlplane import ApiServer, definitions
from integration.host import Sim, make_dir, remove_dir, wait_for

WEB = workload("Deployment", "web")

# The commands that run in a namespace "k": the command, its input, and its exit status.
COMMANDS = [
    ("get namespace k",),
    ("apply -f -", cm("a", labels={"l": "1"})),
    ("apply -f -", cm("a", labels={"l": "1"})),
    ("apply -f -", cm("a", {"k": "2"}, labels={"l": "1"})),
    ("diff -f -", cm("a", {"k": "3"}), 1),
    ("apply --dry-run=server -f -", cm("dry")),
    ("apply --dry-run=server -o yaml -f -", cm("dry")),
    ("apply --dry-run=client -f -", cm("dry")),
    ("apply --server-side -f -", cm("b")),
    ("apply --server-side --field-manager=other -f -", cm("b", {"k": "9"}), 1),
    ("apply --server-side --field-manager=other --force-conflicts -f -", cm("b", {"k": "9"})),
    ("apply -f -", {**cm("x"), "extra": 1}, 1),
    ("apply -f -", cm("Bad"), 1),
    ("apply -f -", widget("w")),
    ("apply -f -", widget("x", {"size": 99}), 1),
    ("apply -f -", widget("x", {"size": 1, "siz": 1}), 1),
    ("get cm a b",), ("get cm a b -o wide",), ("get cm a -o yaml",), ("get cm a -o json",), ("get cm -l l=1 -o name",), ("get cm a --show-labels",),
    ("get cm a -o jsonpath={.data.k}",), ("get cm a b --no-headers",), ("get cm a -o custom-columns=N:.metadata.name,K:.data.k",), ("get cm nobody", None, 1),
    ("get cm,secrets -l l=1",), ("get all",), ("get things", None, 1), ("get cm --field-selector metadata.name=a",), ("get cm --field-selector x=y", None, 1),
    ("get wd",), ("get wd -o wide",), ("get toys",), ("get cm -A -l l=1",), ("get cm a --output-watch-events --watch-only --request-timeout=1s", None, None),
    ("describe cm a",), ("describe wd w",), ("describe cm nobody", None, 1),
    ("label cm a more=1",), ("label cm a more=2", None, 1), ("label cm a more=2 --overwrite",), ("label cm a more-",), ("annotate cm a note=1",),
    ("patch cm a -p {\"data\":{\"p\":\"1\"}}",), ("patch cm a --type=merge -p {\"data\":{\"p\":null}}",), ("patch cm a --type=json -p [{\"op\":\"add\",\"path\":\"/data/j\",\"value\":\"1\"}]",),
    ("patch cm a --type=json -p [{\"op\":\"test\",\"path\":\"/data/j\",\"value\":\"2\"}]", None, 1), ("patch wd w -p {\"spec\":{\"size\":2}}", None, 1), ("patch wd w --type=merge -p {\"spec\":{\"size\":2}}",),
    ("patch wd w --type=merge -p {\"spec\":{\"size\":77}}", None, 1), ("patch wd w --subresource=status --type=merge -p {\"status\":{\"phase\":\"Ready\"}}",),
    ("wait --for=jsonpath={.status.phase}=Ready wd/w --timeout=5s",), ("wait --for=condition=Ready wd/w --timeout=0s", None, 1), ("wait --for=delete cm/nobody --timeout=1s",),
    ("scale wd w --replicas=5",), ("scale wd w --replicas=99", None, 1),
    ("create -f -", WEB), ("create -f -", WEB, 1), ("get deployment web",), ("get deployment web -o wide",), ("scale deployment web --replicas=0",), ("set image deployment/web main=example.test/main:2",),
    ("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}",), ("rollout history deployment/web",),
    ("create deployment made --image=example.test/made:1 --replicas=0",), ("get deployment made -o yaml",),
    ("create quota most --hard=pods=2,secrets=10,requests.cpu=1",), ("wait --for=jsonpath={.status.used.pods}=0 quota/most --timeout=50s",), ("get quota most",), ("describe quota most",), ("delete quota most",),
    ("create role reader --verb=get --resource=pods",), ("describe role reader",), ("get role reader -o yaml",), ("create rolebinding reads --role=reader --serviceaccount=k:default",), ("describe rolebinding reads",),
    ("create job once --image=example.test/once:1",), ("get job once",), ("create cronjob often --image=example.test/often:1 --schedule=@hourly",), ("get cronjob often",),
    ("create secret generic s --from-literal=a=b",), ("get secret s -o yaml",), ("describe secret s",), ("create cm made --from-literal=a=b",), ("create cm made --from-literal=a=b", None, 1),
    ("create sa robot",), ("get sa robot",), ("create service clusterip svc --tcp=80:8080",), ("describe service svc",), ("create pdb pdb --min-available=1 --selector=a=b",), ("get pdb",),
    ("create namespace k-two",), ("create cm dry --from-literal=a=b --dry-run=server",), ("create cm dry --from-literal=a=b --dry-run=server -o yaml",),
    ("apply -f -", pod("p")), ("get pods",), ("get pods -o wide",), ("get pod p -o yaml",), ("describe pod p",), ("delete pod p --wait=false",),
    ("logs nobody", None, 1), ("auth can-i create pods",), ("auth can-i --list --no-headers", None, None),
    ("explain widget.spec.size",), ("explain cluster.spec.storage.size",), ("explain nobody", None, 1),
    ("api-resources --api-group=test.example",), ("api-resources --api-group=batch",), ("api-resources --api-group=postgresql.cnpg.io",), ("api-resources --namespaced=false --api-group=apiextensions.k8s.io",),
    ("replace -f -", cm("a", {"k": "r"})), ("replace -f -", cm("nobody"), 1), ("edit cm nobody", None, 1),
    ("delete cm a",), ("delete cm a", None, 1), ("delete cm a --ignore-not-found",), ("delete wd --all",), ("delete deployment,role --all",),
    ("delete -f - --cascade=foreground", cm("b")), ("delete namespace k-two --wait=false",),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.yaml"), encoding="utf-8") as f:
    LISTED = {entry["kubectl"]: entry["reason"] for entry in yaml.safe_load(f) if "kubectl" in entry}


def normal(text, server):
    text = text.replace(server, "<server>")
    for pattern, name in UNEQUAL:
        text = pattern.sub(name, text)
    text = re.sub(r"resourceVersion: \"\d+\"|\"resourceVersion\": \"\d+\"", "resourceVersion: <version>", text)
    text = re.sub(r"(?m)^(Creation Timestamp|Start Time): .*$", r"\1: <time>", text)
    text = re.sub(r"(?m)^(\s*Resource Version): +\d+$", r"\1: <version>", text)
    text = re.sub(r"/tmp/(LIVE|MERGED)-\d+\S*(\t\S+ \S+ \S+)?|(?m:^diff -u .*$)", "<file>", text)
    # Ages vary, and so does the width of their column.
    return [re.sub(r"\s+", " ", re.sub(r"\b(\d+[smhd])+\b", "<age>", line)).strip() for line in text.splitlines()]


def run(kubectl, server):
    """[(status, output)] by command."""
    def say(words, given=None):
        done = subprocess.run([*kubectl, "-n", "k", *words], input=yaml.safe_dump(given) if given else None, capture_output=True, text=True, timeout=60)
        return done.returncode, normal(done.stdout, server) + ["---"] + normal(done.stderr, server)
    say(["create", "namespace", "k"])
    say(["apply", "-f", "-"], WIDGETS)
    wait_for(lambda: say(["get", "sa", "default"])[0] == 0 and say(["get", "widgets"])[0] == 0, 30, "the namespace")
    return [say(command[0].split(" "), command[1] if len(command) > 1 else None) for command in COMMANDS]


@pytest.fixture(scope="module")
def said():
    data = make_dir()
    sim = Sim(os.path.join(data, "sim"), databases=False, extra=["--no-behaviours", "--crds", os.path.dirname(definitions(["cnpg"])[0])])
    real = ApiServer(os.path.join(data, "kube"), "--controller-list", ",".join(CONTROLLERS))
    try:
        for path in definitions(["cnpg"]):
            real.kubectl("apply", "--server-side", "-f", path)
        command = [real.kube, "kubectl", "--cache-dir"]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            yield list(zip(*pool.map(run, [[*command, os.path.join(data, "c1"), "--kubeconfig", real.kubeconfig_direct], [*command, os.path.join(data, "c2"), "--kubeconfig", sim.kubeconfig]],
                                     [real.direct, sim.url])))
    finally:
        real.stop()
        sim.stop()
        remove_dir(data)


@pytest.mark.parametrize("index", range(len(COMMANDS)), ids=[f"{i}-{command[0]}" for i, command in enumerate(COMMANDS)])
def test_command(said, index):
    real, sim = said[index]
    wanted = COMMANDS[index][2] if len(COMMANDS[index]) > 2 else 0
    assert wanted in (None, real[0]), f"the real server: {real}"
    if COMMANDS[index][0] in LISTED:
        assert sim != real, "is listed as a difference, and is none"
    else:
        assert sim == real
