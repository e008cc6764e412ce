#!/usr/bin/python3
"""A real Kubernetes of one node with the real CloudNativePG, in namespaces of its own: up in half a minute, gone in a second.

usage: node.py up [DIRECTORY]                  starts a node that stays, with all extras, and prints how to reach it
       node.py down DIRECTORY                  ends it, its pods included, and removes the directory
       node.py run DIRECTORY COMMAND ARGS…     runs a command in the node's network, with its kubeconfig and kubectl
       node.py with COMMAND ARGS…              starts a node, runs the command there, ends the node
       node.py clean                           removes what killed nodes left behind (`up` does it too)

It needs root and the packages of the group `node` in scripts/deps.sh. Several nodes can be up at once: each has a network, process table and
mounts of its own. Nothing of it is visible outside except its directory and its control groups.

Extras: "backups" brings an S3 store in the node's network (node.store) and the Barman Cloud plugin, "metrics" brings metrics-server.

In a test:   with Node() as node, node.network():     # this thread and what it starts are inside the node's network
                 node.kubectl("get", "pods", "-A"); node.api.list("/api/v1/pods")
"""
import ctypes
import fcntl
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from api import Api, resource  # noqa: E402

PREFIX = "slipway-node-"
EXTRAS = ("backups", "metrics")
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PACKAGES = {"containerd": "containerd", "runc": "runc", "debootstrap": "debootstrap", "ip": "iproute2", "nft": "nftables", "conntrack": "conntrack",
            "unshare": "util-linux", "/usr/lib/cni/bridge": "containernetworking-plugins", "psql": "postgresql-client-15"}


PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class NodeError(Exception):
    pass


def missing():
    """The reason why no node can be started here; "" when one can."""
    if os.geteuid() != 0:
        return "a node needs root"
    packages = sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=PATH)})
    return "missing packages: " + " ".join(packages) if packages else ""


def build(extras=()):
    """{name: path} of the programs that the node runs. It takes minutes the first time."""
    done = subprocess.run([os.path.join(HERE, "build"), *extras], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise NodeError("tests/realnode/build failed")
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def control_groups(name):
    return [path for path in [f"/sys/fs/cgroup/{name}", *glob.glob(f"/sys/fs/cgroup/*/{name}")] if os.path.isdir(path)]


def make_control_groups(name):
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):  # version 2
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii") as f:
            for controller in f.read().split():
                try:
                    with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="ascii") as control:
                        control.write("+" + controller)
                except OSError:
                    pass
        os.makedirs(f"/sys/fs/cgroup/{name}", exist_ok=True)
        return
    for hierarchy in glob.glob("/sys/fs/cgroup/*/cgroup.procs"):
        path = os.path.join(os.path.dirname(os.path.realpath(hierarchy)), name)
        os.makedirs(path, exist_ok=True)
        for resource_kind in ("cpuset.cpus", "cpuset.mems"):  # a new cpuset is empty, so no process can enter it
            if os.path.exists(f"{path}/{resource_kind}"):
                with open(f"{path}/../{resource_kind}", encoding="ascii") as parent, open(f"{path}/{resource_kind}", "w", encoding="ascii") as own:
                    own.write(parent.read())


def remove(directory):
    """Removes what a node leaves: its control groups, which are empty once it has ended, and its files."""
    for group in control_groups(os.path.basename(directory)):
        for path, _, _ in os.walk(group, topdown=False):
            for _ in range(50):
                try:
                    os.rmdir(path)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.1)
    subprocess.run(["rm", "-rf", "--one-file-system", directory], check=True)


def lock(directory):
    """The lock of the directory as a file descriptor, or None when its node is alive: the lock ends with the last process that holds it."""
    descriptor = os.open(os.path.join(directory, "lock"), os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except BlockingIOError:
        os.close(descriptor)
        return None


def lives(directory):
    try:
        held = lock(directory)
    except OSError:
        raise NodeError(f"{directory} is not a node's") from None
    if held is not None:
        os.close(held)
    return held is None


def clean(*more):
    """Removes what killed nodes left behind, and prints what it was."""
    removed = []
    for directory in {*glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")), *more}:
        if os.path.exists(os.path.join(directory, "lock")) and not lives(directory):
            remove(directory)
            removed.append(directory)
    return removed


class Node:
    """attached: the node ends with this process, however that happens. network() is for the calling thread; any thread may call the rest."""

    def __init__(self, directory=None, attached=True, programs=None, extras=()):
        if directory and not os.path.basename(os.path.abspath(directory)).startswith(PREFIX):
            raise NodeError(f"the directory's name must start with {PREFIX}")
        clean(*[os.path.abspath(directory)] if directory else [])
        self.directory = os.path.abspath(directory) if directory else tempfile.mkdtemp(prefix=PREFIX)
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        # The lock is held before it gets its name: clean() takes a free lock for that of a dead node.
        new = os.path.join(self.directory, f"lock.{os.getpid()}")
        held = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            os.link(new, os.path.join(self.directory, "lock"))
        except FileExistsError:
            raise NodeError(f"a node lives in {self.directory}") from None
        finally:
            os.unlink(new)
        self.attached = attached
        self.start(programs or build(extras), held)

    def start(self, programs, held):
        name = os.path.basename(self.directory)
        make_control_groups(name)
        command = ["unshare", "--pid", "--fork", "--kill-child=SIGKILL", "--mount", "--mount-proc", "--net", "--propagation", "private",
                   sys.executable, os.path.join(HERE, "inside.py"), self.directory, name, json.dumps(programs), "attached" if self.attached else "detached"]
        with open(os.path.join(self.directory, "node.log"), "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE if self.attached else subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=[held], start_new_session=True, cwd="/", env={**os.environ, "PATH": PATH})
        os.close(held)  # from now on the node holds it
        self.pid = self.process.pid
        with open(os.path.join(self.directory, "pid"), "w", encoding="ascii") as f:
            f.write(str(self.pid))
        end = time.monotonic() + 240
        while not os.path.exists(os.path.join(self.directory, "ready.json")):
            if self.process.poll() is not None or time.monotonic() > end:
                kept = self.directory + ".logs"
                os.makedirs(kept, exist_ok=True)
                for path in glob.glob(f"{self.directory}/*.log") + glob.glob(f"{self.directory}/plane/*.log"):
                    shutil.copy(path, kept)
                with open(os.path.join(self.directory, "node.log"), encoding="utf-8", errors="replace") as f:
                    last = f.read()[-2000:]
                self.stop()
                raise NodeError(f"the node did not start; its logs are in {kept}\n{last}")
            time.sleep(0.1)
        self.read()

    @classmethod
    def existing(cls, directory):
        """A node that `up` started and that is alive."""
        self = cls.__new__(cls)
        self.directory, self.attached, self.process = os.path.abspath(directory), False, None
        if not lives(self.directory):
            raise NodeError(f"the node in {directory} has ended")
        try:
            with open(os.path.join(self.directory, "pid"), encoding="ascii") as f:
                self.pid = int(f.read())
            self.read()
        except OSError as error:
            raise NodeError(f"the node in {directory} is not ready: {error}") from None
        return self

    def read(self):
        with open(os.path.join(self.directory, "ready.json"), encoding="utf-8") as f:
            ready = json.load(f)
        self.kubeconfig, self.image, self.seconds = ready["kubeconfig"], ready["image"], ready["seconds"]
        self.store = ready["objectStore"]  # url, ca (a path), bucket, access, secret; None without backups
        # For programs inside: kubectl is on their path.
        self.environment = {**os.environ, "KUBECONFIG": self.kubeconfig, "PATH": f"{self.directory}/bin:{PATH}"}
        self.netns = f"/proc/{self.pid}/ns/net"
        self.api = Api(ready["server"], ready["token"], ready["ca"])

    def inside(self, *command):
        """A command line that runs the command in the node's network and with its name server, from anywhere."""
        return ["nsenter", "--net=" + self.netns, "unshare", "--mount", "--propagation", "private", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', os.path.join(self.directory, "service.resolv.conf"), *command]

    def kubectl(self, *args, check=True):
        done = subprocess.run(self.inside("kubectl", *args), capture_output=True, text=True, timeout=120, check=False, env=self.environment)
        if check and done.returncode != 0:
            raise NodeError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    @contextmanager
    def network(self):
        """Moves the calling thread, and what it starts, into the node's network, where services have names."""
        libc = ctypes.CDLL(None, use_errno=True)

        def succeed(result, what):
            if result != 0:
                raise OSError(ctypes.get_errno(), what)

        own = [(os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY), flag) for kind, flag in (("net", CLONE_NEWNET), ("mnt", CLONE_NEWNS))]
        node = os.open(self.netns, os.O_RDONLY)
        here = os.getcwd()
        try:
            succeed(libc.setns(node, CLONE_NEWNET), "setns")
            succeed(libc.unshare(CLONE_NEWNS), "unshare")
            succeed(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")
            succeed(libc.mount(os.path.join(self.directory, "service.resolv.conf").encode(), b"/etc/resolv.conf", None, MS_BIND, None), "mount")
            yield self
        finally:
            for descriptor, flag in own:
                succeed(libc.setns(descriptor, flag), "setns")
                os.close(descriptor)
            os.close(node)
            os.chdir(here)  # the working directory is lost in another mount namespace

    def switch(self, part, on):
        """Kills a part of the node (cnpg, kubelet, proxy, coredns, object-store, metrics-server) and keeps it down, or starts it again."""
        off, down = (os.path.join(self.directory, part + suffix) for suffix in (".off", ".down"))
        if on:
            os.unlink(off)
        else:
            with open(off, "w", encoding="ascii"):
                pass
        end = time.monotonic() + 60
        while os.path.exists(down) == on:
            if time.monotonic() > end:
                raise NodeError(f"{part} is not switched {'on' if on else 'off'} after 60 s")
            time.sleep(0.05)

    def stop(self):
        """Kills the first process of the namespace: the kernel ends all others, and unshare returns when they are gone."""
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as f:
                for child in f.read().split():
                    os.kill(int(child), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
        if self.process:
            self.process.wait(60)
            if self.process.stdin:
                self.process.stdin.close()
        end = time.monotonic() + 60
        while os.path.exists(f"/proc/{self.pid}/ns") and self.process is None and time.monotonic() < end:
            time.sleep(0.05)
        remove(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main(args):
    if args[:1] == ["up"] and len(args) < 3:
        if why := missing():
            raise NodeError(why)
        node = Node(args[1] if len(args) > 1 else None, attached=False, extras=EXTRAS)
        store = node.store
        print(f"up after {node.seconds} s: Kubernetes, CloudNativePG, the Barman Cloud plugin, metrics-server, storage class local, image {node.image}\n"
              f"  S3: {store['url']} bucket {store['bucket']}, access key {store['access']}, secret key {store['secret']}, authority {store['ca']}\n"
              f"  {sys.argv[0]} run {node.directory} kubectl get pods -A\n  nsenter --net={node.netns} …     kubeconfig: {node.kubeconfig}\n"
              f"  {sys.argv[0]} down {node.directory}")
    elif args[:1] == ["down"] and len(args) == 2:
        if os.path.abspath(args[1]) not in clean(os.path.abspath(args[1])):
            Node.existing(args[1]).stop()
    elif args[:1] == ["run"] and len(args) > 2:
        node = Node.existing(args[1])
        os.execvpe("nsenter", node.inside(*args[2:]), node.environment)
    elif args[:1] == ["with"] and len(args) > 1:
        if why := missing():
            raise NodeError(why)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends in Node.__exit__
        with Node() as node:
            print(f"a node is up after {node.seconds} s", flush=True)
            return subprocess.run(node.inside(*args[1:]), env=node.environment, check=False).returncode
    elif args == ["clean"]:
        for directory in clean():
            print("removed", directory)
    else:
        print(__doc__.split("In a test")[0].strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NodeError as problem:
        sys.exit(f"node: {problem}")
