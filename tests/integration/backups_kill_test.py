"""The host is killed with SIGKILL at effect boundaries of a restart, a backup, a restore and a restore drill: all still end as the undisturbed run does. SLIPWAY_SEED repeats a run."""
import collections
import concurrent.futures
import os
import random

from integration import databases
from integration.host import leftovers, remove_dir
from integration.kill_test import Mortal, delete, judge_cluster, shape, world  # noqa: F401

SEED = int(os.environ.get("SLIPWAY_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KILLS = int(os.environ.get("SLIPWAY_BACKUP_KILLS", "30"))


def mortal(data, sim, name, environment):
    config = f"backup_stores: [{{name: here, url: 'file://{data}/backups'}}]\n"
    return Mortal(os.path.join(data, name), sim, env=environment, config=config).start(wait_ready=False)


def ask(host, method, path, body, key):
    answer = host.persist(method, path, body, {"Idempotency-Key": key})
    assert answer.status == 202, answer.body
    return host.end_of(answer.json["id"])


def drilled_in(host, operation):
    return host.persist("GET", operation["target"]["path"]).json["status"]["namespace"]


def story(host, sim, project):
    """A create, a restart, a backup, a drill, a restore beside it, and the end of both."""
    body = {"orgId": "acme", "projectName": project, "databaseType": databases.POSTGRESQL.type, "tier": "FREE", "backup": {}}
    made = ask(host, "POST", "/v1/instances", body, "create-" + project)
    source = made["target"]["id"]
    restarted = ask(host, "POST", f"/v1/instances/{source}/restart", None, "restart-" + project)
    taken = ask(host, "POST", f"/v1/instances/{source}/backups", {}, "backup-" + project)
    listed = host.persist("GET", f"/v1/instances/{source}/backups").json["items"]
    assert [(b["trigger"], b["state"]) for b in listed] == [("REQUEST", "COMPLETED")], listed
    drilled = ask(host, "POST", f"/v1/instances/{source}/restore-drills", {}, "drill-" + project)
    assert host.persist("GET", f"/v1/backups/{listed[0]['id']}").json["verified"]["result"] == "PASSED"
    assert leftovers(sim, drilled_in(host, drilled)) == []
    copied = ask(host, "POST", "/v1/instances", {**body, "name": "copy", "backup": None, "source": {"backupId": listed[0]["id"]}}, "restore-" + project)
    seen = [shape(host, operation) for operation in (made, restarted, taken, drilled, copied)]
    for instance in (copied["target"]["id"], source):
        seen.append(shape(host, host.end_of(delete(host, instance))))
    kept = host.persist("GET", f"/v1/backups?instanceId={source}&includeGone=true").json["items"]
    assert [b["id"] for b in kept] == [listed[0]["id"]], kept
    judge_cluster(sim, f"acme-{project}")
    return seen


def test_boundaries_of_backup_and_restore(world, capsys):  # noqa: F811
    data, sim = world
    trace = os.path.join(data, "trace-backups")
    host = mortal(data, sim, "calm-backups", {"SLIPWAY_FAILPOINT_TRACE": trace})
    expected = story(host, sim, "bkpcalm")
    host.stop()
    assert [s[:2] for s in expected] == [(verb, "SUCCEEDED") for verb in ("create", "restart", "backup", "drill", "restore", "delete", "delete")]
    with open(trace, encoding="utf-8") as f:
        passed = collections.Counter(f.read().split())
    boundaries = [(name, n) for name, count in sorted(passed.items()) for n in range(1, count + 1)]
    chosen = random.Random(SEED).sample(boundaries, min(KILLS, len(boundaries)))

    def life(i, name, n):
        host = mortal(data, sim, f"bkp-{i}", {"SLIPWAY_FAILPOINT": f"{name}#{n}"})
        try:
            assert story(host, sim, f"bkp{i}") == expected
        except AssertionError as error:
            raise AssertionError(f"SLIPWAY_SEED={SEED}: killed at {name}#{n}: {error}") from error
        finally:
            if host.process.poll() is None:
                host.stop()
            remove_dir(host.data)
        return host.deaths

    with concurrent.futures.ThreadPoolExecutor(2) as lives:
        deaths = sum(lives.map(lambda boundary: life(boundary[0], *boundary[1]), enumerate(chosen)))
    assert deaths >= len(chosen) // 2, f"{len(chosen) - deaths} of {len(chosen)} boundaries were not reached"
    with capsys.disabled():
        print(f"\nkill test: {deaths} deaths at {len(chosen)} of {len(boundaries)} boundaries of create, restart, backup, drill, restore and delete (SLIPWAY_SEED={SEED})")
