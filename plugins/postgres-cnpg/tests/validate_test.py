"""What the engine applies, checked by the operator's own schemas and rules."""
import json
import subprocess
import sys

import pytest

from cnpg_toy import BACKUP, Toy
from engine_toy import NAMESPACE, TIERS, Engine, plan, validator


@pytest.mark.parametrize("backup", [None, BACKUP], ids=["plain", "backup"])
@pytest.mark.parametrize("tier", TIERS)
def test_the_operator_takes_every_object(tier, backup, tmp_path):
    tool = validator("cnpg", "tools")
    engine, toy = Engine(), Toy()
    spec = engine.spec(tier, backup)
    toy.run(engine, plan(engine, spec), spec)
    engine.close()
    files = []
    for n, wanted in enumerate({json.dumps(o, sort_keys=True): o for o in toy.applies}.values()):
        # The validator knows the operator's kinds; NetworkPolicy is Kubernetes' own.
        if wanted["kind"] == "NetworkPolicy":
            continue
        wanted["metadata"]["namespace"] = NAMESPACE
        path = tmp_path / ("%02d-%s.json" % (n, wanted["kind"]))
        path.write_text(json.dumps(wanted))
        files.append(str(path))
    assert len(files) >= (4 if backup else 1)
    done = subprocess.run([sys.executable, tool, *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
