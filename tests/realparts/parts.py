"""Finds the real parts that tests run beside the host."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class CannotBuild(Exception):
    """The part is not available on this machine; the message gives the reason in one line."""


def path(name):
    """The path that `build NAME` prints. It takes minutes the first time."""
    done = subprocess.run([os.path.join(HERE, "build"), name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuild(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


def path_or_skip(name):
    """For a test: skips it, with the reason, where the part is not available."""
    import pytest  # noqa: C0415  the node runs without it
    try:
        return path(name)
    except CannotBuild as reason:
        pytest.skip(str(reason))
