"""The API server a test runs against: slipway-sim, or a real control plane where SLIPWAY_SERVER says so. The tests do not know which.

A control plane is shared by the tests of one file, for it takes seconds to start: what a test leaves is removed when it stops.
"""
import os
import shutil

from integration.host import Behaviours, Sim, make_dir, wait_for

REAL = os.environ.get("SLIPWAY_SERVER") == "controlplane"
shared = None


def start(data, databases=False, pace="0", fast=False):
    """A started server with the operators' behaviours; stop() it."""
    if not REAL:
        return Sim(data, pace=pace, databases=databases, fast=fast)
    global shared
    if shared is None:
        shared = _shared_class()(make_dir(), behaviours=False)
    shared.start_behaviours(pace, databases, fast=fast)
    return shared


def start_apart(data):
    """The same, without databases, and with the behaviours in a process that can be killed by itself: kill_behaviours()."""
    return start(data, fast=True) if REAL else _Apart(data, databases=False, extra=("--no-behaviours",), fast=True)


class _Apart(Sim):
    def __init__(self, data, **options):
        super().__init__(data, **options)
        self.behaviours = Behaviours(self.kubeconfig, data, databases=False, fast=True)

    def kill_behaviours(self):
        self.behaviours.kill()

    def stop(self):
        self.behaviours.stop()
        super().stop()


def end():
    """At the end of the test session."""
    global shared
    if shared is not None:
        ending, shared = shared, None
        ending.end()
        shutil.rmtree(ending.data, ignore_errors=True)


def _shared_class():
    from controlplane.controlplane import ControlPlane

    class Shared(ControlPlane):
        def projects(self):
            return [n["metadata"]["name"] for n in self.list("/api/v1/namespaces") if not n["metadata"]["name"].startswith(("kube-", "default", "slipway-system"))]

        def stop(self):
            """Back to as it was; what the server warned of fails the test that was warned."""
            self.clear_faults()
            for name in self.projects():
                self.call("DELETE", f"/api/v1/namespaces/{name}", server=self.direct)
            try:
                wait_for(lambda: not self.projects(), 100, "the projects' namespaces to go")
            except AssertionError:
                end()  # what one test broke is no other's
                raise
            self.stop_behaviours()
            warnings = self.warnings()
            os.truncate(self.request_log, 0)
            assert not warnings, warnings

        def end(self):
            ControlPlane.stop(self)

    return Shared
