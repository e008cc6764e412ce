#!/usr/bin/env python3
"""Our Kubernetes client beside client-go's dynamic client, on one control plane in one run.

    benchmarks/kube/compare_kube.py OURS KUBE CLIENTGO [--short] [--pods N] [--rounds N]

OURS is kube_compare_bench of the release build; KUBE and CLIENTGO are what `tests/controlplane/build` prints. Prints a Markdown
table. The clients take turns; CPU time is each process's own (getrusage). Ratios above 1 are in our favour.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile


class Plane:
    """An API server with etcd, and pods in it."""

    def __init__(self, kube, clientgo, pods):
        self.dir = tempfile.mkdtemp(prefix="slipway-bench-")
        self.process = subprocess.Popen([kube, "up", "--dir", self.dir, "--until-eof", "--controllers=false", "--faults=false"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        assert line, "the control plane did not start"
        self.kubeconfig = json.loads(line)["kubeconfig"]
        self.clientgo = clientgo
        took = self.run(clientgo, "seed", "--count", pods)["seconds"]
        print(f"{pods} pods made in {took:.0f} s", file=sys.stderr)

    def run(self, program, mode, *arguments):
        done = subprocess.run([program, mode, "--kubeconfig", self.kubeconfig, *map(str, arguments)], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def changes(self, rate, pods):
        return subprocess.Popen([self.clientgo, "change", "--kubeconfig", self.kubeconfig, "--rate", str(rate), "--count", str(pods), "--seconds", "3600"],
                                stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * q))] if values else float("nan")


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, unit, ours, theirs, more_is_better=False, goal=None):
        """`ours` and `theirs` are one value a round."""
        a, b = statistics.median(ours), statistics.median(theirs)
        ratio = (a / b if more_is_better else b / a) if a and b else float("nan")
        reached = "" if goal is None else f"≥ {goal:g}: {'reached' if ratio >= goal else 'not reached'}"
        self.rows.append((what, f"{a:,.{2 if a < 100 else 0}f} {unit}", f"{b:,.{2 if b < 100 else 0}f} {unit}", f"{ratio:.2f}", reached))
        print(" | ".join(self.rows[-1]), file=sys.stderr)

    def print(self):
        print("| Work | Ours | client-go | Ratio | Goal |\n|---|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours")
    parser.add_argument("kube")
    parser.add_argument("clientgo")
    parser.add_argument("--short", action="store_true", help="about a minute: fewer pods, one round")
    parser.add_argument("--pods", type=int)
    parser.add_argument("--rounds", type=int)
    args = parser.parse_args()
    pods = args.pods or (1000 if args.short else 10_000)
    rounds = args.rounds or (1 if args.short else 3)
    seconds, steady, watches = (1, 3, 200) if args.short else (3, 10, 1000)
    programs = (args.ours, args.clientgo)
    plane, table = Plane(args.kube, args.clientgo, pods), Table()
    try:
        def both(mode, *arguments):
            """The answers of each program, round by round."""
            answers = [[], []]
            for _ in range(rounds):
                for i, program in enumerate(programs):
                    answers[i].append(plane.run(program, mode, *arguments))
            return answers

        def compare(answers, what, unit, value, **how):
            table.add(what, unit, *[[value(a) for a in one] for one in answers], **how)

        for n in (1, 16, 64):
            answers = both("get", "--in-flight", n, "--seconds", seconds)
            compare(answers, f"GET, {n} in flight: a CPU-second", "requests", lambda a: a["requests"] / a["cpu"], more_is_better=True, goal=3)
            compare(answers, f"GET, {n} in flight: a second", "requests", lambda a: a["requests"] / a["seconds"], more_is_better=True)
        answers = both("list")
        assert all(a["items"] == pods for one in answers for a in one)
        compare(answers, f"list of {pods} pods", "s", lambda a: a["seconds"], goal=3)
        compare(answers, "… CPU", "s", lambda a: a["cpu"])
        compare(answers, "… peak memory", "MiB", lambda a: a["peakKiB"] / 1024, goal=3)
        changes = plane.changes(200, pods)
        try:
            answers = both("informer", "--seconds", steady)
        finally:
            changes.terminate()
            changes.wait()
        assert all(a["items"] == pods for one in answers for a in one)
        compare(answers, f"informer of {pods} pods: start", "s", lambda a: a["start_seconds"])
        compare(answers, "… start, CPU", "s", lambda a: a["start_cpu"])
        compare(answers, "… peak memory", "MiB", lambda a: a["peakKiB"] / 1024, goal=3)
        compare(answers, "… 200 changes a second: CPU a second", "ms", lambda a: a["cpu"] / a["seconds"] * 1000)
        compare(answers, "… change to callback, median", "ms", lambda a: quantile(a["delaysMs"], 0.5))
        compare(answers, "… change to callback, p99", "ms", lambda a: quantile(a["delaysMs"], 0.99), goal=1)
        answers = both("watches", "--count", watches)
        compare(answers, f"{watches} watches: start", "s", lambda a: a["start_seconds"])
        compare(answers, "… start, CPU", "s", lambda a: a["start_cpu"])
        compare(answers, "… one change to all of them: CPU", "ms", lambda a: a["cpu"] * 1000)
        compare(answers, "… peak memory", "MiB", lambda a: a["peakKiB"] / 1024)
    finally:
        plane.stop()
    table.print()


if __name__ == "__main__":
    main()
