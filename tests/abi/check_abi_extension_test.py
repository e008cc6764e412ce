"""The checker accepts an extension of the frozen header and names everything else."""
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
FROZEN = os.path.join(HERE, "..", "..", "sdk", "abi", "1.0", "engine.h")


def check(tmp_path, old, new):
    with open(FROZEN, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    header = tmp_path / "engine.h"
    header.write_text(text.replace(old, new, 1))
    return subprocess.run([sys.executable, os.path.join(HERE, "check_abi_extension.py"), FROZEN, str(header)],
                          capture_output=True, text=True, timeout=60, check=False)


STEP = "int32_t (*step)(const slipway_engine*, const slipway_call*, slipway_bytes input);"
PLAN = "int32_t (*plan)(const slipway_engine*, const slipway_call*, slipway_bytes input);"


@pytest.mark.parametrize("old,new", [
    (STEP, STEP + "\n  void (*more)(void);"),
    ("SLIPWAY_INTERNAL     = 6", "SLIPWAY_INTERNAL = 6, SLIPWAY_MORE = 7"),
    ("/* non-zero: give up soon */", "/* other words */"),
])
def test_extension_passes(tmp_path, old, new):
    done = check(tmp_path, old, new)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("old,new", [
    (STEP, ""),
    (PLAN, "void (*early)(void);\n  " + PLAN),
    (STEP, STEP.replace("int32_t", "int64_t")),
    ("SLIPWAY_EXHAUSTED    = 5", "SLIPWAY_EXHAUSTED = 9"),
    ("uint64_t    size;", "uint32_t    size;"),
    ("char engine[32]; char version[28];", "char engine[28]; char version[32];"),
])
def test_change_is_refused(tmp_path, old, new):
    assert check(tmp_path, old, new).returncode != 0
