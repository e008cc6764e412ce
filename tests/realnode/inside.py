"""The node itself: the first process of its own process, mount and network namespaces.

node.py starts it; never start it by hand. Everything that runs here, pods included, ends with this process, and so do its mounts and interfaces.
A killed node leaves nothing but files and empty control groups, which node.py removes.
"""
import base64
import glob
import json
import os
import select
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import yaml

import backups
import metrics
from api import Api, ApiError, resource
from steps import IP, SERVICES_DNS, listening, sh, until, write

PODS = "10.244.0.0/24"
VOLUMES = 48
# The kubelet sets these for the whole machine. Here it finds files that have these values already.
SYSCTLS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1, "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}
PRIVATE = ("/run/netns", "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")


class Parts:
    """The node's processes. A process that ends is started again, as by systemd. While a file NAME.off exists, the process NAME is kept down, and a file
    NAME.down says that it is down."""

    def __init__(self, run):
        self.run, self.commands, self.processes = run, {}, {}

    def start(self, name, *command, env=None):
        self.commands[name] = (command, {**os.environ, **(env or {})})
        self.spawn(name)

    def spawn(self, name):
        command, env = self.commands[name]
        with open(f"{self.run}/{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.run, env=env)

    def look(self):
        for name, process in list(self.processes.items()):
            off, down = os.path.exists(f"{self.run}/{name}.off"), f"{self.run}/{name}.down"
            if off and not os.path.exists(down):
                process.kill()
                process.wait()
                write(down, "")
            elif not off and os.path.exists(down):
                self.spawn(name)
                os.unlink(down)
            elif not off and process.poll() is not None:
                print(f"{name} ended with {process.returncode} and is started again", flush=True)
                self.spawn(name)


def isolate(run):
    sh("mount", "--make-rshared", "/")  # pods see the volumes that the kubelet mounts
    for path in PRIVATE:
        os.makedirs(path, exist_ok=True)
        sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path)
    for name, value in SYSCTLS.items():
        path = f"{run}/sysctl/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(f"{value}\n")
        if os.path.exists(f"/proc/sys/{name}"):
            sh("mount", "--bind", path, f"/proc/sys/{name}")


def names(run):
    """Lets the node's own processes, including the operator, know services by name, as pods do."""
    write(f"{run}/service.resolv.conf", f"nameserver {IP}\nsearch {SERVICES_DNS}\noptions ndots:5\n")
    sh("mount", "--bind", f"{run}/service.resolv.conf", "/etc/resolv.conf")


def network():
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "node0", "type", "bridge")  # kernels without the dummy module have bridges
    sh("ip", "address", "add", IP + "/24", "dev", "node0")
    sh("ip", "link", "set", "node0", "up")
    sh("ip", "route", "add", "default", "via", "10.77.0.254", "dev", "node0")
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("1")


def control_plane(run, programs):
    """Starts etcd, API server, controller manager and scheduler, which bring their own certificate authority."""
    with open(f"{run}/plane.log", "ab") as log:
        plane = subprocess.Popen([programs["kube"], "up", "--dir", f"{run}/plane", "--ip", IP, "--port", "6443", "--scheduler", "--faults=false"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
    line = plane.stdout.readline()
    if not line:
        raise RuntimeError("the control plane ended")
    ready = json.loads(line)
    # Everything is in one file, so that a copy of it works as well.
    with open(ready["ca"], encoding="ascii") as f:
        ca = base64.b64encode(f.read().encode()).decode()
    write(f"{run}/kubeconfig", {"apiVersion": "v1", "kind": "Config", "current-context": "node", "contexts": [{"name": "node", "context": {"cluster": "node", "user": "admin"}}],
                                "clusters": [{"name": "node", "cluster": {"server": ready["server"], "certificate-authority-data": ca}}],
                                "users": [{"name": "admin", "user": {"token": ready["token"]}}]}, 0o600)
    return plane, ready


def containers(run, parts, programs):
    write(f"{run}/cni/10-pods.conflist", {"cniVersion": "1.0.0", "name": "pods", "plugins": [
        {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True,
         "ipam": {"type": "host-local", "dataDir": f"{run}/cni-leases", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}}]})
    # Without CAP_SYS_RESOURCE runc cannot lower oom_score_adj and dies with "EOF". Hence restrict_oom_score_adj.
    write(f"{run}/containerd/config.toml", f"""version = 2
root = "{run}/containerd/root"
state = "{run}/containerd/state"
[grpc]
  address = "{run}/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "slipway.local/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{run}/cni"
""")
    parts.start("containerd", "containerd", "-c", f"{run}/containerd/config.toml")
    ctr = ("ctr", "-a", f"{run}/containerd/containerd.sock")
    until(lambda: sh(*ctr, "version"), 30, "containerd")
    for image in filter(programs.get, ("pause", "postgresql", "barman-image")):
        sh(*ctr, "-n", "k8s.io", "images", "import", programs[image])


def kubelet(run, parts, programs, cgroup):
    write(f"{run}/resolv.conf", "")  # for pods that want the machine's: no name server
    write(f"{run}/kubelet.yaml", {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "address": IP,
                                  "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}}, "authorization": {"mode": "AlwaysAllow"},
                                  "cgroupDriver": "cgroupfs", "cgroupRoot": "/" + cgroup, "failCgroupV1": False, "failSwapOn": False,
                                  "podLogsDir": f"{run}/pod-logs", "containerRuntimeEndpoint": f"unix://{run}/containerd/containerd.sock",
                                  "clusterDNS": [IP], "clusterDomain": SERVICES_DNS, "resolvConf": f"{run}/resolv.conf",
                                  "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
                                  "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99})
    parts.start("kubelet", programs["kube"], "kubelet", f"--kubeconfig={run}/kubeconfig", f"--config={run}/kubelet.yaml", "--hostname-override=node1", f"--node-ip={IP}",
                f"--root-dir={run}/kubelet", f"--cert-dir={run}/kubelet-certs")
    parts.start("proxy", programs["kube"], "kube-proxy", f"--kubeconfig={run}/kubeconfig", "--hostname-override=node1", "--proxy-mode=nftables", "--cluster-cidr=10.244.0.0/16",
                "--conntrack-max-per-core=0")
    write(f"{run}/Corefile", f".:53 {{\n  errors\n  cache 5\n  kubernetes {SERVICES_DNS} in-addr.arpa {{\n    kubeconfig {run}/kubeconfig\n  }}\n}}\n")
    parts.start("coredns", programs["coredns"], "-conf", f"{run}/Corefile")


def volumes(run, api):
    """A pool of local volumes, each nominally large. CloudNativePG's pods write as user 26."""
    api.apply(resource("storage.k8s.io/v1", "StorageClass", name="local"),
              {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
               "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"})
    here = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]}]}
    for number in range(1, VOLUMES + 1):
        path = f"{run}/volumes/{number}"
        os.makedirs(path)
        os.chown(path, 26, 26)
        os.chmod(path, 0o700)
        api.call("POST", "/api/v1/persistentvolumes", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"local-{number}"}, "spec": {
            "capacity": {"storage": "1Ti"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "local",
            "local": {"path": path}, "nodeAffinity": {"required": here}}})


def recycle(run, api):
    """Empties a released volume that is to be deleted and offers it again, as a provisioner does. Kubernetes itself cannot do that and says Failed."""
    for volume in api.list("/api/v1/persistentvolumes"):
        path = volume["spec"].get("local", {}).get("path", "")
        released = volume.get("status", {}).get("phase") in ("Released", "Failed") and volume["spec"].get("claimRef")
        if not released or volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete" or not path.startswith(f"{run}/volumes/"):
            continue
        for entry in os.scandir(path):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
        api.call("PATCH", resource("v1", "PersistentVolume", name=volume["metadata"]["name"]),
                 [{"op": "test", "path": "/spec/claimRef/uid", "value": volume["spec"]["claimRef"]["uid"]}, {"op": "remove", "path": "/spec/claimRef"}], "application/json-patch+json")


def cloudnative_pg(run, parts, programs, api):
    """Starts the operator as a process of the node, with its admission webhooks on loopback."""
    api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cnpg-system"}})
    for path in glob.glob(f"{programs['cnpg']}/postgresql.cnpg.io_*.yaml"):
        with open(path, encoding="utf-8") as f:
            crd = yaml.load(f, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        api.apply(resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", name=crd["metadata"]["name"]), crd)
    until(lambda: all(any(c["type"] == "Established" and c["status"] == "True" for c in (crd["status"].get("conditions") or []))
                      for crd in api.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")), 30, "the operator's definitions")
    # The operator's own manifests install these queries too; every cluster's metrics start from them.
    with open(f"{programs['cnpg']}/default-monitoring.yaml", encoding="utf-8") as f:
        monitoring = yaml.safe_load(f)
    monitoring["metadata"]["name"] = "cnpg-" + monitoring["metadata"]["name"]
    api.call("POST", resource("v1", "ConfigMap", "cnpg-system"), monitoring)
    os.makedirs(f"{run}/webhook")
    sh(programs["kube"], "certificate", "--dir", f"{run}/plane", "--out", f"{run}/webhook/tls", "--name", "webhook", "--hosts", "127.0.0.1")
    for suffix in ("crt", "key"):
        os.symlink(f"tls.{suffix}", f"{run}/webhook/apiserver.{suffix}")
    with open(f"{run}/plane/ca.crt", "rb") as f:
        bundle = base64.b64encode(f.read()).decode()
    os.makedirs(f"{run}/operator/operator")
    architecture = sh("dpkg", "--print-architecture").strip()
    os.symlink(f"{programs['cnpg']}/manager", f"{run}/operator/operator/manager_{architecture}")  # the operator hashes operator/manager_* of its working directory
    os.makedirs(f"{run}/plugins")
    image = "slipway.local/postgresql:15"
    parts.start("cnpg", "env", "-C", f"{run}/operator", f"{programs['cnpg']}/manager", "controller", "--webhook-port", "9443", "--metrics-bind-address", "127.0.0.1:8080",
                env={"KUBECONFIG": f"{run}/kubeconfig", "OPERATOR_NAMESPACE": "cnpg-system", "WEBHOOK_CERT_DIR": f"{run}/webhook", "PLUGIN_SOCKET_DIR": f"{run}/plugins",
                     "OPERATOR_IMAGE_NAME": image, "POSTGRES_IMAGE_NAME": image, "MONITORING_QUERIES_CONFIGMAP": monitoring["metadata"]["name"]})
    until(lambda: listening("127.0.0.1", 9443), 60, "the operator's webhooks")
    with open(f"{programs['cnpg']}/manifests.yaml", encoding="utf-8") as f:
        for configuration in filter(None, yaml.safe_load_all(f)):
            configuration["metadata"]["name"] = "cnpg-" + configuration["metadata"]["name"]
            for hook in configuration["webhooks"]:
                hook["clientConfig"] = {"url": "https://127.0.0.1:9443" + hook["clientConfig"]["service"]["path"], "caBundle": bundle}
            api.apply(resource("admissionregistration.k8s.io/v1", configuration["kind"], name=configuration["metadata"]["name"]), configuration)


def node_ready(api):
    node = api.get("/api/v1/nodes/node1")
    conditions = node.get("status", {}).get("conditions", []) if node else []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def main():
    run, cgroup, programs, attached = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4] == "attached"
    began = time.monotonic()
    parts = Parts(run)

    def say(what):
        print(f"{time.monotonic() - began:5.1f} s  {what}", flush=True)

    isolate(run)
    names(run)
    network()
    plane, ready = control_plane(run, programs)
    write(f"{run}/bin/kubectl", f'#!/bin/sh\nexec {programs["kube"]} kubectl "$@"\n', 0o755)
    say("the API server is ready")
    api = Api(ready["server"], ready["token"], ready["ca"])
    with ThreadPoolExecutor() as pool:
        images = pool.submit(containers, run, parts, programs)
        cloudnative_pg(run, parts, programs, api)
        say("the operator listens")
        volumes(run, api)
        store = backups.install(run, parts, programs, api) if "barman-plugin" in programs else None
        if "metrics-server" in programs:
            metrics.install(run, parts, programs, api)
        images.result()
    say("containerd has its images")
    kubelet(run, parts, programs, cgroup)
    until(lambda: node_ready(api), 90, "the node's condition Ready")
    until(lambda: listening("127.0.0.1", 10256), 30, "kube-proxy")
    until(lambda: listening(IP, 53), 30, "CoreDNS")
    until(lambda: api.get("/api/v1/namespaces/default/serviceaccounts/default"), 30, "the default service account")
    if store:
        until(lambda: backups.ready(api), 60, "the Barman Cloud plugin")
    say("up")
    write(f"{run}/ready.part", {"server": ready["server"], "token": ready["token"], "ca": ready["ca"], "kubeconfig": f"{run}/kubeconfig",
                                "image": "slipway.local/postgresql:15", "objectStore": store, "seconds": round(time.monotonic() - began, 1)}, 0o600)
    os.rename(f"{run}/ready.part", f"{run}/ready.json")
    while plane.poll() is None:
        readable, _, _ = select.select([sys.stdin] if attached else [], [], [], 0.3)
        if readable and not sys.stdin.buffer.raw.read(1):
            return  # the process that started the node is gone
        parts.look()
        try:
            recycle(run, api)
        except (OSError, ApiError) as error:
            print(f"recycle: {error}", flush=True)
        time.sleep(0 if attached else 0.3)
    raise RuntimeError("the control plane ended")


if __name__ == "__main__":
    # The first process of a namespace adopts orphans and must wait for them, so its child does the work.
    child = os.fork()
    if child == 0:
        try:
            main()
        except Exception as error:  # node.log has it, and node.py shows it
            print(f"failed: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    while True:
        process, status = os.wait()
        if process == child:
            os._exit(os.waitstatus_to_exitcode(status))
