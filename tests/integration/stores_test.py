"""The host tries its stores for backups, and says what is wrong with one; on a real object store."""
import os
import secrets
import subprocess

import pytest

from integration.host import Host, make_dir, outer_environment, remove_dir, wait_for
from realparts.object_store import REGION, ObjectStore
from realparts.parts import path_or_skip


@pytest.fixture(scope="module")
def store():
    with ObjectStore(tls=True, program=path_or_skip("object-store")) as started:
        yield started


@pytest.fixture
def configured(store):
    """A data directory, its configuration of the store, and a function that writes the keys."""
    data, bucket = make_dir(), "backups-" + secrets.token_hex(6)
    right = store.user(bucket)

    def write(secret=right.secret):
        with open(f"{data}/store.keys", "w", encoding="utf-8") as keys:
            keys.write(f"[default]\naws_access_key_id = {right.access}\naws_secret_access_key = {secret}\n")
    write()
    yield data, (f"backup_stores: [{{name: main, url: 's3://{bucket}/prod', endpoint: '{store.proxy_url}', region: {REGION}, ca_file: '{store.ca}', "
                 f"credentials_file: '{data}/store.keys'}}]\n"), write
    store.proxy.clear()
    remove_dir(data)


def check_of(host):
    """The check of the store in /readyz."""
    answer = host.call("GET", "/readyz", headers={"Accept": "application/json"})
    assert answer.status == 200, "a store that cannot be used stops no request"
    return next((check for check in answer.json["checks"] if check["name"] == "backupStore main"), None)


def usable(host):
    lines = host.call("GET", "/metrics").body.decode().splitlines()
    return [line for line in lines if line.startswith("slipway_backup_store_usable")]


def test_a_store_that_works_is_good(configured):
    data, config, _ = configured
    host = Host(data, config=config).start()
    try:
        wait_for(lambda: usable(host) == ['slipway_backup_store_usable{store="main"} 1'], 30, "the store to be tried")
        assert check_of(host) == {"name": "backupStore main", "ok": True, "required": False}
    finally:
        host.stop()


def test_wrong_keys_are_said_and_right_ones_are_seen(configured):
    data, config, write = configured
    write("wrong")
    host = Host(data, config=config).start()
    try:
        refused = wait_for(lambda: not check_of(host)["ok"] and check_of(host), 30, "the store to be refused")
        assert refused["reason"].startswith("WrongSecretKey: cannot put an object"), refused
        assert "wrong\n" not in refused["reason"]
        assert "[!]backupStore main failed: WrongSecretKey" in host.call("GET", "/readyz?verbose=1").body.decode()
        assert usable(host) == ['slipway_backup_store_usable{store="main"} 0']
        write()
        wait_for(lambda: check_of(host)["ok"], 60, "the right keys to be seen")
    finally:
        host.stop()


@pytest.mark.parametrize("fault, words", [
    ({"kind": "full", "method": "PUT"}, "StoreFull: cannot put an object"),
    ({"kind": "forbidden", "method": "DELETE"}, "AccessDenied: cannot delete an object"),
    ({"kind": "latency", "seconds": 20}, "Timeout: cannot put an object"),
])
def test_check_config_says_what_a_store_refuses(store, configured, fault, words):
    data, config, _ = configured
    host = Host(data, config=config)

    def check():
        return subprocess.run([os.path.join(host.build, "bin", "slipwayd"), "--check-config", "--dev", "--config", host.config, "--data-dir", f"{data}/state",
                               "--engines", host.engines], env=outer_environment(), capture_output=True, text=True, timeout=60, check=False)
    good = check()
    assert good.returncode == 0, good.stderr
    store.proxy.fault(**fault)
    bad = check()
    assert bad.returncode != 0 and f"backup_stores: main: {words}" in bad.stdout + bad.stderr, bad
