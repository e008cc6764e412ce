"""The API server that a test uses: slipway-sim or, if SLIPWAY_SERVER says so, a real control plane. The tests do not know which.

The tests of one file share a control plane, because it takes seconds to start. Whatever a test leaves is removed when the test stops.
"""
import os
import shutil

from integration.host import REAL, Behaviours, Sim, make_dir, wait_for

shared = None


def start(data, databases=False, pace="0", fast=False):
    """A started server with the operators' behaviours. The caller calls stop()."""
    if not REAL:
        return Sim(data, pace=pace, databases=databases, fast=fast)
    global shared
    if shared is None:
        shared = _shared_class()(make_dir(), behaviours=False)
    shared.start_behaviours(pace, databases, fast=fast)
    return shared


def start_apart(data):
    """The same, without databases. The behaviours run in a process that kill_behaviours() can kill by itself."""
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
    """Call it at the end of the test session."""
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
            """Restores the initial state. A warning of the server fails the test that caused it."""
            self.clear_faults()
            if len(self.projects()) > 20:  # a new control plane costs less than their removal
                warnings = self.warnings()
                end()
                assert not warnings, warnings
                return
            for name in self.projects():
                self.call("DELETE", f"/api/v1/namespaces/{name}", server=self.direct)
            try:
                wait_for(lambda: not self.projects(), 100, "the projects' namespaces to go")
            except AssertionError:
                end()  # other tests must not meet what this one broke
                raise
            self.stop_behaviours()
            warnings = self.warnings()
            os.truncate(self.request_log, 0)
            assert not warnings, warnings

        def end(self):
            ControlPlane.stop(self)

    return Shared
