"""A real S3 store for a test, behind a proxy that can disturb it.

    with ObjectStore(tls=True) as store:
        keys = store.user("backups")                    # a user, and a bucket that only this user reaches
        store.client(keys).put_object(Bucket="backups", Key="a", Body=b"…")
        store.proxy.fault("full", method="PUT")         # fault_proxy.py; seen through store.proxy_url
        store.kill(); store.start()                     # the same data, the same port
"""
import os
import secrets
import socket
import subprocess
import urllib.request
import ssl

from integration.host import die_with_parent, make_dir, remove_dir, wait_for
from realparts import certificates, parts, versitygw
from realparts.fault_proxy import FaultProxy
from realparts.versitygw import REGION, Keys


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def new_keys(access):
    return Keys(access, secrets.token_hex(20))


class ObjectStore:
    """The store ends with the thread that made it, however that thread ends; stop() removes its files. url and proxy_url lead to the same store."""

    def __init__(self, tls=False, host="127.0.0.1", program=None):
        self.program, self.host = program or parts.path("object-store"), host
        self.directory, self.process, self.proxy = make_dir(), None, None
        self.root, self.ca, self.tls = new_keys("root"), None, None
        if tls:
            self.ca = certificates.make_authority(f"{self.directory}/tls")
            self.tls = certificates.issue(f"{self.directory}/tls", "server", [host, "localhost"])
        self.scheme = "https" if tls else "http"
        try:
            for attempt in range(5):  # another process may take a free port before we use it
                self.port = free_port(host)
                try:
                    self.start()
                    break
                except AssertionError:
                    if attempt == 4:
                        raise
            self.proxy = FaultProxy(host, self.port, self.tls, self.ca)
        except BaseException:
            self.stop()
            raise
        self.proxy_url = f"{self.scheme}://{host}:{self.proxy.port}"

    @property
    def url(self):
        return f"{self.scheme}://{self.host}:{self.port}"

    def start(self):
        """Starts on the data and the port of before."""
        command = versitygw.command(self.program, self.directory, f"{self.host}:{self.port}", self.tls)
        path = os.path.join(self.directory, "store.log")
        with open(path, "ab") as log:
            self.process = subprocess.Popen(command, env={**os.environ, **versitygw.environment(self.root)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory, preexec_fn=die_with_parent)
        wait_for(lambda: self.process.poll() is not None or self.answers(), 20, "the object store", 0.02)
        if self.process.poll() is not None:
            with open(path, encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"the object store did not start: {log.read()[-2000:]}")

    def answers(self):
        try:
            context = ssl.create_default_context(cafile=self.ca) if self.ca else None
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
            with opener.open(self.url + versitygw.HEALTH, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self):
        """Ends it like a crash: with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def user(self, bucket, access=None):
        """The keys of a new user, who owns the new bucket and reaches no other. Nobody else reaches this bucket."""
        keys = new_keys(access or bucket + "-user")
        versitygw.add_user(self.program, self.url, self.root, keys, bucket)
        return keys

    def client(self, keys=None, url=None, retries=0, **config):
        """A boto3 client. It trusts only our authority, whatever the settings of the machine say."""
        import boto3
        import botocore.config
        keys = keys or self.root
        return boto3.client("s3", endpoint_url=url or self.url, aws_access_key_id=keys.access, aws_secret_access_key=keys.secret, region_name=REGION, verify=self.ca,
                            config=botocore.config.Config(retries={"total_max_attempts": retries + 1}, proxies={}, s3={"addressing_style": "path"}, **config))

    def versioning(self, bucket, on):
        self.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled" if on else "Suspended"})

    def stop(self):
        if self.proxy:
            self.proxy.stop()
        if self.process:
            self.kill()
        remove_dir(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
