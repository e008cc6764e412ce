"""Starts the real slipwayd (and slipway-sim) for a test and talks to it."""
import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import shutil
import urllib.parse

from integration import databases

PRCTL = ctypes.CDLL(None)
PATIENCE = 3
REAL = os.environ.get("SLIPWAY_SERVER") == "controlplane"
BUILD = os.environ.get("SLIPWAY_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "dev")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def die_with_parent():
    """For preexec_fn: a process that a test has started does not outlive it, however the test ends."""
    PRCTL.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for(check, seconds=60, what="condition", pause=0.05):
    """Returns the first true value of check(). The bound is a safety net, not a measurement: on a machine that is busy with other tests it is longer."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f"{what} did not come true in {seconds * PATIENCE} s")


def outer_environment():
    """Our environment without the variables SLIPWAY_…: they belong to the tests, and slipwayd refuses every variable that is no setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def sanitizer_report(log_path):
    """The report of a sanitizer in a process's log; "" mostly. We show it where the log will be gone."""
    with open(log_path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    begin = min((at for at in (text.find(mark) for mark in ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", ": runtime error: ")) if at >= 0), default=-1)
    return text[begin:begin + 20000] if begin >= 0 else ""


def build_of(fast):
    """Where the programs are. With `fast`, and if SLIPWAY_FAST_BUILD is set, it is the build (preset fast) that this variable names: with sanitizers the
    programs need up to forty times the CPU. Tests with hundreds of lives, and tests that are not about the simulator, use it."""
    return fast and os.environ.get("SLIPWAY_FAST_BUILD") or BUILD


def sim_program(fast):
    return os.path.join(build_of(fast), "bin", "slipway-sim")


def mysql_server():
    """What slipway-sim has to run behind MySQL: nothing special or, with SLIPWAY_MYSQL_SERVER=vitess, the real Vitess (tests/realparts)."""
    if os.environ.get("SLIPWAY_MYSQL_SERVER", "mariadb") == "mariadb":
        return []
    from realparts import parts
    return ["--mysql-server", "vitess", "--programs", "vitess", parts.path_or_skip("vitess"), "--mysql-bin", os.path.join(parts.path_or_skip("mysql"), "bin")]


class Behaviours:
    """The operators' behaviours as a separate process, beside an API server that somebody else runs."""

    def __init__(self, kubeconfig, data, pace="0", databases=True, extra=(), fast=False):
        self.command = [sim_program(fast), "--cluster", kubeconfig, "--pace", pace, *extra]
        if databases:
            self.command += ["--data-dir", os.path.join(data, "databases"), *mysql_server()]
        self.log = open(os.path.join(data, "behaviours.log"), "ab")
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, preexec_fn=die_with_parent)

    def kill(self):
        """Kills the process with SIGKILL; another one takes over."""
        assert self.process.poll() is None, f"slipway-sim ended with {self.process.returncode}"
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        report = sanitizer_report(self.log.name)
        assert not report, f"slipway-sim:\n{report}"
        assert self.process.returncode == 0, f"slipway-sim ended with {self.process.returncode}"


class Sim:
    """slipway-sim as a separate process, so that it outlives a killed host."""

    def __init__(self, data, pace="0", databases=True, extra=(), fast=False):
        self.data = data
        os.makedirs(data, exist_ok=True)
        self.kubeconfig = os.path.join(data, "kubeconfig")
        self.request_log = os.path.join(data, "requests.jsonl")
        command = [sim_program(fast), "--port", "0", "--kubeconfig", self.kubeconfig, "--request-log", self.request_log, "--pace", pace]
        if databases:
            command += ["--data-dir", os.path.join(data, "databases"), *mysql_server()]
        self.log = open(os.path.join(data, "sim.log"), "ab")
        self.process = subprocess.Popen(command + list(extra), stdout=self.log, stderr=self.log, preexec_fn=die_with_parent)
        wait_for(lambda: os.path.exists(self.kubeconfig) or self.process.poll() is not None, 30, "slipway-sim")
        assert self.process.poll() is None, "slipway-sim ended"
        with open(self.kubeconfig, encoding="utf-8") as f:
            self.url = next(line.split("server:")[1].strip() for line in f if "server:" in line)

    def call(self, method, path, body=None, headers=None):
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def fault(self, **fault):
        answer = self.call("POST", "/_sim/faults", fault)
        assert answer.status < 300, answer.body

    def clear_faults(self):
        self.call("DELETE", "/_sim/faults")

    def list(self, path):
        return self.call("GET", path).json.get("items", [])

    def kubectl(self, *arguments, check=True):
        done = subprocess.run(["kubectl", "--kubeconfig", self.kubeconfig, *arguments], capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout if check else done

    def requests(self, about=""):
        """The lines of the log that contain the text."""
        with open(self.request_log, encoding="utf-8") as f:
            return [json.loads(line) for line in f if about in line and line.endswith("\n")]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        report = sanitizer_report(self.log.name)
        assert not report, f"slipway-sim:\n{report}"


class Host:
    """slipwayd. In mode "dev" the cluster is inside; otherwise the host uses a Sim.

    `fast` (see build_of) is the default on a real control plane, because the same tests run with the sanitizers on the simulator. An engine that is built
    with sanitizers needs a host that has them, too."""

    def __init__(self, data, sim=None, pace="0", env=None, engines=None, config="", check=True, fast=None):
        self.data, self.sim, self.pace, self.env = data, sim, pace, env or {}
        self.build = build_of(REAL and engines is None if fast is None else fast)
        self.engines = engines or os.path.join(self.build, "engines.d")
        self.checker = None
        self.check = check
        self.token = "test-token-admin"
        os.makedirs(data, exist_ok=True)
        os.chmod(data, 0o711)
        import hashlib
        self.config = os.path.join(data, "slipway.yaml")
        with open(self.config, "w", encoding="utf-8") as f:
            sha = hashlib.sha256(self.token.encode()).hexdigest()
            viewer = hashlib.sha256(b"test-token-viewer").hexdigest()
            f.write(f"master_key_file: {data}/master.key\ntokens:\n  - {{name: test, sha256: {sha}, role: admin, organizations: [\"*\"]}}\n"
                    f"  - {{name: viewer, sha256: {viewer}, role: viewer, organizations: [acme]}}\n{config}\n")
        if not os.path.exists(f"{data}/master.key"):
            import base64
            with open(os.open(f"{data}/master.key", os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
                f.write("k1:" + base64.b64encode(os.urandom(32)).decode() + "\n")
        self.process = None

    def start(self, env=None, wait_ready=True, pause=0.02):
        command = [os.path.join(self.build, "bin", "slipwayd"), "--config", self.config, "--data-dir", os.path.join(self.data, "state"), "--engines", self.engines, "--port", "0"]
        environment = {**outer_environment(), **self.env, **(env or {})}
        if self.sim:
            environment["SLIPWAY_KUBERNETES_KUBECONFIG"] = self.sim.kubeconfig
        else:
            command += ["--dev", "--pace", self.pace, *mysql_server()]
        self.log_path = os.path.join(self.data, "host.log")
        mark = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, preexec_fn=die_with_parent)

        def port():
            if self.process.poll() is not None:
                return True
            with open(self.log_path, "rb") as f:
                f.seek(mark)
                for line in f:
                    if b'"host.started"' in line and line.endswith(b"\n"):
                        self.port = json.loads(line)["port"]
                        return True
            return False

        wait_for(port, 60, "slipwayd to start", pause)
        if wait_ready and self.process.poll() is None:
            wait_for(lambda: self.process.poll() is not None or self.call("GET", "/readyz", check=False).status == 200, 60, "readyz")
        return self

    def call(self, method, path, body=None, headers=None, token=None, check=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=70)
        base = {"Authorization": f"Bearer {token or self.token}"}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        if data is not None:
            base["Content-Type"] = "application/json"
        connection.request(method, path, data, {**base, **(headers or {})})
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        if self.check if check is None else check:
            self.openapi().check(method, path, answer.status, answer.headers, answer.body)
        return answer

    def openapi(self):
        if self.checker is None:
            from openapi_check import OpenApiChecker
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("GET", "/openapi.json")
            self.checker = OpenApiChecker(json.loads(connection.getresponse().read()))
        return self.checker

    def create(self, project="orders", tier="FREE", org="acme", database=databases.POSTGRESQL, **more):
        return self.call("POST", "/v1/instances", {"orgId": org, "projectName": project, "databaseType": database.type, "tier": tier, **more})

    def operation(self, operation_id):
        return self.call("GET", f"/v1/operations/{operation_id}").json

    def waiting_for(self, operation_id, kind):
        """The waitingFor of the stage that waits for something of that kind, or None."""
        return next((s["waitingFor"] for s in self.operation(operation_id)["stages"] if s.get("waitingFor", {}).get("kind") == kind), None)

    def waits_for(self, operation_id, kind, reason="", seconds=60):
        """Waits until a stage waits for that kind and has `reason` in its reason; it may wait for anything else before. Returns the waitingFor."""
        def told():
            waiting = self.waiting_for(operation_id, kind)
            return waiting if waiting and reason in waiting["reason"] else None
        return self.look(operation_id, told, seconds, f"operation {operation_id} waiting for {kind} {reason}")

    def finish(self, operation_id, seconds=120):
        def done():
            operation = self.operation(operation_id)
            return operation if operation["done"] or operation["state"] == "BLOCKED" else None
        return self.look(operation_id, done, seconds, f"operation {operation_id}")

    def look(self, operation_id, check, seconds, what):
        try:
            return wait_for(check, seconds, what)
        except AssertionError as error:
            seen = self.operation(operation_id)
            running = [s for s in seen["stages"] + seen.get("rollback", {}).get("steps", []) if s["state"] == "RUNNING"]
            raise AssertionError(f"{error}; it is {seen['state']} in {json.dumps(running)}") from None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("slipwayd did not drain in 40 s")
            assert self.process.returncode == 0, f"slipwayd ended with {self.process.returncode}\n{sanitizer_report(self.log_path)}"


def leftovers(sim, namespace):
    """What is left of a project on the simulated API server."""
    found = []
    if sim.call("GET", f"/api/v1/namespaces/{namespace}").status != 404:
        found.append("namespace")
    for path in (*(database.of() for database in databases.ALL), "/api/v1/pods", "/api/v1/secrets", "/api/v1/persistentvolumeclaims", "/api/v1/services", "/apis/apps/v1/statefulsets", "/apis/apps/v1/deployments", "/apis/networking.k8s.io/v1/networkpolicies"):
        found += [o["metadata"]["name"] for o in sim.list(path) if o["metadata"].get("namespace") == namespace]
    return found


def make_dir():
    path = tempfile.mkdtemp(prefix="slipway-test-")
    os.chmod(path, 0o711)  # when we are root, databases run as another user
    return path


def bind_volume(server, namespace):
    """Puts a PersistentVolume behind one of the namespace's claims, as a provisioner does. Returns the volume's name."""
    claim = server.list(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")[0]["metadata"]
    name = "pvc-" + claim["uid"]
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {
        "capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "standard", "persistentVolumeReclaimPolicy": "Delete",
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim["name"], "uid": claim["uid"]},
        "csi": {"driver": "sim.slipway.dev", "volumeHandle": name}}}
    assert server.call("POST", "/api/v1/persistentvolumes", volume).status == 201
    bound = server.call("PATCH", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim['name']}", {"spec": {"volumeName": name}}, {"Content-Type": "application/merge-patch+json"})
    assert bound.status == 200, bound.body
    return name


def remove_dir(path):
    shutil.rmtree(path, ignore_errors=True)


SERVERS = ("postgres", "mariadbd", "mysqld", "ferretdb", "etcd", "mysqlctld", "vt")  # "vt" is for Vitess


def database_processes(path):
    """The database programs whose command line or environment names the directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f, open(f"/proc/{pid}/environ", "rb") as e:
                words = f.read()
                program = os.path.basename(words.split(b"\0")[0]).decode(errors="replace")
                if path.encode() in words + e.read() and int(pid) != os.getpid() and program.startswith(SERVERS):
                    found.append(int(pid))
        except OSError:
            pass
    return found
