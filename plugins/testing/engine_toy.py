"""The engine under test as the host sees it, and the base of the toy clusters that play its operator."""
import copy
import glob
import json
import os
import subprocess

import pytest

NOW = 1790000000000
NAMESPACE = "acme-orders"
INSTANCE = {"id": "0b6f3c1e-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "orders", "namespace": NAMESPACE,
            "seed": "5eed0123456789abcdef", "organization": "acme", "project": "orders"}
TIERS = {
    "FREE": {"instances": 1, "storage": "5Gi", "memory": "512Mi", "cpu": "500m", "pod_monitor": False},
    "STANDARD": {"instances": 3, "storage": "50Gi", "memory": "4Gi", "cpu": "2", "pod_monitor": True},
    "ENTERPRISE": {"instances": 5, "storage": "500Gi", "memory": "16Gi", "cpu": "4", "pod_monitor": True},
}
# Documents that no engine may take for its own fault.
NONSENSE = ["", "{", "[1,2", "nul", '{"a":"\\ud800"}', "[" * 5000, '{"spec":[]}', "7", "null"]


class Engine:
    """One driver process; calls are lines. `raw` keeps the bytes."""

    def __init__(self, settings="{}"):
        self.process = subprocess.Popen(
            [os.environ["SLIPWAY_ENGINE_DRIVE"], os.environ["SLIPWAY_ENGINE"], settings],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def raw(self, function, document, now=NOW):
        text = document if isinstance(document, str) else json.dumps(document)
        self.process.stdin.write(("%s\t%d\t%s\n" % (function, now, text)).encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the engine died"
        return line

    def call(self, function, document, now=NOW):
        return json.loads(self.raw(function, document, now))

    def ok(self, function, document, now=NOW):
        answer = self.call(function, document, now)
        assert answer["code"] == 0, answer
        return answer["result"]

    def spec(self, tier, backup=None, parameters=None):
        return self.ok("validate", request(asked(tier, backup, parameters)))["spec"]

    def refused(self, spec):
        """The fields that validate complains about."""
        answer = self.call("validate", request(spec))
        assert answer["code"] == 1 and answer["result"] is None, answer
        return [failure["field"] for failure in answer["failures"]]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def asked(tier, backup=None, parameters=None, **change):
    """A request as the host hands it over, with the tier resolved."""
    return dict(TIERS[tier], tier=tier, parameters=parameters or {}, backup=backup, **change)


def request(spec):
    return {"schema": 1, "verb": "create", "instance": {"name": INSTANCE["name"], "namespace": NAMESPACE},
            "spec": spec, "previous": None}


def plan(engine, spec, verb="create"):
    return engine.ok("plan", {"schema": 1, "verb": verb, "instance": INSTANCE, "spec": spec, "previous": None})


def step_input(stage, spec, observed=(), inventory=(), verb="create", kinds=None, needs=None, started=NOW):
    """`kinds`: what the cluster does not know is False; the rest is taken to be there."""
    return {"schema": 1, "verb": verb, "stage": stage, "attempt": 1, "stage_started_ms": started,
            "instance": INSTANCE, "spec": spec, "previous": None, "carry": {}, "facts": {"kinds": kinds or {}},
            "observed": list(observed), "inventory": list(inventory), "needs": needs or {}}


def condition(kind, value="True", reason="", message=""):
    return {"type": kind, "status": value, "reason": reason, "message": message}


def meta(name, **labels):
    return {"name": name, "namespace": NAMESPACE, "labels": {"slipway.dev/instance": INSTANCE["id"], **labels}}


def vectors(test_file):
    """The paths of the engine's vectors, from a file of its tests."""
    return sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(test_file)), "..", "vectors", "*.json")))


def validator(operator, folder):
    """The path of the operator's validate.py; skips the test, or fails it in CI, where there is none."""
    here = os.path.dirname(os.path.abspath(__file__))
    shared = os.environ.get("SLIPWAY_SHARED") or os.path.join(here, "..", "..", "..", "shared")
    path = os.path.join(shared, "operators", operator, folder, "validate.py")
    if not os.path.exists(path):
        message = "the operator's validator is not at %s; set SLIPWAY_SHARED" % path
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return path


def covers(got, expected, at=""):
    """`expected` is a subset of `got`; lists must match item by item, "*" matches anything."""
    if expected == "*":
        return
    if isinstance(expected, dict):
        assert isinstance(got, dict), at
        for key, value in expected.items():
            assert key in got, "%s/%s is missing in %s" % (at, key, got)
            covers(got[key], value, at + "/" + key)
    elif isinstance(expected, list):
        assert isinstance(got, list) and len(got) == len(expected), "%s: %s" % (at, got)
        for n, value in enumerate(expected):
            covers(got[n], value, "%s/%d" % (at, n))
    else:
        assert got == expected, at


def check_vector(engine, path):
    with open(path, encoding="utf-8") as file:
        vector = json.load(file)
    answer = engine.call(vector["function"], vector.get("input", {}), vector.get("now_ms", NOW))
    if "failures" in vector:
        assert answer["code"] != 0, answer
        assert sorted((f["code"], f["field"]) for f in answer["failures"]) == sorted(
            (f["code"], f["field"]) for f in vector["failures"]), answer
    else:
        assert answer["code"] == 0, answer
        covers(answer["result"], vector["expect"])


class ToyCluster:
    """Holds what was applied. An engine's own toy says what its operator shows (`observed`) and does (`move`)."""

    SECRETS = {}  # name → keys, of Secrets that the engine does not apply itself

    def __init__(self):
        self.applied, self.applies = {}, []

    def observed(self):
        raise NotImplementedError

    def move(self):
        raise NotImplementedError

    def get(self, ref):
        """Any other object that the engine needs, whole; None when it does not exist."""
        raise AssertionError("the toy has no %s" % ref)

    def take(self, result):
        for wanted in result.get("apply", []):
            kind = wanted["apiVersion"] + "/" + wanted["kind"]
            self.applied[(kind, wanted["metadata"]["name"])] = copy.deepcopy(wanted)
            self.applies.append(wanted)
        for gone in result.get("delete", []):
            key = (gone["apiVersion"] + "/" + gone["kind"], gone["name"])
            assert key in self.applied, "deletes what it never applied: %s" % (key,)
            del self.applied[key]

    def inventory(self):
        return [{"apiVersion": o["apiVersion"], "kind": o["kind"], "namespace": NAMESPACE, "name": name}
                for (_, name), o in self.applied.items()]

    def fetch(self, ref):
        if ref["kind"] != "Secret":
            return self.get(ref)
        made = self.applied.get(("v1/Secret", ref["name"]))
        keys = sorted(made["stringData"]) if made else self.SECRETS.get(ref["name"])
        return keys and {"metadata": {"name": ref["name"], "namespace": NAMESPACE}, "keys": keys}

    def step(self, engine, stage, spec, verb="create", kinds=None):
        """One tick of the host: step, and again with what it needs, at most four rounds."""
        needs = {}
        for _ in range(5):
            document = step_input(stage, spec, self.observed(), self.inventory(), verb, kinds, needs)
            result = engine.ok("step", document)
            fresh = {k: v for k, v in result.get("need", {}).items() if k not in needs}
            if not fresh:
                break
            needs.update({name: self.fetch(ref) for name, ref in fresh.items()})
        else:
            raise AssertionError("needs without end")
        self.take(result)
        return result

    def run(self, engine, stages, spec, verb="create", kinds=None):
        """Walks the plan's stages to their ends; returns stage → last result."""
        out = {}
        for stage in stages["stages"]:
            if "skip" in stage:
                continue
            for _ in range(60):
                result = self.step(engine, stage["name"], spec, verb, kinds)
                out[stage["name"]] = result
                state = result["verdict"]["state"]
                if state in ("ready", "skipped"):
                    break
                assert state == "progressing", result
                self.move()
            else:
                raise AssertionError("%s never ends: %s" % (stage["name"], result))
        return out

    def half_made(self, engine, spec, steps):
        """Stops after so many steps of a create, wherever that is."""
        for stage in plan(engine, spec)["stages"]:
            while steps > 0:
                steps -= 1
                result = self.step(engine, stage["name"], spec)
                self.move()
                if result["verdict"]["state"] != "progressing":
                    break
        return self
