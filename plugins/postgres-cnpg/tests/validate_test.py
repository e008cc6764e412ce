"""What the engine applies, checked by the operator's own schemas and rules."""
import json
import subprocess
import sys

import pytest

from cnpg_toy import BACKUP, Toy, source_of
from engine_toy import NAMESPACE, TIERS, Engine, plan, validator


@pytest.mark.parametrize("backup", [None, BACKUP], ids=["plain", "backup"])
@pytest.mark.parametrize("tier", TIERS)
def test_the_operator_takes_every_object(tier, backup, tmp_path):
    tool = validator("cnpg", "tools")
    engine, toy = Engine(), Toy()
    spec = engine.spec(tier, backup)
    toy.run(engine, plan(engine, spec), spec)
    if backup:
        toy.run(engine, plan(engine, spec, "backup"), spec, "backup")
    engine.close()
    check(toy, tmp_path, tool, 5 if backup else 1)


@pytest.mark.parametrize("target", [{"type": "LATEST"}, {"type": "TIME", "value": "2026-09-21T05:00:00Z", "exclusive": True}, {"type": "LSN", "value": "16/B374D848"},
                                    {"type": "XID", "value": "4711"}, {"type": "NAME", "value": "before the move"}, {"type": "BACKUP"}], ids=lambda t: t["type"])
def test_the_operator_takes_every_restore(target, tmp_path):
    tool = validator("cnpg", "tools")
    engine, toy = Engine(), Toy()
    own = dict(BACKUP, store="main", regionKey="REGION", caKey="ca.crt")
    toy.SECRETS = {name: ["ACCESS_KEY_ID", "ACCESS_SECRET_KEY", "REGION", "ca.crt", "username", "password", "dbname"] for name in Toy.SECRETS}
    spec = engine.spec("STANDARD", own, None, source_of(engine, target, of=own))
    toy.run(engine, plan(engine, spec), spec)
    engine.close()
    check(toy, tmp_path, tool, 5)


def check(toy, tmp_path, tool, least):
    files = []
    for n, wanted in enumerate({json.dumps(o, sort_keys=True): o for o in toy.applies}.values()):
        # The validator knows the operator's kinds; NetworkPolicy is Kubernetes' own.
        if wanted["kind"] == "NetworkPolicy":
            continue
        wanted["metadata"]["namespace"] = NAMESPACE
        path = tmp_path / ("%02d-%s.json" % (n, wanted["kind"]))
        path.write_text(json.dumps(wanted))
        files.append(str(path))
    assert len(files) >= least
    done = subprocess.run([sys.executable, tool, *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
