"""slipwayd --dev is killed with SIGKILL again and again, at any moment, even while it starts, and is started again at once with the same directory.
Meanwhile databases of three engines are created and deleted. Every operation ends as asked, and nothing is left.

SLIPWAY_DEV_KILLS=200,60 kills 200 times and creates 60 databases. The test prints its seed; SLIPWAY_SEED sets it.
"""
import http.client
import os
import random
import threading
import time

from integration import databases
from integration.host import Host, database_processes, make_dir, remove_dir, wait_for

KILLS, CREATES = (int(n) for n in os.environ.get("SLIPWAY_DEV_KILLS", "10,6").split(","))
SEED = int(os.environ.get("SLIPWAY_SEED") or random.SystemRandom().randrange(1 << 32))
AT_ONCE = 6         # instances that exist at one time
LIFE_SECONDS = 4.0  # at most
SETTLED_SECONDS = 300 + 10 * CREATES  # after the last start; a safety net


class Killed(Exception):
    """The host is gone; the next life goes on."""


class Database:
    """What the test wants of one database: create it, see it, delete it."""

    def __init__(self, number):
        self.project, self.kind = f"p{number}", databases.ALL[number % len(databases.ALL)]
        self.create = self.instance = self.delete = None
        self.gone = False

    def step(self, host):
        """Takes one step if it is time for one."""
        if self.create is None:
            answer = call(host, "POST", "/v1/instances", {"orgId": "acme", "projectName": self.project, "databaseType": self.kind.type, "tier": "FREE"}, self.project)
            self.create, self.instance = answer["id"], answer["target"]["id"]
        elif self.delete is None:
            operation = call(host, "GET", f"/v1/operations/{self.create}")
            assert operation["state"] not in ("FAILED", "BLOCKED", "CANCELLED"), f"seed {SEED}: {operation}"
            if operation["state"] == "SUCCEEDED":
                proof = call(host, "GET", f"/v1/instances/{self.instance}")["status"]["loginProof"]
                assert proof["state"] == self.kind.proof, f"seed {SEED}: {self.project} {proof}"
                self.delete = call(host, "DELETE", f"/v1/instances/{self.instance}")["id"]
        else:
            operation = call(host, "GET", f"/v1/operations/{self.delete}")
            assert operation["state"] not in ("FAILED", "BLOCKED"), f"seed {SEED}: {operation}"
            self.gone = operation["state"] == "SUCCEEDED"


def call(host, method, path, body=None, key=None):
    try:
        answer = host.call(method, path, body, {"Idempotency-Key": key} if key else None, check=False)
    except (OSError, http.client.HTTPException) as error:
        raise Killed from error
    assert answer.status < 400, f"seed {SEED}: {method} {path}: {answer.status} {answer.body}"
    return answer.json


def live(host, waiting, present):
    """Asks for the remaining work until all is done, or until the host is gone."""
    host.start()
    while waiting or present:
        if host.process.poll() is not None:
            raise Killed
        while waiting and len(present) < AT_ONCE:
            present.append(waiting.pop(0))
        for database in present:
            database.step(host)
        present[:] = [database for database in present if not database.gone]
        time.sleep(0.05)


def stuck(host, database):
    """What a database that does not end waits for."""
    operation = call(host, "GET", f"/v1/operations/{database.delete or database.create}") if database.create else {}
    return database.project, operation.get("verb"), operation.get("state"), [s for s in operation.get("stages", []) if s["state"] == "RUNNING"]


def last_words(host):
    with open(host.log_path, encoding="utf-8", errors="replace") as f:
        return "".join(f.readlines()[-60:])


def kill_next(host, former, seconds):
    """Kills the process that follows `former` with SIGKILL, `seconds` after its start."""
    wait_for(lambda: host.process is not former, 60, "slipwayd to be started", pause=0.005)
    time.sleep(seconds)
    host.process.kill()


def test_killed_again_and_again_everything_ends_as_asked():
    print(f"seed {SEED}: {KILLS} kills, {CREATES} creates", flush=True)
    chance = random.Random(SEED)
    data = make_dir()
    host = Host(data, pace="0", fast=True)
    waiting, present, kills = [Database(number) for number in range(CREATES) if databases.have_servers(databases.ALL[number % 3])], [], 0
    while kills < KILLS:
        # Some lives end before they have begun; most of them end while there is work to disturb.
        seconds = chance.choice((chance.uniform(0, 0.3), chance.uniform(0.3, LIFE_SECONDS), chance.uniform(1, LIFE_SECONDS)))
        killer = threading.Thread(target=kill_next, args=(host, host.process, seconds))
        killer.start()
        try:
            live(host, waiting, present)
            if not waiting and not present:  # all is done early: make new work to disturb
                waiting.append(Database(CREATES + kills))
        except (Killed, OSError, http.client.HTTPException):
            pass
        killer.join()
        assert host.process.wait() == -9, f"seed {SEED}: slipwayd ended with {host.process.returncode}"
        kills += 1
    host.start()
    end = time.monotonic() + SETTLED_SECONDS
    while waiting or present:
        assert time.monotonic() < end, f"seed {SEED}: not done: {[stuck(host, one) for one in waiting + present]}\nthe host's last words:\n{last_words(host)}"
        while waiting and len(present) < AT_ONCE:
            present.append(waiting.pop(0))
        for database in present:
            database.step(host)
        present[:] = [database for database in present if not database.gone]
        time.sleep(0.05)
    assert host.call("GET", "/v1/instances", check=False).json["items"] == []
    wait_for(lambda: database_processes(data) == [], 60, "all servers to end")
    host.stop()
    remove_dir(data)
