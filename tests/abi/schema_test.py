"""The schemas are valid, and the examples in DOCUMENTS.md satisfy them."""
import json
import os
import re

import jsonschema
import pytest

SDK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk")


def schema(name):
    with open(os.path.join(SDK, "schema", name + ".schema.json"), encoding="utf-8") as file:
        return json.load(file)


def examples(section):
    with open(os.path.join(SDK, "DOCUMENTS.md"), encoding="utf-8") as file:
        text = file.read()
    body = re.split(r"^## ", text, flags=re.M)
    page = next(part for part in body if part.startswith(section))
    return re.findall(r"```json\n(.*?)```", page, flags=re.S)


@pytest.mark.parametrize("name", ["describe", "validate", "plan", "step"])
def test_schema_is_valid(name):
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_describe_example():
    jsonschema.validate(json.loads(examples("describe")[0]), schema("describe"))


def test_step_output_example():
    text = examples("step")[-1].replace('"…"', '"x"')
    document = json.loads(text)
    for item in document["apply"]:
        item["apiVersion"], item["kind"], item["metadata"]["name"] = "v1", "ConfigMap", "x"
    jsonschema.validate(document, schema("step"))


def test_validate_spec_example():
    spec = json.loads(examples("validate")[0])
    jsonschema.validate({"schema": 1, "spec": spec, "warnings": []}, schema("validate"))


@pytest.mark.parametrize("name,document", [
    ("describe", {"schema": 1}),
    ("validate", {"schema": 1}),
    ("plan", {"schema": 1, "stages": [{"name": "not a stage's name"}]}),
    ("step", {"schema": 1, "verdict": {"state": "perhaps"}}),
    ("step", {"schema": 1, "verdict": {"state": "skipped"}}),
    ("step", {"schema": 2, "verdict": {"state": "ready"}}),
])
def test_wrong_documents_are_refused(name, document):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema(name))
