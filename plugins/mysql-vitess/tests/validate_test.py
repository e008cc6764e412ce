"""What the engine applies, checked by the operator's own schemas and rules: every tier, backup, shards and cells."""
import json
import subprocess
import sys

import pytest
import yaml

from engine_toy import NAMESPACE, TIERS, Engine, plan, validator
from vitess_toy import BACKUP, Toy

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
