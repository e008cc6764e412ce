"""What the engine applies, checked by the operator's own schemas and rules: every tier, backup, shards and cells."""
import json
import subprocess
import sys

import pytest
import yaml

from engine_toy import NAMESPACE, TIERS, Engine, plan, validator
from vitess_toy import BACKUP, Toy, source_of

SETTINGS = json.dumps({"tolerations": "dedicated=mysql:NoSchedule", "storage_class": "fast",
                       "etcd_image": "registry.example/etcd:v3.5.17"})


def test_the_operator_takes_every_object(tmp_path):
    tool = validator("vitess", "samples")
    files = []
    for settings in ("{}", SETTINGS):
        engine = Engine(settings)
        for tier, backup, shards, cells in [(t, b, s, c) for t in TIERS for b in (None, BACKUP) for s in (1, 2, 16)
                                            for c in (["zone1"], ["a", "b", "c"]) if len(c) <= TIERS[t]["instances"]]:
            spec = engine.spec(tier, backup, {"shards": shards, "cells": cells})
            toy = Toy()
            toy.run(engine, plan(engine, spec), spec)
            documents = list({json.dumps(o, sort_keys=True): o for o in toy.applies}.values())
            documents.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-s3"},
                              "stringData": {"credentials": "x"}})
            for document in documents:
                document["metadata"]["namespace"] = NAMESPACE
            path = tmp_path / ("%d-%s-%s-%d-%d.yaml" % (settings != "{}", tier, bool(backup), shards, len(cells)))
            path.write_text(yaml.safe_dump_all(documents))
            files.append(str(path))
        engine.close()
    done = subprocess.run([sys.executable, tool, *files], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("VitessCluster") == len(files) == 60


def test_the_operator_takes_every_form_of_a_restore(tmp_path):
    tool, files, engine = validator("vitess", "samples"), [], Engine(SETTINGS)
    directory = dict(BACKUP, destinationPath="file:///store/acme")
    for own, of in ((BACKUP, BACKUP), (dict(BACKUP, store="main"), dict(BACKUP, store="main")), (directory, directory)):
        spec = engine.spec("STANDARD", own, None, source_of(engine, {"type": "BACKUP"}, of))
        toy = Toy()
        toy.run(engine, plan(engine, spec), spec)
        for document in list({json.dumps(o, sort_keys=True): o for o in toy.applies if o["kind"] == "VitessCluster"}.values()):
            document["metadata"]["namespace"] = NAMESPACE
            secrets = [o for o in toy.applies if o["kind"] == "Secret"] + [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-s3"},
                                                                            "stringData": {"credentials": "x"}}]
            for secret in secrets:
                secret["metadata"]["namespace"] = NAMESPACE
            path = tmp_path / ("%d.yaml" % len(files))
            path.write_text(yaml.safe_dump_all([document, *secrets]))
            files.append(str(path))
    engine.close()
    done = subprocess.run([sys.executable, tool, *files], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) == 3 * 4
