"""The host's checker and the schemas agree on the same documents: on good ones, and on thousands that each break one rule."""
import copy
import json
import os
import random
import re
import subprocess

import jsonschema
import pytest

SDK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk")
KINDS = ["describe", "validate", "plan", "step"]
OTHERS = [None, True, 7, 1.5, "text", [], {}]
# A word that each pattern of the schemas accepts; WRONG has words to refuse.
WORDS = {
    "^[a-z][a-z0-9-]{0,30}$": "fake", "^[A-Z][A-Z0-9_]*$": "FAKE_2", "^1\\.[0-9]{1,3}$": "1.1", "^[a-z][a-z0-9_-]*$": "arguments", "^[a-z][a-z_]*$": "create",
    "^/": "/status", "^([a-z0-9.-]+/)?v[0-9][a-z0-9]*/[A-Z][A-Za-z0-9]*$": "apps/v1/Deployment", "^([a-z0-9.-]+/)?v[0-9][a-z0-9]*/[A-Z][A-Za-z0-9]*(/status)?$": "apps/v1/Deployment/status",
    "^[0-9A-Za-z.+-]+(\\.\\*)?$": "1.0.*", "^[A-Z][A-Za-z0-9]*$": "Word",
}
WRONG = ["", "wrong wrong", "Deployment", "ä", "1.0.*.*", "-", "a" * 40]


def load(kind):
    with open(os.path.join(SDK, "schema", kind + ".schema.json"), encoding="utf-8") as file:
        return json.load(file)


def resolve(schema, root):
    if "$ref" in schema:
        return root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def sample(schema, root, whole):
    """A document that the schema accepts: with every member, or with only the required ones."""
    schema = resolve(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if kind == "object":
        out = {key: sample(value, root, whole) for key, value in schema.get("properties", {}).items() if whole or key in schema.get("required", [])}
        if whole and isinstance(schema.get("additionalProperties"), dict):
            out["some/key~"] = sample(schema["additionalProperties"], root, whole)
        return out
    if kind == "array":
        return [sample(schema["items"], root, whole)] * (1 if whole else schema.get("minItems", 0))
    if kind == "string":
        return WORDS[schema["pattern"]] if "pattern" in schema else "text"
    return {"integer": schema.get("minimum", 1), "boolean": True}[kind]


def put(document, path, value):
    out = copy.deepcopy(document)
    at = out
    for key in path[:-1]:
        at = at[key]
    if value is put:
        del at[path[-1]]
    elif path:
        at[path[-1]] = value
    else:
        return value
    return out


def broken(schema, root, document, value, path):
    """Documents that differ from this one in one place."""
    schema = resolve(schema, root)
    for other in OTHERS:
        yield put(document, path, other)
    if path:
        yield put(document, path, put)
    for key, step in (("minimum", -1), ("maximum", 1)):
        if key in schema:
            yield put(document, path, schema[key])
            yield put(document, path, float(schema[key]))
            yield put(document, path, schema[key] + step)
    if "enum" in schema:
        for word in schema["enum"]:
            yield put(document, path, word)
    if schema.get("type") == "string":
        for word in WRONG:
            yield put(document, path, word)
        if "maxLength" in schema:
            for word in ("A" * schema["maxLength"], "A" * (schema["maxLength"] + 1), "ä" * schema["maxLength"]):
                yield put(document, path, word)
    if isinstance(value, dict):
        yield put(document, path + ["unknown"], "member")
        if "maxProperties" in schema:
            some = sample(schema["additionalProperties"], root, True)
            for count in (schema["maxProperties"], schema["maxProperties"] + 1):
                yield put(document, path, {f"k{i}": some for i in range(count)})
        for key, member in value.items():
            rule = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if isinstance(rule, dict):
                yield from broken(rule, root, document, member, path + [key])
    if isinstance(value, list):
        for count in {schema.get("minItems", 0), schema["maxItems"], schema["maxItems"] + 1}:
            yield put(document, path, [sample(schema["items"], root, True)] * count)
        for i, item in enumerate(value):
            yield from broken(schema["items"], root, document, item, path + [i])


def corpus(kind):
    root = load(kind)
    whole, least = sample(root, root, True), sample(root, root, False)
    if kind == "describe":
        whole["parameters_schema"] = {"type": "object"}
    out = [whole, least] + list(broken(root, root, whole, whole, []))
    chance = random.Random(20261)
    for _ in range(200):  # several mistakes at once
        document = chance.choice(out)
        if isinstance(document, dict):
            out.append(dict(document, **{chance.choice(list(whole)): chance.choice(OTHERS)}))
    return root, out


class Checker:
    def __init__(self):
        self.process = subprocess.Popen([os.environ["SLIPWAY_DOCUMENT_CHECK"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, kind, document):
        self.process.stdin.write(kind + "\t" + json.dumps(document) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


@pytest.fixture(scope="module")
def check():
    checker = Checker()
    yield checker
    checker.process.stdin.close()
    assert checker.process.wait(timeout=60) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_checker_and_schema_agree(check, kind):
    root, documents = corpus(kind)
    validator = jsonschema.Draft202012Validator(root)
    good, refused = 0, 0
    for document in documents:
        errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
        said = check(kind, document)
        if "requires" in said:  # this is a feature, not a form: schemas have none
            continue
        assert (said == "good") == (not errors), f"{json.dumps(document)[:2000]}\nhost: {said}\nschema: {[e.message for e in errors]}"
        good, refused = good + (not errors), refused + bool(errors)
        if errors:  # the schema names the place that the host names
            places = {"".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in error.absolute_path) for error in errors}
            assert any(said.split(" ")[0].startswith(place) for place in places), (said, places)
    assert good >= 10 and refused >= 30, (good, refused)
    print(f"{kind}: {good} good, {refused} refused")


def test_describe_is_read_like_its_schema(check):
    document = sample(load("describe"), load("describe"), True)
    assert check("describe", document) == "good"
    assert check("describe", dict(document, applies=["Deployment"])).startswith("/applies/0 ")
    assert check("describe", dict(document, parameters_schema={"properties": {"a": {"type": "text"}}})).startswith("/parameters_schema/properties/a/type ")
    assert check("describe", dict(document, contract="2.0")).startswith("/contract ")
    assert 'requires "patch"' in check("describe", dict(document, requires=["arguments", "patch"]))


LIMITS = {
    "step: `apply`": ("step", "properties/apply/maxItems"), "step: `patch`": ("step", "properties/patch/maxItems"), "step: `delete`": ("step", "properties/delete/maxItems"), "step: `need`": ("step", "properties/need/maxProperties"),
    "step: `outputs.endpoints`": ("step", "properties/outputs/properties/endpoints/maxItems"),
    "step: `outputs.credentials.fields`": ("step", "properties/outputs/properties/credentials/properties/fields/maxProperties"),
    "step: `outputs.backups`, `windows` and `gaps` of `outputs.window`": ("step", "properties/outputs/properties/backups/maxItems"),
    "step: texts of `outputs.backups` and `outputs.window`": ("step", "$defs/backup/properties/error/maxLength"),
    "step: `retry_after_ms`": ("step", "properties/retry_after_ms/maximum"), "plan: `stages`": ("plan", "properties/stages/maxItems"),
    "plan: `quota`": ("plan", "properties/quota/maxProperties"), "validate: `warnings`": ("validate", "properties/warnings/maxItems"),
    "describe: `watches`": ("describe", "properties/watches/maxItems"), "describe: `applies`, `patches`, `transient`": ("describe", "properties/patches/maxItems"),
    "describe: `types` and `targets` of `backup`": ("describe", "properties/backup/properties/types/maxItems"),
    "describe: `crds_required`, `crds_optional`, `plan_compat`, `requires`, `verbs`": ("describe", "properties/requires/maxItems"),
    "describe: `keep` of a watch, `insight_queries`": ("describe", "properties/insight_queries/maxItems"), "every `reason`": ("step", "$defs/verdict/properties/reason/maxLength"), "every name of an object": ("step", "$defs/reference/properties/name/maxLength"),
}


def test_the_page_says_the_limits_of_the_schemas():
    with open(os.path.join(SDK, "DOCUMENTS.md"), encoding="utf-8") as file:
        rows = dict(re.findall(r"^\| ((?:step|plan|validate|describe|every)[^|]*) \| (\d+)[^|]*\|$", file.read(), flags=re.M))
    for row, (kind, pointer) in LIMITS.items():
        value = load(kind)
        for key in pointer.split("/"):
            value = value[key]
        assert int(rows.pop(row)) == value, row
    assert list(rows) == ["plan: `carry`"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_has_a_length(kind):
    """The host never matches a text of unlimited length."""
    def look(schema):
        if isinstance(schema, dict):
            assert not isinstance(schema.get("pattern"), str) or "maxLength" in schema or "{0," in schema["pattern"], schema
            for value in schema.values():
                look(value)
        elif isinstance(schema, list):
            for value in schema:
                look(value)
    look(load(kind))
