"""What the engine applies, checked by the operator's own schemas and rules, of both generations."""
import json
import os
import subprocess
import sys

import pytest

from engine_toy import NAMESPACE, TIERS, Engine, plan, validator
from mongodb_toy import NEW, OLD, TLS, Toy

CRDS = {"old": ("mongodbcommunity-mco-0.13.0.yaml", OLD), "new": ("mongodbcommunity-mck-1.10.0.yaml", NEW)}


@pytest.mark.parametrize("settings", ["{}", TLS, '{"cluster_domain":"k8s.example"}'], ids=["plain", "tls", "domain"])
@pytest.mark.parametrize("generation", CRDS)
@pytest.mark.parametrize("tier", TIERS)
def test_the_operator_takes_every_object(tier, generation, settings, tmp_path):
    tool = validator("mongodb", "")
    crd, kinds = CRDS[generation]
    engine, toy = Engine(settings), Toy()
    spec = engine.spec(tier)
    toy.run(engine, plan(engine, spec), spec, kinds=kinds)
    engine.close()
    files = []
    for n, wanted in enumerate({json.dumps(o, sort_keys=True): o for o in toy.applies}.values()):
        wanted["metadata"]["namespace"] = NAMESPACE
        path = tmp_path / ("%02d-%s.json" % (n, wanted["kind"]))
        path.write_text(json.dumps(wanted))
        files.append(str(path))
    done = subprocess.run([sys.executable, tool, os.path.join(os.path.dirname(tool), "crds", crd), *files],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MongoDBCommunity/orders" in done.stdout and " 0 errors" in done.stdout
