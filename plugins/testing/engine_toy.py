"""The engine under test as the host sees it, and the base of the toy clusters that play its operator."""
import copy
import glob
import json
import os
import re
import subprocess

import jsonschema
import pytest

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk", "schema")
NOW = 1790000000000
NAMESPACE = "acme-orders"
INSTANCE = {"id": "0b6f3c1e-7a52-4d9e-9a55-1f2e3d4c5b6a", "name": "orders", "namespace": NAMESPACE,
            "seed": "5eed0123456789abcdef", "organization": "acme", "project": "orders"}
OPERATION = {"id": "7d1f9a52-4a0e-4c6f-8b1d-2c3d4e5f6a7b", "started_ms": NOW - 60000}
TIERS = {
    "FREE": {"instances": 1, "storage": "5Gi", "memory": "512Mi", "cpu": "500m", "pod_monitor": False},
    "STANDARD": {"instances": 3, "storage": "50Gi", "memory": "4Gi", "cpu": "2", "pod_monitor": True},
    "ENTERPRISE": {"instances": 5, "storage": "500Gi", "memory": "16Gi", "cpu": "4", "pod_monitor": True},
}
# Documents that no engine may take for its own fault.
NONSENSE = ["", "{", "[1,2", "nul", '{"a":"\\ud800"}', "[" * 5000, '{"spec":[]}', "7", "null"]


def checker(function):
    """What checks an answer as the host does: by the schema of the SDK."""
    with open(os.path.join(SCHEMAS, function + ".schema.json"), encoding="utf-8") as file:
        return jsonschema.Draft202012Validator(json.load(file))


class Engine:
    """One driver process; calls are lines. `raw` keeps the bytes, `ok` takes good answers only."""

    def __init__(self, settings="{}"):
        self.checkers = {}
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
        if function not in self.checkers:
            self.checkers[function] = checker(function)
        self.checkers[function].validate(answer["result"])
        return answer["result"]

    def spec(self, tier, backup=None, parameters=None, arguments=None):
        spec = self.ok("validate", request(asked(tier, backup, parameters), arguments=arguments))["spec"]
        if "parameters" not in self.checkers:
            self.checkers["parameters"] = jsonschema.Draft202012Validator(self.ok("describe", {})["parameters_schema"])
        self.checkers["parameters"].validate(spec["parameters"])
        return spec

    def refused(self, spec, verb="create", arguments=None):
        """The fields that validate complains about."""
        answer = self.call("validate", request(spec, verb, arguments))
        assert answer["code"] == 1 and answer["result"] is None, answer
        return [failure["field"] for failure in answer["failures"]]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def asked(tier, backup=None, parameters=None, **change):
    """A request as the host hands it over, with the tier resolved."""
    return dict(TIERS[tier], tier=tier, parameters=parameters or {}, backup=backup, **change)


# The documents of the host, with all members that sdk/DOCUMENTS.md names, in every verb.
def request(spec, verb="create", arguments=None):
    return {"schema": 1, "verb": verb, "instance": {"name": INSTANCE["name"], "namespace": NAMESPACE},
            "spec": spec, "previous": None, "arguments": arguments or {}}


def plan(engine, spec, verb="create"):
    return engine.ok("plan", {"schema": 1, "verb": verb, "operation": OPERATION, "instance": INSTANCE, "spec": spec,
                              "previous": None, "arguments": {}})


def step_input(stage, spec, observed=(), inventory=(), verb="create", kinds=None, needs=None, started=NOW):
    """`kinds`: False for a kind that the cluster does not know; others count as known.
    `started`: when the stage began; under `observe` (stage OBSERVE) since when the instance has been unhealthy, or 0."""
    return {"schema": 1, "verb": verb, "operation": OPERATION, "stage": stage, "attempt": 1, "stage_started_ms": started,
            "now_ms": NOW, "instance": INSTANCE, "spec": spec, "previous": None, "arguments": {}, "carry": {},
            "facts": {"kinds": kinds or {}}, "observed": list(observed), "inventory": list(inventory), "needs": needs or {}}


def check_durations(engine, spec, observed):
    """`observed` shows an operator that has written nothing. Its silence is told in seconds, but only since a start that can be."""
    for verb, stage in (("create", "WAITING_FOR_READY"), ("observe", "OBSERVE")):
        for started in (0, -1, None, NOW + 1, 2 * NOW):
            got = engine.ok("step", step_input(stage, spec, observed, verb=verb, started=started))["verdict"]
            assert got["reason"] != "OperatorNotResponding" and not re.search(r"\d s\b", got["message"]), (verb, started, got)
        got = engine.ok("step", step_input(stage, spec, observed, verb=verb, started=NOW - 61000))["verdict"]
        assert got["reason"] == "OperatorNotResponding" and " for 61 s: " in got["message"], got


def condition(kind, value="True", reason="", message=""):
    return {"type": kind, "status": value, "reason": reason, "message": message}


def meta(name, **labels):
    return {"name": name, "namespace": NAMESPACE, "labels": {"slipway.dev/instance": INSTANCE["id"], **labels}}


def uid(kind, name):
    """That of an object which was applied."""
    return "uid-of-%s-%s" % (kind, name)


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

    def list(self, kind, selector):
        """The objects of a need by label, newest first."""
        raise AssertionError("the toy lists no %s of %s" % (kind, selector))

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
        return [{"apiVersion": o["apiVersion"], "kind": o["kind"], "namespace": NAMESPACE, "name": name, "uid": uid(o["kind"], name)}
                for (_, name), o in self.applied.items()]

    def fetch(self, ref):
        if "labelSelector" in ref:
            return {"items": self.list(ref["kind"], ref["labelSelector"])}
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
