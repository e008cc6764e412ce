"""A real Kubernetes control plane on loopback for a test, with the operators' behaviours as its clients.

For a test, `ControlPlane` is the same as `integration.host.Sim`, with another server: it has the same calls, faults and request log.
"""
import base64
import glob
import http.client
import json
import os
import select
import ssl
import subprocess
import urllib.parse

from integration.host import Answer, Behaviours, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
SHARED = os.environ.get("SLIPWAY_SHARED") or os.path.join(os.path.dirname(SOURCE), "shared")
# There are no kubelets, nodes or volumes. Controllers that clean up after a lost node, or that bind claims to volumes, would undo what the behaviours play. All
# other controllers run.
CONTROLLERS = "*,-node-ipam-controller,-node-lifecycle-controller,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle-controller," \
              "-pod-garbage-collector-controller,-persistentvolume-binder-controller,-taint-eviction-controller,-device-taint-eviction-controller"


def program(name="kube"):
    """The path of a Go program of the tests. Builds the program when it is not in the cache."""
    return subprocess.run([os.path.join(HERE, "build"), name], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def definitions(operators=("cnpg", "vitess", "mongodb")):
    """The real operators' CustomResourceDefinitions: test data, read from where it is. MongoDB's two operators share a definition; we take the newer one."""
    found = []
    for operator in operators:
        files = sorted(glob.glob(os.path.join(SHARED, "operators", operator, "crds", "*-mck-*.yaml" if operator == "mongodb" else "*.yaml")))
        assert files, f"no definitions of {operator} in {SHARED}/operators"
        found += files
    return found


class ApiServer:
    """etcd, API server and controller manager, without anything of ours."""

    def __init__(self, data, *arguments):
        os.makedirs(data, exist_ok=True)
        self.data = data
        self.log = open(os.path.join(data, "up.log"), "ab")
        self.kube = program()
        # It ends when its input ends, so it ends with this process, however that happens.
        self.process = subprocess.Popen([self.kube, "up", "--dir", data, "--until-eof", "--controller-list", CONTROLLERS, *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        ready, _, _ = select.select([self.process.stdout], [], [], 120)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.stop()
            with open(self.log.name, encoding="utf-8", errors="replace") as f:
                raise AssertionError(f"the control plane did not start: {f.read()[-2000:]}")
        told = json.loads(line)
        self.direct, self.kubeconfig_direct, self.token, self.ca = told["server"], told["kubeconfig"], told["token"], told["ca"]
        self.url, self.kubeconfig = told.get("faults", self.direct), told.get("faultsKubeconfig", self.kubeconfig_direct)
        self.tls = ssl.create_default_context(cafile=self.ca)

    def kubectl(self, *arguments, text=None, check=True, kubeconfig=None):
        done = subprocess.run([self.kube, "kubectl", "--kubeconfig", kubeconfig or self.kubeconfig_direct, *arguments], input=text, capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout if check else done

    def call(self, method, path, body=None, headers=None, server=None):
        parts = urllib.parse.urlsplit(server or self.url)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=self.tls)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}", **(headers or {})})
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def pid(self, name):
        """0 while the supervisor writes the file."""
        with open(os.path.join(self.data, name + ".pid"), encoding="utf-8") as f:
            return int(f.read() or 0)

    def write_kubeconfig(self, path, token, server=None):
        with open(self.ca, "rb") as f:
            ca = base64.b64encode(f.read()).decode()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                  "clusters": [{"name": "test", "cluster": {"server": server or self.url, "certificate-authority-data": ca}}],
                  "users": [{"name": "test", "user": {"token": token}}], "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            json.dump(config, f)
        return path

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class ControlPlane(ApiServer):
    """Like Sim: it has the definitions, the behaviours, and the host's account with the rights that config/deploy ships."""

    def __init__(self, data, pace="0", databases=True, extra=(), behaviours=True, arguments=(), fast=False):
        super().__init__(data, *arguments)
        self.admin_kubeconfig = self.kubeconfig
        self.request_log = os.path.join(data, "requests.jsonl")
        for path in definitions():
            self.kubectl("apply", "--server-side", "-f", path)
        self.kubectl("apply", "--server-side", "-f", "-", text=json.dumps({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "sim.slipway.dev/local", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True}))
        self.kubectl("apply", "--server-side", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"slipway-sim-{i}", "labels": {"kubernetes.io/hostname": f"slipway-sim-{i}"}}} for i in (1, 2, 3)]}))
        deploy = os.path.join(SOURCE, "config", "deploy")
        self.kubectl("apply", "--server-side", "-f", os.path.join(deploy, "rbac.yaml"), "-f", os.path.join(deploy, "engines"))
        wait_for(lambda: self.kubectl("get", "clusterrole", "slipwayd", "-o", "jsonpath={.rules}") not in ("", "[]"), 30, "the role to be put together")
        token = wait_for(lambda: self.kubectl("create", "token", "slipwayd", "-n", "slipway-system", "--duration=24h", check=False).stdout.strip(), 30, "the host's token")
        # The host goes through the proxy, so its requests are in the log, and faults can hit them.
        self.kubeconfig = self.write_kubeconfig(os.path.join(data, "host.kubeconfig"), token)
        self.behaviours = None
        if behaviours:
            self.start_behaviours(pace, databases, extra, fast)

    def start_behaviours(self, pace="0", databases=True, extra=(), fast=False):
        self.behaviours = Behaviours(self.admin_kubeconfig, self.data, pace, databases, extra, fast)

    def kill_behaviours(self):
        self.behaviours.kill()

    def fault(self, **fault):
        answer = self.call("POST", "/_sim/faults", fault)
        assert answer.status < 300, answer.body

    def clear_faults(self):
        self.call("DELETE", "/_sim/faults")

    def list(self, path):
        return self.call("GET", path, server=self.direct).json.get("items", [])

    def requests(self, about=""):
        """The lines of the log that contain the text."""
        with open(self.request_log, encoding="utf-8") as f:
            return [json.loads(line) for line in f if about in line and line.endswith("\n")]

    def warnings(self):
        """The warnings that the server sent to the host."""
        return [(line["path"], line["warnings"]) for line in self.requests() if line.get("warnings") and line["userAgent"].startswith("slipwayd")]

    def stop_behaviours(self):
        if self.behaviours:
            ended, self.behaviours = self.behaviours, None
            ended.stop()

    def stop(self):
        try:
            self.stop_behaviours()
        finally:
            super().stop()
