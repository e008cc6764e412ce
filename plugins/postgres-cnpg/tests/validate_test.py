"""What the engine applies, checked by the operator's own schemas and rules."""
import json
import os
import subprocess
import sys

import pytest

from cnpg_toy import BACKUP, TIERS, Engine, Toy, plan


def validator():
    here = os.path.dirname(os.path.abspath(__file__))
    shared = os.environ.get("SLIPWAY_SHARED") or os.path.join(here, "..", "..", "..", "..", "shared")
    path = os.path.join(shared, "operators", "cnpg", "tools", "validate.py")
    if not os.path.exists(path):
        message = "the operator's validator is not at %s; set SLIPWAY_SHARED" % path
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return path


@pytest.mark.parametrize("backup", [None, BACKUP], ids=["plain", "backup"])
@pytest.mark.parametrize("tier", TIERS)
def test_the_operator_takes_every_object(tier, backup, tmp_path):
    tool = validator()
    engine, toy = Engine(), Toy()
    spec = engine.spec(tier, backup)
    toy.run(engine, plan(engine, spec), spec)
    engine.close()
    files = []
    for n, wanted in enumerate({json.dumps(o, sort_keys=True): o for o in toy.applies}.values()):
        # The validator knows the operator's kinds; NetworkPolicy is Kubernetes' own.
        if wanted["kind"] == "NetworkPolicy":
            continue
        wanted["metadata"]["namespace"] = "acme-orders"
        path = tmp_path / ("%02d-%s.json" % (n, wanted["kind"]))
        path.write_text(json.dumps(wanted))
        files.append(str(path))
    assert len(files) >= (4 if backup else 1)
    done = subprocess.run([sys.executable, tool, *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
