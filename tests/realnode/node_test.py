"""A killed node takes every process with it, and the next start removes its files."""
import os
import signal
import subprocess
import sys

import pytest

from conftest import wait_for
from realnode.node import HERE, clean, control_groups, lives, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")
HOLDER = "import sys, time; sys.path.insert(0, sys.argv[1]); from node import Node; n = Node(); print(n.directory, n.pid, flush=True); time.sleep(600)"


def inside(network):
    """The processes in the namespace, by name."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/net") == network:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                    found.append(f.read().strip())
        except OSError:
            pass
    return found


@pytest.mark.parametrize("victim", ["the process that started it", "the node"])
def test_a_killed_node_leaves_nothing(victim):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, HERE], stdout=subprocess.PIPE, text=True)
    try:
        directory, pid = holder.stdout.readline().split()
        network = os.readlink(f"/proc/{pid}/ns/net")
        running = inside(network)
        assert {"kube", "containerd", "coredns", "manager"} <= set(running), running
        os.kill(holder.pid if victim != "the node" else int(pid), signal.SIGKILL)
        wait_for(lambda: not inside(network), 30, "the end of its processes")
        wait_for(lambda: not lives(directory), 30, "the end of its lock")
        assert directory in clean()
        assert not os.path.exists(directory) and control_groups(os.path.basename(directory)) == []
        assert directory not in open("/proc/self/mounts", encoding="utf-8").read()
    finally:
        holder.kill()
        holder.wait()
