"""slipwayd --dev: the development cluster is a separate program that lives and dies with the host."""
import os
import shutil
import signal
import subprocess

import pytest

from integration.host import BUILD, Host, database_processes, make_dir, outer_environment, remove_dir, wait_for


@pytest.fixture()
def host():
    data = make_dir()
    started = Host(data, pace="0")
    yield started
    if started.process and started.process.poll() is None:
        started.kill()
    wait_for(lambda: database_processes(data) == [], 30, "the servers to end")
    remove_dir(data)


def cluster_of(host):
    """The process id of the host's slipway-sim, or None."""
    for task in os.listdir(f"/proc/{host.process.pid}/task"):
        with open(f"/proc/{host.process.pid}/task/{task}/children", encoding="ascii") as f:
            for pid in f.read().split():
                with open(f"/proc/{pid}/comm", encoding="ascii") as name:
                    if name.read().strip() == "slipway-sim":
                        return int(pid)
    return None


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def log_of(host):
    with open(host.log_path, encoding="utf-8") as f:
        return f.read()


def test_the_cluster_ends_with_a_killed_host_and_the_next_life_finds_its_objects(host):
    host.start()
    operation = host.finish(host.create("kept").json["id"])
    assert operation["state"] == "SUCCEEDED", operation
    cluster = cluster_of(host)
    host.kill()
    host.start()  # at once: it waits for what the first life leaves
    wait_for(lambda: not runs(cluster), 30, "slipway-sim to end with its host")
    assert cluster_of(host) not in (None, cluster)
    shown = host.call("GET", f"/v1/instances/{operation['target']['id']}").json
    assert shown["status"]["state"] == "ACTIVE", shown
    host.stop()
    assert database_processes(host.data) == []


def test_the_host_ends_when_its_cluster_ends_and_says_so(host):
    host.start()
    os.kill(cluster_of(host), signal.SIGKILL)
    assert host.process.wait(60) == 1
    log = log_of(host)
    assert '"dev.cluster_ended"' in log and "slipway-sim was ended by signal 9" in log, log[-2000:]
    assert "slipwayd: the development cluster ended, so the host ends, too" in log


def test_ctrl_c_reaches_the_host_alone_which_drains_and_ends_its_cluster(host):
    host.start()
    cluster = cluster_of(host)
    assert os.getpgid(cluster) != os.getpgid(host.process.pid)
    host.process.send_signal(signal.SIGINT)
    assert host.process.wait(60) == 0
    assert '"host.stopped"' in log_of(host) and "dev.cluster_ended" not in log_of(host)
    assert not runs(cluster)


def test_the_clusters_log_lines_are_in_the_hosts_log(host):
    host.start()
    wait_for(lambda: '"event":"sim.cnpg_started"' in log_of(host), 30, "a line of the cluster")


def test_without_the_program_the_host_says_where_it_looked(host):
    alone = os.path.join(host.data, "bin")
    os.mkdir(alone)
    shutil.copy(os.path.join(BUILD, "bin", "slipwayd"), alone)
    done = subprocess.run([os.path.join(alone, "slipwayd"), "--dev", "--data-dir", os.path.join(host.data, "state"), "--port", "0"],
                          env={**outer_environment(), "PATH": "/nowhere"}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"slipwayd: --dev needs the program slipway-sim, the development cluster. It is neither in {alone} nor in" in done.stderr, done.stderr


def test_a_cluster_that_cannot_start_says_why(host):
    state = os.path.join(host.data, "state")
    os.makedirs(state)
    with open(os.path.join(state, "cluster.jsonl"), "w", encoding="utf-8") as f:
        f.write("nonsense\n")
    host.start(wait_ready=False)
    assert host.process.wait(60) == 1
    log = log_of(host)
    assert "cluster.jsonl:1:" in log and "the development cluster did not start: slipway-sim ended with status 1" in log, log


def test_two_hosts_do_not_share_a_cluster(host):
    """The host's own lock detects a shared directory, and the cluster's lock a shared cluster."""
    host.start()
    sim = os.path.join(BUILD, "bin", "slipway-sim")
    done = subprocess.run([sim, "--port", "0", "--state", os.path.join(host.data, "state", "cluster.jsonl"), "--no-behaviours"],
                          capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 1 and f"is held by process {cluster_of(host)}" in done.stderr, done.stderr


def test_a_cluster_whose_parent_is_gone_does_not_start():
    done = subprocess.run([os.path.join(BUILD, "bin", "slipway-sim"), "--die-with-parent", "1"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "the parent process is gone" in done.stderr, done.stderr


def test_an_engine_without_an_operator_gets_its_pods(host):
    engines = os.path.join(host.data, "engines.d")
    os.makedirs(engines)
    library = os.path.join(BUILD, "tests", "engines", "workloads", "workloads-1.0.0.so")
    with open(os.path.join(engines, "workloads.yaml"), "w", encoding="utf-8") as f:
        f.write(f"name: workloads\npath: {library}\nenabled: true\n")
    host.engines = engines
    host.start()
    created = host.call("POST", "/v1/instances", {"orgId": "acme", "projectName": "plain", "databaseType": "WORKLOADS", "tier": "FREE"})
    assert created.status == 202, created.body
    operation = host.finish(created.json["id"])
    assert operation["state"] == "SUCCEEDED", operation
    instance = operation["target"]["id"]
    proof = host.call("GET", f"/v1/instances/{instance}").json["status"]["loginProof"]
    assert proof["state"] == "SKIPPED" and "runs no program" in proof["message"], proof
    deleted = host.finish(host.call("DELETE", f"/v1/instances/{instance}").json["id"])
    assert deleted["state"] == "SUCCEEDED", deleted
    host.stop()
