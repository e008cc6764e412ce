"""Random histories of a real PostgreSQL: writes, backups, outages of the store, failovers, then restores to random moments of them. What a restore brings back is
what the model had at that moment. Where the archive does not reach, the restore is refused or fails; it is never wrong. SLIPWAY_SEED repeats a run,
SLIPWAY_HISTORIES sets how many there are."""
import concurrent.futures
import contextlib
import glob
import os
import random
import re
import shutil

import pytest

from integration import clusters
from integration.backups_test import moment, sql
from integration.host import Host, database_processes, make_dir, remove_dir, wait_for

pytestmark = pytest.mark.skipif(not shutil.which("psql"), reason="PostgreSQL is not installed")
SEED = int(os.environ.get("SLIPWAY_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
HISTORIES = int(os.environ.get("SLIPWAY_HISTORIES", "2"))
STEPS, RESTORES = 12, 4
ROWS = "SELECT coalesce(string_agg(id || '=' || v, ' ' ORDER BY id), '') FROM t"


class History:
    """One instance, and what its table had at each moment."""

    def __init__(self, host, seed):
        self.host, self.random = host, random.Random(seed)
        self.told = []  # the steps, for the one that looks for a fault
        self.rows, self.moments, self.backups = {}, [], []  # moments: (time, table); backups: how many moments there were when one was done
        self.tier = self.random.choice(["FREE", "FREE", "STANDARD"])

    def run(self):
        operation = self.end_of(self.host.create("model", self.tier, backup={}))
        assert operation["state"] == "SUCCEEDED", operation
        self.instance = operation["target"]["id"]
        sql(self.host, self.instance, "CREATE TABLE t (id int PRIMARY KEY, v int)")
        for step in (self.write, self.back_up, *self.random.choices(
                (self.write, self.back_up, self.outage, self.failover), (7, 2, 1, 1 if self.tier == "STANDARD" else 0), k=STEPS)):
            step()
        chosen = [*self.random.sample(range(len(self.moments)), min(RESTORES - 1, len(self.moments))), None]
        return collect(self.restore(number, at) for number, at in enumerate(chosen))

    def end_of(self, answer):
        assert answer.status == 202, answer.body
        return self.host.finish(answer.json["id"], 300)

    def write(self):
        statements = []
        for _ in range(self.random.randint(1, 4)):
            key, value = self.random.randrange(20), self.random.randrange(1000)
            if key in self.rows and self.random.random() < 0.3:
                del self.rows[key]
                statements.append(f"DELETE FROM t WHERE id = {key}")
            else:
                self.rows[key] = value
                statements.append(f"INSERT INTO t VALUES ({key}, {value}) ON CONFLICT (id) DO UPDATE SET v = {value}")
        sql(self.host, self.instance, "; ".join(statements))  # psql sends them as one transaction
        self.moments.append((moment(self.host, self.instance), " ".join(f"{key}={self.rows[key]}" for key in sorted(self.rows))))
        self.told.append(f"write {len(self.moments) - 1}")

    def back_up(self):
        operation = self.end_of(self.host.call("POST", f"/v1/instances/{self.instance}/backups", {}))
        assert operation["state"] == "SUCCEEDED", operation
        self.backups.append(len(self.moments))
        self.told.append("backup")

    def outage(self):
        """The server goes on, and its log waits."""
        store = os.path.join(self.host.data, "state", "backups")
        os.rename(store, store + ".away")
        with open(store, "w", encoding="utf-8"):  # so that nobody makes the directory again
            pass
        try:
            self.write()
            sql(self.host, self.instance, "CREATE TABLE filler AS SELECT generate_series(1, 300000)")  # more than a piece of the log
            sql(self.host, self.instance, "DROP TABLE filler")
            self.write()
        finally:
            os.remove(store)
            os.rename(store + ".away", store)
        self.told.append("outage")

    def superuser(self, statement):
        """At the primary's socket: the application's user does not see how far a replica is."""
        credentials = self.host.call("GET", f"/v1/instances/{self.instance}/credentials").json
        port = next(e["port"] for e in credentials["endpoints"] if e["role"] == "READ_WRITE")
        for config in glob.glob(os.path.join(self.host.data, "databases", "volumes", "*", "pgdata", "slipway.conf")):
            with open(config, encoding="utf-8") as f:
                settings = dict(re.findall(r"^(port|unix_socket_directories) = '?([^'\n]+)'?$", f.read(), flags=re.M))
            if settings["port"] == str(port):
                address = f"host={settings['unix_socket_directories']} port={port} user=postgres dbname=postgres"
                return sql(self.host, self.instance, statement, ok=False, uri=address)
        return None

    def failover(self):
        namespace = ("-n", "acme-model")
        caught_up = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"
        wait_for(lambda: self.superuser(caught_up) == "2", 60, "the replicas to catch up")  # replication is asynchronous
        primary = [*namespace, "get", "pods", "-l", "cnpg.io/instanceRole=primary", "-o", "name"]
        lost = self.host.kubectl(*primary).strip()
        self.host.kubectl(*namespace, "delete", lost, "--wait=false")
        wait_for(lambda: self.host.kubectl(*primary).strip() not in ("", lost), 60, "another primary")
        wait_for(lambda: sql(self.host, self.instance, "SELECT pg_is_in_recovery()", ok=False) == "f", 60, "the new primary to take writes")
        assert sql(self.host, self.instance, ROWS) == self.moments[-1][1], "the failover lost rows"
        wait_for(lambda: sql(self.host, self.instance, "SELECT count(*) FROM pg_stat_replication") == "2", 120, "the replicas to come back")
        self.told.append("failover")

    def restore(self, number, at):
        """To a moment, or to the latest point. "" or what is wrong."""
        target = {"type": "LATEST"} if at is None else {"type": "TIME", "value": self.moments[at][0]}
        answer = self.host.create(f"copy-{number}", "FREE" if self.tier == "FREE" else "STANDARD", source={"instanceId": self.instance, "target": target})
        # A time is reached with the first commit after it, which has to be in the archive.
        reached = at is None or self.backups[0] <= at and any(done > at + 1 for done in self.backups)
        where = f"restore to {target}, moment {at} of {len(self.moments)}, backups at {self.backups}"
        if answer.status == 422:
            return f"{where} was refused: {answer.body}" if reached else ""
        operation = self.end_of(answer)
        if operation["state"] != "SUCCEEDED":
            return f"{where} failed: {operation['error']}" if reached else ""
        found = sql(self.host, operation["target"]["id"], ROWS)
        allowed = [table for _, table in self.moments[self.backups[-1] - 1:]] if at is None else [self.moments[at][1]]
        self.end_of(self.host.call("DELETE", operation["target"]["path"]))
        return "" if found in allowed else f"{where} brought {found!r}, not {allowed}"


def collect(results):
    return [wrong for wrong in results if wrong]


def life(seed):
    data = make_dir()
    server = clusters.start(data, databases=True, pace="0.01", fast=True)
    host = Host(data, server, config=f"backup_stores: [{{name: here, url: 'file://{data}/state/backups'}}]\n", fast=True).start()
    host.kubectl = server.kubectl
    history = History(host, seed)
    try:
        wrong = history.run()
    except Exception as error:
        raise AssertionError(f"SLIPWAY_SEED={seed} SLIPWAY_HISTORIES=1, {history.tier}, {history.told}: {error}") from error
    finally:
        with contextlib.suppress(AssertionError):
            host.stop()
        server.stop()
    assert database_processes(os.path.join(data, "databases")) == []
    remove_dir(data)
    assert not wrong, f"SLIPWAY_SEED={seed} SLIPWAY_HISTORIES=1, {history.tier}, {history.told}: {wrong}"
    return len(history.moments), len(history.backups)


def test_a_restore_is_the_model_of_that_moment_or_none(capsys):
    with concurrent.futures.ThreadPoolExecutor(2) as lives:
        done = list(lives.map(life, range(SEED, SEED + HISTORIES)))
    with capsys.disabled():
        print(f"\nmodel: {len(done)} histories, {sum(m for m, _ in done)} writes, {sum(b for _, b in done)} backups, {len(done) * RESTORES} restores (SLIPWAY_SEED={SEED})")
