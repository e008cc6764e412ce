"""The tests' own object store: the behaviour on which a test may rely."""
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from integration.host import wait_for
from realparts.fault_proxy import ANSWERS
from realparts.object_store import ObjectStore, new_keys
from realparts.parts import HERE, path_or_skip

LARGE = os.urandom(1 << 20)


@pytest.fixture(scope="module", params=["plain", "tls"])
def store(request):
    with ObjectStore(tls=request.param == "tls", program=path_or_skip("object-store")) as started:
        yield started


@pytest.fixture(scope="module")
def keys(store):
    return store.user("first")


@pytest.fixture
def disturbed(store, keys):
    """A client behind the proxy. Afterwards the proxy is quiet again."""
    store.client(keys).put_object(Bucket="first", Key="there", Body=LARGE)
    yield store.client(keys, url=store.proxy_url)
    store.proxy.clear()


def refusal(call, **arguments):
    """(status, code, message) of the error with which the call ends."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.mark.parametrize("way", ["direct", "proxy"])
def test_objects_come_back_as_they_were_put(store, keys, way):
    client = store.client(keys, url=store.url if way == "direct" else store.proxy_url)
    client.put_object(Bucket="first", Key=f"{way}/small", Body=b"small")
    client.put_object(Bucket="first", Key=f"{way}/large", Body=LARGE)
    assert client.get_object(Bucket="first", Key=f"{way}/small")["Body"].read() == b"small"
    assert client.get_object(Bucket="first", Key=f"{way}/large")["Body"].read() == LARGE
    listed = client.list_objects_v2(Bucket="first", Prefix=f"{way}/")["Contents"]
    assert [(o["Key"], o["Size"]) for o in listed] == [(f"{way}/large", len(LARGE)), (f"{way}/small", 5)]
    client.delete_object(Bucket="first", Key=f"{way}/small")
    assert refusal(client.get_object, Bucket="first", Key=f"{way}/small")[:2] == (404, "NoSuchKey")


def test_a_wrong_key_is_refused(store, keys):
    wrong = store.client(new_keys(keys.access))
    assert refusal(wrong.list_objects_v2, Bucket="first")[:2] == (403, "SignatureDoesNotMatch")
    unknown = store.client(new_keys("nobody"))
    assert refusal(unknown.list_objects_v2, Bucket="first")[:2] == (403, "InvalidAccessKeyId")


def test_a_user_reaches_one_bucket(store, keys):
    store.client(keys).put_object(Bucket="first", Key="mine", Body=b"1")
    other = store.client(store.user("second"))
    other.put_object(Bucket="second", Key="a", Body=b"2")
    for call, more in ((other.get_object, {"Key": "mine"}), (other.delete_object, {"Key": "mine"}), (other.list_objects_v2, {})):
        assert refusal(call, Bucket="first", **more)[:2] == (403, "AccessDenied")
    assert refusal(other.create_bucket, Bucket="third")[0] == 403
    # This store closes the connection of a refused upload. Whether its words arrive before that is a matter of luck.
    with pytest.raises((botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)):
        other.put_object(Bucket="first", Key="mine", Body=b"3")
    assert store.client(keys).get_object(Bucket="first", Key="mine")["Body"].read() == b"1"


def test_versions_are_kept_where_a_test_wants_it(store):
    keys = store.user("versions")
    client = store.client(keys)

    def versions():
        return [client.get_object(Bucket="versions", Key="a", VersionId=v["VersionId"])["Body"].read()
                for v in client.list_object_versions(Bucket="versions").get("Versions", [])]

    client.put_object(Bucket="versions", Key="a", Body=b"1")
    client.put_object(Bucket="versions", Key="a", Body=b"2")
    assert client.list_object_versions(Bucket="versions")["Versions"][0]["Size"] == 1 and len(client.list_object_versions(Bucket="versions")["Versions"]) == 1
    store.versioning("versions", True)
    client.put_object(Bucket="versions", Key="a", Body=b"3")
    client.put_object(Bucket="versions", Key="a", Body=b"4")
    assert versions() == [b"4", b"3", b"2"]
    client.delete_object(Bucket="versions", Key="a")
    assert refusal(client.get_object, Bucket="versions", Key="a")[0] == 404
    assert versions() == [b"4", b"3", b"2"]
    store.versioning("versions", False)
    assert client.get_bucket_versioning(Bucket="versions")["Status"] == "Suspended"


def test_what_was_acknowledged_outlives_a_kill(store, keys):
    acknowledged, enough = {}, threading.Event()

    def put_until_it_is_gone(thread):
        client = store.client(keys)
        for number in range(100000):
            key, body = f"kept/{thread}-{number}", os.urandom(20000)
            try:
                client.put_object(Bucket="first", Key=key, Body=body)
            except botocore.exceptions.BotoCoreError:
                return
            acknowledged[key] = body
            if len(acknowledged) > 100:
                enough.set()

    threads = [threading.Thread(target=put_until_it_is_gone, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    assert enough.wait(120)
    store.kill()
    for thread in threads:
        thread.join()
    url = store.url
    store.start()
    assert store.url == url
    client = store.client(keys)
    lost = [key for key, body in acknowledged.items() if client.get_object(Bucket="first", Key=key)["Body"].read() != body]
    assert lost == []


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_refusal_has_the_words_of_a_store(store, disturbed, kind):
    status, code, message = ANSWERS[kind]
    fault = store.proxy.fault(kind)
    assert refusal(disturbed.put_object, Bucket="first", Key="refused", Body=LARGE) == (status, code, message)
    assert refusal(disturbed.get_object, Bucket="first", Key="there") == (status, code, message)
    assert fault["seen"] == 2
    store.proxy.clear()
    assert refusal(disturbed.get_object, Bucket="first", Key="refused")[:2] == (404, "NoSuchKey")


def test_an_answer_comes_later_than_its_reader_waits(store, keys, disturbed):
    hasty = store.client(keys, url=store.proxy_url, read_timeout=0.5)
    store.proxy.fault("latency", seconds=600, times=1)
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        hasty.head_object(Bucket="first", Key="there")
    assert disturbed.head_object(Bucket="first", Key="there")["ContentLength"] == len(LARGE)


def test_a_late_answer_is_a_whole_one(store, disturbed):
    store.proxy.fault("latency", seconds=0.2)
    assert disturbed.get_object(Bucket="first", Key="there")["Body"].read() == LARGE


def test_a_body_comes_byte_by_byte(store, disturbed):
    fault = store.proxy.fault("slow", bytes_per_second=20)
    body = disturbed.get_object(Bucket="first", Key="there")["Body"]
    assert body.read(5) == LARGE[:5]
    assert fault["passed"] < len(LARGE) / 2
    body.close()


def test_a_slow_body_is_whole_in_the_end(store, keys, disturbed):
    store.proxy.fault("slow", bytes_per_second=4 << 20)
    disturbed.put_object(Bucket="first", Key="slow", Body=LARGE)
    assert disturbed.get_object(Bucket="first", Key="slow")["Body"].read() == LARGE


def test_a_connection_is_reset_before_the_answer(store, disturbed):
    store.proxy.fault("reset")
    with pytest.raises(botocore.exceptions.BotoCoreError):
        disturbed.get_object(Bucket="first", Key="there")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_connection_is_reset_in_the_middle(store, disturbed, method):
    fault = store.proxy.fault("reset", after=200000, method=method)
    with pytest.raises(botocore.exceptions.BotoCoreError):
        if method == "PUT":
            disturbed.put_object(Bucket="first", Key="halved", Body=LARGE)
        else:
            disturbed.get_object(Bucket="first", Key="there")["Body"].read()
    assert 200000 <= fault["passed"] < len(LARGE)
    store.proxy.clear()
    assert refusal(disturbed.get_object, Bucket="first", Key="halved")[0] == 404


def test_a_fault_meets_only_what_it_names(store, disturbed):
    store.proxy.fault("busy", method="PUT", prefix="/first/wal/", times=1)
    disturbed.put_object(Bucket="first", Key="base/1", Body=b"1")
    assert refusal(disturbed.put_object, Bucket="first", Key="wal/1", Body=b"1")[0] == 503
    disturbed.put_object(Bucket="first", Key="wal/1", Body=b"1")


def test_a_store_that_is_away_is_away_behind_the_proxy_too(store, disturbed):
    store.kill()
    try:
        with pytest.raises(botocore.exceptions.BotoCoreError):
            disturbed.head_object(Bucket="first", Key="there")
    finally:
        store.start()
    assert disturbed.head_object(Bucket="first", Key="there")["ContentLength"] == len(LARGE)


CONTROL = """
import json, os, ssl, urllib.request
told = {n[len("SLIPWAY_TEST_OBJECT_STORE_"):]: v for n, v in os.environ.items() if n.startswith("SLIPWAY_TEST_OBJECT_STORE_")}
trust = ssl.create_default_context(cafile=told["CA"]) if told["CA"] else None
def faults(method, body=None):
    with urllib.request.urlopen(urllib.request.Request(told["PROXY_URL"] + "/_faults", json.dumps(body).encode(), method=method), context=trust) as answer:
        return json.load(answer)
"""


def beside(*arguments, script):
    return [os.path.join(HERE, "with_object_store"), *arguments, sys.executable, "-c", CONTROL + script]


@pytest.mark.parametrize("tls", [[], ["--tls"]])
def test_a_command_runs_beside_a_store(tls):
    path_or_skip("object-store")
    done = subprocess.run(beside(*tls, script="""
import boto3
def client(prefix, url):
    return boto3.client("s3", endpoint_url=told[url], region_name=told["REGION"], verify=told["CA"] or None,
                        aws_access_key_id=told[prefix + "ACCESS_KEY"], aws_secret_access_key=told[prefix + "SECRET_KEY"])
client("", "URL").put_object(Bucket=told["BUCKET"], Key="a", Body=b"1")
try:
    client("OTHER_", "URL").get_object(Bucket=told["BUCKET"], Key="a")
except Exception as error: print(error)
faults("PUT", {"kind": "quota"})
try:
    client("", "PROXY_URL").put_object(Bucket=told["BUCKET"], Key="b", Body=b"1")
except Exception as error: print(error)
print([(f["kind"], f["seen"]) for f in faults("GET")], faults("DELETE"))
raise SystemExit(7)
"""), stdout=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 7
    lines = done.stdout.splitlines()
    assert "AccessDenied" in lines[0] and "denied due to quota" in lines[1] and lines[2:] == ["[('quota', 1)] []"]


@pytest.mark.parametrize("ci, status", [("", 77), ("true", 1)])
def test_without_a_store_a_command_is_skipped_with_the_reason(tmp_path, ci, status):
    full_disk = tmp_path / "df"
    full_disk.write_text("#!/bin/sh\necho Avail; echo 7\n")
    full_disk.chmod(0o755)
    env = {**os.environ, "CI": ci, "SLIPWAY_CACHE": str(tmp_path / "cache"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([os.path.join(HERE, "with_object_store"), "echo", "it ran"], env=env, stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == status
    assert done.stdout.startswith("with_object_store: Skipped\nobject-store cannot be built here: ") and "has 7 MB left" in done.stdout and "it ran" not in done.stdout


@pytest.mark.parametrize("fault", [{"kind": "flood"}, {"kind": "reset", "seconds": 1}, {}, []])
def test_a_fault_that_is_none_is_refused(store, fault):
    import ssl
    context = ssl.create_default_context(cafile=store.ca) if store.ca else None
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(store.proxy_url + "/_faults", json.dumps(fault).encode(), method="PUT"), context=context)


def processes(mark):
    """The command lines that contain the mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line and int(pid) != os.getpid():
            found.append(line)
    return found


def test_a_killed_test_leaves_no_process():
    path_or_skip("object-store")
    mark = f"mark-{os.getpid()}"
    script = f"import time; print(told['URL'].rsplit(':')[-1], flush=True); time.sleep(600)  # {mark}"
    holder = subprocess.Popen(beside(script=script), stdout=subprocess.PIPE, text=True)
    try:
        port = holder.stdout.readline().strip()
        running = processes(mark) + processes(f"--port 127.0.0.1:{port} ")
        assert len(running) == 3, running  # the launcher, the command, the store
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        wait_for(lambda: processes(mark) + processes(f"--port 127.0.0.1:{port} ") == [], 30, "the end of what it started")
    finally:
        holder.kill()
        holder.wait()
