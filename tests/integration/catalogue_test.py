"""A host that has lost its database makes its records again out of the manifests in a store, and restores from them."""
import os
import shutil
import subprocess

import pytest

from integration.backups_test import delete, manifest, provision, restore, rows, told, with_rows
from integration.host import Host, database_processes, make_dir, outer_environment, remove_dir, wait_for

pytestmark = pytest.mark.skipif(not shutil.which("psql"), reason="PostgreSQL is not installed")


@pytest.fixture()
def host():
    data = make_dir()
    started = Host(data, pace="0.01", fast=True).start()
    started.store = os.path.join(data, "state", "backups")
    yield started
    started.stop()
    assert database_processes(data) == []
    remove_dir(data)


def restore_catalogue(host, *arguments):
    state = os.path.join(host.data, "state")
    return subprocess.run([os.path.join(host.build, "bin", "slipwayd"), "--dev", "--config", host.config, "--data-dir", state, "restore-catalogue", *arguments],
                          capture_output=True, text=True, timeout=60, env=outer_environment())


def test_a_lost_database_is_made_again_from_the_store(host):
    deleted, backup = with_rows(host, "deleted")
    standing, other = with_rows(host, "standing")
    plain = provision(host, "never-backed-up")
    told(host, deleted, backup)
    told(host, standing, other)
    delete(host, deleted)
    wait_for(lambda: manifest(host, deleted)["expiresMs"], 30, "the manifest to tell of the deletion")
    running = restore_catalogue(host)
    assert running.returncode == 1 and "StoreLocked" in running.stderr, running
    host.stop()
    shutil.rmtree(os.path.join(host.data, "state", "store"))
    unknown = restore_catalogue(host, "--store", "none")
    assert unknown.returncode == 1 and "UnknownBackupStore" in unknown.stderr, unknown
    for said in ("2 instances with 2 backups, 0 known before, 0 refused", "0 instances with 0 backups, 2 known before, 0 refused"):
        made = restore_catalogue(host)
        assert (made.returncode, made.stdout.strip()) == (0, said), made
    host.start()
    listed = host.call("GET", "/v1/backups?deleted=true").json["items"]
    assert {b["instanceId"]: b["expiresAt"] is not None for b in listed} == {deleted: True, standing: False}
    assert host.call("GET", f"/v1/backups/{backup['id']}").json["name"] == backup["name"]
    assert host.call("GET", f"/v1/instances/{plain}").status == 404
    copy = restore(host, "deleted", {"backupId": backup["id"]})
    assert rows(host, copy) == "1,2,3"
