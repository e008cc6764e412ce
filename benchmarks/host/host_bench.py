#!/usr/bin/python3
"""What does the whole host cost? Measured from outside, on the release build, beside slipway-sim in a process of its own.

usage: host_bench.py BUILD_DIRECTORY provisioning|waiting|get|cluster [--short]

provisioning  CPU and wall of slipwayd per provisioning, over an operator without any delay: the FAKE engine's database is one
              ConfigMap and ready as soon as it exists (ideal operator), and a PostgreSQL of one instance on the simulated operator
waiting       bytes of resident memory per instance that waits, 10,000 of them at once; threads
cluster       FREE PostgreSQL, 1,000 at once on a real control plane: requests of the host per provisioning and where they go, its CPU
get           GET /v1/instances/{id} beside a bare Pistache handler that answers as many bytes
"""
import collections
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests"))
os.environ["SLIPWAY_BUILD"] = os.path.abspath(sys.argv[1])
from integration.host import BUILD, Host, Sim, make_dir, remove_dir, wait_for  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def row(what, value, reference, ratio, goal, reached):
    print(f"{what:<58} {value:>16} {reference:>22} {ratio:>7} {goal:>9}  {'reached' if reached else 'MISSED'}", flush=True)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status(pid, name):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name + ":"))


class World:
    def __init__(self, behaviours):
        self.data = make_dir()
        os.chmod(self.data, 0o755)
        engines = os.path.join(self.data, "engines.d")
        os.makedirs(engines)
        shutil.copy(os.path.join(BUILD, "engines.d", "postgres-cnpg.yaml"), engines)
        fake = os.path.join(BUILD, "tests", "engines", "fake")
        library = next(name for name in os.listdir(fake) if name.endswith(".so"))
        with open(os.path.join(engines, "fake.yaml"), "w", encoding="utf-8") as f:
            f.write(f"name: fake\npath: {fake}/{library}\n")
        self.sim = Sim(os.path.join(self.data, "sim"), databases=False, extra=() if behaviours else ("--no-behaviours",))
        self.host = Host(os.path.join(self.data, "host"), self.sim, engines=engines, check=False).start()

    def create(self, kind, n):
        answer = self.host.call("POST", "/v1/instances", {"orgId": f"o{n % 50}", "projectName": f"{kind.lower()}{n}", "databaseType": kind, "tier": "FREE"})
        assert answer.status == 202, answer.body
        return answer.json["id"]

    def metric(self, name):
        text = self.host.call("GET", "/metrics").body.decode()
        return float(re.search(rf"^{name} (\S+)", text, re.M).group(1))

    def close(self):
        self.host.stop()
        self.sim.stop()
        remove_dir(self.data)


def provisioning(short):
    world = World(behaviours=True)
    pid = world.host.process.pid
    try:
        for kind, what, count in (("FAKE", "ideal operator", 60 if short else 1000), ("POSTGRESQL", "simulated CloudNativePG", 20 if short else 200)):
            world.host.finish(world.create(kind, 0))  # its watches begin with the first one
            before, began = cpu_seconds(pid), time.monotonic()
            with ThreadPoolExecutor(8) as pool:
                # One long poll per operation: asking in a loop would be measured too.
                ends = list(pool.map(lambda n: world.host.call("GET", f"/v1/operations/{world.create(kind, n)}?waitSeconds=60").json["state"], range(1, count + 1)))
            assert set(ends) == {"SUCCEEDED"}, set(ends)
            wall, cpu = (time.monotonic() - began) * 1000 / count, (cpu_seconds(pid) - before) * 1000 / count
            row(f"provisioning, {what}: CPU of the host", f"{cpu:.2f} ms", f"wall {wall:.2f} ms, 8 at once", "", "<= 5 ms", cpu <= 5)
    finally:
        world.close()


def waiting(short):
    count = 300 if short else 10_000
    world = World(behaviours=False)
    pid = world.host.process.pid
    try:
        first = world.create("POSTGRESQL", 0)
        wait_for(lambda: world.host.operation(first)["progress"]["stage"] == "WAITING_FOR_READY", 60)

        def measure():
            world.host.call("GET", "/readyz?verbose")  # it brings the gauges up to date
            return status(pid, "VmRSS") * 1024, world.metric("slipway_cache_bytes"), status(pid, "Threads")

        rss, cached, threads = measure()
        with ThreadPoolExecutor(8) as pool:
            operations = list(pool.map(lambda n: world.create("POSTGRESQL", n), range(1, count + 1)))
        for operation in operations:
            wait_for(lambda: world.host.operation(operation)["progress"]["stage"] == "WAITING_FOR_READY", 600)
        rss_after, cached_after, threads_after = measure()
        objects = (cached_after - cached) / count
        each = (rss_after - rss) / count - objects
        row(f"waiting, {count} at once: bytes an instance", f"{each:.0f} B", f"+ {objects:.0f} B of objects", "", "<= 8192", each <= 8192)
        row("waiting: threads of the host", str(threads_after), f"{threads} before", "", "constant", threads_after == threads)
    finally:
        world.close()


def resource_of(path):
    """"clusters" of /apis/postgresql.cnpg.io/v1/namespaces/a/clusters/b; a group's discovery is its path."""
    parts = path.strip("/").split("/")[2 if path.startswith("/api/") else 3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    return parts[0] if parts else path


def cluster(short):
    from controlplane.controlplane import ControlPlane
    count = 30 if short else 1000
    data = make_dir()
    # As many passes at once as there are instances, and no limits on what the controllers may ask.
    server = ControlPlane(os.path.join(data, "server"), databases=False)
    host = Host(os.path.join(data, "host"), server, check=False, config="stage_timeout_seconds: {default: 3600}").start()
    pid = host.process.pid

    def create(n):
        answer = host.create(f"p{n}", org=f"o{n % 50}")
        assert answer.status == 202, answer.body
        return answer.json["id"]

    def ended(operation):
        while not (seen := host.call("GET", f"/v1/operations/{operation}?waitSeconds=60").json)["done"]:
            pass
        return seen["state"]

    try:
        ended(create(0))  # its watches begin with the first one
        os.truncate(server.request_log, 0)
        before, began = cpu_seconds(pid), time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            operations = list(pool.map(create, range(1, count + 1)))
        ends = [ended(operation) for operation in operations]
        wall, cpu = time.monotonic() - began, cpu_seconds(pid) - before
        assert set(ends) == {"SUCCEEDED"}, set(ends)
        asked = [r for r in server.requests() if r["userAgent"].startswith("slipwayd")]
        where = collections.Counter(f"{r['verb']} {resource_of(r['path'])}" for r in asked)
        row(f"real control plane, {count} at once: requests each", f"{len(asked) / count:.2f}", f"wall {wall:.0f} s", "", "none", True)
        for what, times in where.most_common(20):
            print(f"    {times / count:8.2f}  {what}", flush=True)
        row("real control plane: CPU of the host each", f"{cpu * 1000 / count:.2f} ms", "", "", "none", True)
        row("real control plane: failed operations", "0", f"of {count}", "", "0", True)
    finally:
        host.stop()
        server.stop()
        remove_dir(data)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wrk(url, seconds, token):
    out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", "-H", "Connection: keep-alive", "-H", f"Authorization: Bearer {token}", url], capture_output=True, text=True, check=True, timeout=120).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def get(short):
    world = World(behaviours=True)
    seconds, rounds = (1, 1) if short else (3, 5)
    port = free_port()
    bare = None
    try:
        operation = world.host.finish(world.create("POSTGRESQL", 0))
        path = f"/v1/instances/{operation['target']['id']}"
        size = len(world.host.call("GET", path).body)
        bare = subprocess.Popen([os.path.join(BUILD, "benchmarks", "http", "bare_pistache"), str(port), str(size), "2"])
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 10)
        for what, target in (("GET /v1/instances/{id}", path), ("GET /v1/version", "/v1/version")):
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(wrk(f"http://127.0.0.1:{world.host.port}{target}", seconds, world.host.token))
                theirs.append(wrk(f"http://127.0.0.1:{port}/", seconds, "x"))
            ratio = statistics.median(o / t for o, t in zip(ours, theirs))
            row(f"API: {what}, 64 connections", f"{statistics.median(ours):.0f}/s", f"Pistache {statistics.median(theirs):.0f}/s", f"{ratio:.2f}", ">= 0.70", ratio >= 0.7)
    finally:
        if bare:
            bare.terminate()
            bare.wait()
        world.close()


if __name__ == "__main__":
    {"provisioning": provisioning, "waiting": waiting, "get": get, "cluster": cluster}[sys.argv[2]]("--short" in sys.argv)
