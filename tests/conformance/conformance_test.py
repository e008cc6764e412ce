"""Sends the same requests to a real API server and to slipway-sim; their answers must mean the same.

Each difference is mended in the simulator, or listed with its reason in differences.yaml, field by field.
"""
import concurrent.futures
import os

import pytest
import yaml

from conformance.requests import changes, keys, reads, rules, verbs
from conformance.requests.bodies import WIDGETS, thing
from conformance.step import Server, Step, differences
from controlplane.controlplane import ApiServer, definitions
from integration.host import Sim, make_dir, remove_dir

# The controllers that the simulator has, too. Any other controller would write at times of its own.
CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller", "resourcequota-controller",
               "persistentvolumeclaim-protection-controller")
GROUPS = {**verbs.GROUPS, **changes.GROUPS, **reads.GROUPS, **rules.GROUPS, **keys.GROUPS}
STEPS = [step for steps in GROUPS.values() for step in steps]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.yaml"), encoding="utf-8") as f:
    LISTED = {(entry["request"], field): entry["reason"] for entry in yaml.safe_load(f) if "request" in entry for field in entry["fields"]}


def run(server):
    """The answers by step. We use a namespace once its account and its certificate exist."""
    answers = {}
    server.run(Step("", "POST crds", WIDGETS))
    for path in ("widgets", "clusters"):
        server.saved["ns"] = "default"
        server.run(Step("", f"GET {path}", until=200))
    for group, steps in GROUPS.items():
        server.saved["ns"] = f"c-{group}"
        server.run(Step("", "POST namespaces", thing("v1", "Namespace", "$ns")))
        for path in ("sa/default", "cm/kube-root-ca.crt"):
            server.run(Step("", f"GET {path}", until=200))
        for step in steps:
            answers[step.id] = server.run(step)
    return answers


@pytest.fixture(scope="module")
def found():
    """{request: {field: (real, simulated)}}"""
    data = make_dir()
    sim = Sim(os.path.join(data, "sim"), databases=False, extra=["--no-behaviours", "--crds", os.path.dirname(definitions(["cnpg"])[0])])
    real = ApiServer(os.path.join(data, "kube"), "--controller-list", ",".join(CONTROLLERS))
    try:
        for path in definitions(["cnpg"]):
            real.kubectl("apply", "--server-side", "-f", path)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            theirs, ours = pool.map(run, [Server(real.direct, real.tls, real.token), Server(sim.url)])
        yield {step.id: differences(theirs[step.id], ours[step.id]) for step in STEPS}
    finally:
        real.stop()
        sim.stop()
        remove_dir(data)


def test_the_requests_are_told_apart():
    assert len({step.id for step in STEPS}) == len(STEPS) >= 200


@pytest.mark.parametrize("request_id", [step.id for step in STEPS])
def test_request(found, request_id):
    unlisted = {field: pair for field, pair in found[request_id].items() if (request_id, field) not in LISTED}
    assert not unlisted, "\n".join(f"{field}: real {pair[0]!r}, simulated {pair[1]!r}" for field, pair in unlisted.items())


def test_every_listed_difference_is_one(found):
    unused = [entry for entry in LISTED if entry[1] not in found.get(entry[0], {})]
    print(f"{len(STEPS)} requests compared, {len(LISTED)} listed differences")
    assert not unused, unused
