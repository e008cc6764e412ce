"""Backups as a cluster has them: an object store in the node's network, and the Barman Cloud plugin as its own manifests install it."""
import base64
import glob
import os
import secrets
import sys

import yaml

from api import resource
from steps import IP, listening, sh, until, write

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from realparts import certificates, versitygw  # noqa: E402

PORT, BUCKET, NAMESPACE = 9000, "backups", "cnpg-system"
IMAGE = "slipway.local/barman:1"
DEPLOYMENT = resource("apps/v1", "Deployment", NAMESPACE, "barman-cloud")


def object_store(run, parts, program):
    """Starts the store as a part of the node, which can be switched off and on. Returns how a user reaches the bucket that belongs to the user."""
    authority = certificates.make_authority(f"{run}/object-store/tls")
    tls = certificates.issue(f"{run}/object-store/tls", "server", [IP])
    root, user = (versitygw.Keys(name, secrets.token_hex(20)) for name in ("root", BUCKET))
    parts.start("object-store", *versitygw.command(program, f"{run}/object-store", f"{IP}:{PORT}", tls), env=versitygw.environment(root))
    until(lambda: listening(IP, PORT), 30, "the object store")
    versitygw.add_user(program, f"https://{IP}:{PORT}", root, user, BUCKET)
    return {"url": f"https://{IP}:{PORT}", "ca": authority, "bucket": BUCKET, "access": user.access, "secret": user.secret}


def secret(api, name, **files):
    data = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in files.items()}
    api.apply(resource("v1", "Secret", NAMESPACE, name), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})


def documents(directory):
    """The objects of the plugin's own kustomization: definition, rights, deployment, service. It asks cert-manager for its certificates; here we make them."""
    paths = [*glob.glob(f"{directory}/config/crd/bases/*.yaml"), *sorted(glob.glob(f"{directory}/config/rbac/*.yaml")), f"{directory}/kubernetes/deployment.yaml",
             f"{directory}/kubernetes/service.yaml"]
    for path in paths:
        if os.path.basename(path) != "kustomization.yaml":
            with open(path, encoding="utf-8") as f:
                yield from filter(None, yaml.safe_load_all(f))


def plugin(run, programs, api):
    # Each side trusts the other's certificate directly. A client does not send its certificate to a server that asks for one of another issuer.
    for name, hosts in (("server", ["barman-cloud"]), ("client", ["barman-cloud-client"])):
        contents = []
        for path in certificates.self_signed(f"{run}/barman", name, hosts):
            with open(path, "rb") as f:
                contents.append(f.read())
        secret(api, f"barman-cloud-{name}-tls", tls_crt=contents[0], tls_key=contents[1])
    api.apply(resource("v1", "Secret", NAMESPACE, "plugin-barman-cloud"),
              {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plugin-barman-cloud"}, "stringData": {"SIDECAR_IMAGE": IMAGE}})
    for document in documents(programs["barman-plugin"]):
        cluster_wide = document["kind"] in ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")
        if document["kind"] == "Deployment":
            container = document["spec"]["template"]["spec"]["containers"][0]
            container["image"] = IMAGE
            container["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=1)
        api.apply(resource(document["apiVersion"], document["kind"], None if cluster_wide else NAMESPACE, document["metadata"]["name"]), document)


def install(run, parts, programs, api):
    store = object_store(run, parts, programs["object-store"])
    plugin(run, programs, api)
    return store


def ready(api):
    return (api.get(DEPLOYMENT) or {}).get("status", {}).get("readyReplicas") == 1
