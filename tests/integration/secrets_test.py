"""A password may be in one answer only: no log, event, error, other answer, file of ours or process list contains it."""
import base64
import json
import os
import urllib.parse

from integration import clusters, databases
from integration.host import Host, make_dir, remove_dir


def forms(secret):
    raw = secret.encode()
    quoted = json.dumps(secret)[1:-1].encode()
    return {raw, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"="), urllib.parse.quote(secret).encode(), quoted, raw.hex().encode()}


@databases.each
def test_secrets_are_found_nowhere(database):
    data = make_dir()
    sim = clusters.start(os.path.join(data, "sim"), fast=True)
    host = Host(os.path.join(data, "host"), sim).start()
    try:
        answer = host.create("secret", database=database)
        operation = host.finish(answer.json["id"])
        assert operation["state"] == "SUCCEEDED", operation
        instance = operation["target"]["id"]
        shown = host.call("GET", f"/v1/instances/{instance}/credentials")
        password = shown.json["password"] if "password" in shown.json else shown.json["credentials"]["password"]
        secret = sim.call("GET", "/api/v1/namespaces/acme-secret/secrets/secret" + database.secret).json
        assert base64.b64decode(secret["data"]["password"]).decode() == password
        assert host.call("GET", f"/v1/instances/{instance}/credentials", token="test-token-viewer").status == 403

        pages = [host.call("GET", path).body for path in (
            "/v1/instances", f"/v1/instances/{instance}", "/v1/operations", f"/v1/operations/{operation['id']}", "/v1/engines", "/v1/tiers",
            "/metrics", "/openapi.json", "/readyz?verbose", "/v1/version", f"/v1/operations/{operation['id']}/events")]
        pages.append(host.call("POST", "/v1/instances", {"orgId": password}).body)
        hidden = forms(password) | forms(host.token)
        own = forms(password)
        for page in pages:
            assert not any(form in page for form in own), page[:200]
        places = []
        for where, _, files in os.walk(host.data):
            for name in files:
                path = os.path.join(where, name)
                if name in ("slipway.yaml",) or path.endswith(".so"):
                    continue
                with open(path, "rb") as f:
                    content = f.read()
                if any(form in content for form in hidden):
                    places.append(path)
        assert places == []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) in (os.getpid(),):
                continue
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    line = f.read()
            except OSError:
                continue
            assert not any(form in line for form in own), line[:100]
    finally:
        host.stop()
        sim.stop()
        remove_dir(data)
