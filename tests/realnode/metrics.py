"""metrics-server as a process of the node. The API server reaches it through a service without a selector. `kubectl top` answers after two scrapes."""
import base64
import os

from api import resource
from steps import IP, sh

PORT, NAMESPACE, NAME = 4443, "kube-system", "metrics-server"
API = "v1beta1.metrics.k8s.io"


def install(run, parts, programs, api):
    os.makedirs(f"{run}/metrics")
    sh(programs["kube"], "certificate", "--dir", f"{run}/plane", "--out", f"{run}/metrics/tls", "--name", NAME, "--hosts", f"{NAME}.{NAMESPACE}.svc")
    with open(f"{run}/plane/ca.crt", "rb") as f:
        bundle = base64.b64encode(f.read()).decode()
    kubeconfig = f"{run}/kubeconfig"
    parts.start(NAME, programs[NAME], f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}", f"--authorization-kubeconfig={kubeconfig}",
                f"--bind-address={IP}", f"--secure-port={PORT}", f"--tls-cert-file={run}/metrics/tls.crt", f"--tls-private-key-file={run}/metrics/tls.key",
                "--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP", "--metric-resolution=12s")
    labels = {"kubernetes.io/service-name": NAME}
    for kind, document in (
            ("Service", {"apiVersion": "v1", "metadata": {"name": NAME}, "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT, "protocol": "TCP"}]}}),
            ("EndpointSlice", {"apiVersion": "discovery.k8s.io/v1", "metadata": {"name": NAME, "labels": labels}, "addressType": "IPv4",
                               "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}], "endpoints": [{"addresses": [IP], "conditions": {"ready": True}}]})):
        api.apply(resource(document["apiVersion"], kind, NAMESPACE, NAME), {"kind": kind, **document})
    api.apply(resource("apiregistration.k8s.io/v1", "APIService", name=API), {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": API}, "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1", "service": {"name": NAME, "namespace": NAMESPACE}, "caBundle": bundle,
            "groupPriorityMinimum": 100, "versionPriority": 100}})
