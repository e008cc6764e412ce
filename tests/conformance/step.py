"""One request of the conformance test, and the part of its answer that is compared."""
import dataclasses
import http.client
import json
import re
import time
import urllib.parse

JSON, MERGE, PATCH, STRATEGIC, APPLY = (f"application/{kind}" for kind in (
    "json", "merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"))
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

# The first word of a path stands for a path in the group's own namespace. A path that starts with "/" is used as it is.
RESOURCES = {
    "cm": "/api/v1/namespaces/$ns/configmaps", "secrets": "/api/v1/namespaces/$ns/secrets", "pods": "/api/v1/namespaces/$ns/pods",
    "services": "/api/v1/namespaces/$ns/services", "pvc": "/api/v1/namespaces/$ns/persistentvolumeclaims", "sa": "/api/v1/namespaces/$ns/serviceaccounts",
    "quotas": "/api/v1/namespaces/$ns/resourcequotas", "deployments": "/apis/apps/v1/namespaces/$ns/deployments", "statefulsets": "/apis/apps/v1/namespaces/$ns/statefulsets",
    "daemonsets": "/apis/apps/v1/namespaces/$ns/daemonsets", "replicasets": "/apis/apps/v1/namespaces/$ns/replicasets",
    "slices": "/apis/discovery.k8s.io/v1/namespaces/$ns/endpointslices", "cronjobs": "/apis/batch/v1/namespaces/$ns/cronjobs",
    "jobs": "/apis/batch/v1/namespaces/$ns/jobs", "roles": "/apis/rbac.authorization.k8s.io/v1/namespaces/$ns/roles", "leases": "/apis/coordination.k8s.io/v1/namespaces/$ns/leases",
    "policies": "/apis/networking.k8s.io/v1/namespaces/$ns/networkpolicies", "budgets": "/apis/policy/v1/namespaces/$ns/poddisruptionbudgets",
    "clusters": "/apis/postgresql.cnpg.io/v1/namespaces/$ns/clusters", "scheduled": "/apis/postgresql.cnpg.io/v1/namespaces/$ns/scheduledbackups",
    "poolers": "/apis/postgresql.cnpg.io/v1/namespaces/$ns/poolers", "widgets": "/apis/test.example/v1/namespaces/$ns/widgets",
    "namespaces": "/api/v1/namespaces", "crds": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "clusterroles": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
}


@dataclasses.dataclass(frozen=True)
class Step:
    id: str
    line: str                # "PATCH cm/a?fieldManager=me"
    body: object = None      # JSON, or a text that is sent as it is
    type: str = JSON         # Content-Type, "" for none
    accept: str = JSON
    save: tuple = ()         # ("uid", "metadata.uid"): later steps write $uid
    until: object = None     # asks again until the answer has this status, for the work of controllers
    holds: object = None     # ... and until this is true of its body


class Server:
    """Either server, and what the steps saved from its answers."""

    def __init__(self, url, tls=None, token=None):
        self.parts, self.tls, self.token, self.saved = urllib.parse.urlsplit(url), tls, token, {}

    def fill(self, text):
        return re.sub(r"\$([a-z]+)", lambda found: self.saved.get(found[1], found[0]), text)

    def send(self, step):
        method, target = self.fill(step.line).split(" ", 1)
        if not target.startswith("/"):
            word = re.match(r"[a-z]+", target)[0]
            target = self.fill(RESOURCES[word]) + target[len(word):]
        body = None if step.body is None else self.fill(step.body if isinstance(step.body, str) else json.dumps(step.body))
        connect = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        connection = connect(self.parts.hostname, self.parts.port, timeout=60, **({"context": self.tls} if self.tls else {}))
        headers = {"User-Agent": "conformance/1", "Accept": step.accept, **({"Content-Type": step.type} if step.type and body is not None else {}),
                   **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        connection.request(method, target, None if body is None else body.encode(), headers)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read().decode())
        connection.close()
        return answer

    def run(self, step, seconds=60):
        end = time.monotonic() + seconds
        while True:
            answer = self.send(step)
            done = step.until in (None, answer.status) and (step.holds is None or step.holds(answer.body))
            if done or time.monotonic() > end:
                break
            time.sleep(0.05)
        for name, path in [step.save] if step.save else []:
            value = answer.body
            for part in path.split("."):
                value = value.get(part, "") if isinstance(value, dict) else ""
            self.saved[name] = str(value)
        return answer


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.text = status, text
        self.type = (headers.get("Content-Type") or "").split(";")[0]
        self.warnings = headers.get_all("Warning") or []
        try:
            lines = [json.loads(line) for line in text.splitlines() if line]
            self.body = lines[0] if len(lines) == 1 and lines[0].get("type") not in WATCH_EVENTS else lines
        except (ValueError, AttributeError):
            try:
                self.body = json.loads(text)
            except ValueError:
                self.body = text

    def facts(self):
        """The part to compare: {"status": 422, "body.spec.size": 3, ...}, leaf by leaf."""
        out = {"status": self.status, "type": self.type, "warnings": self.warnings}
        if isinstance(self.body, dict) and self.body.get("kind") == "Status":
            details = self.body.get("details") or {}
            out["reason"] = self.body.get("reason")
            out["causes"] = sorted({(cause.get("field", ""), cause.get("reason", "")) for cause in details.get("causes") or []})
            out["details"] = {key: "<uid>" if key == "uid" else value for key, value in details.items() if key != "causes"}
            out["success"] = self.body.get("status")
        else:
            flatten("body", normal(self.body), out)
        return out


WATCH_EVENTS = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
# Values on which two servers can never agree.
UNEQUAL = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<microtime>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-<random>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<server>"),
    (re.compile(r"10\.\d+\.\d+\.\d+"), "<address>"),
]
FIELDS = {"continue": "<token>", "ca.crt": "<certificate>", "nodePort": "<port>"}


def normal(value, key=""):
    if isinstance(value, dict):
        out = {unify(name): normal(child, name) for name, child in value.items()}
        prefix = out.get("generateName")
        if prefix and re.fullmatch(re.escape(prefix) + "[a-z0-9]{5}", str(out.get("name"))):
            out["name"] = prefix + "<random>"
        if out.get("kind") == "Table":
            for row in out["rows"] or []:
                row["cells"] = ["<age>" if isinstance(cell, str) and re.fullmatch(r"(\d+[smhdy])+", cell) else cell for cell in row["cells"]]
            for column in out["columnDefinitions"] or []:
                column.pop("description")
        return out
    if isinstance(value, list):
        out = [normal(child) for child in value]
        if key == "resources" and out and "singularName" in out[0]:
            out.sort(key=lambda resource: resource["name"])  # the server has the order of a map
        if key == "managedFields":
            out.sort(key=lambda entry: (entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", ""), entry.get("time", "")))
        return out
    if key == "resourceVersion" and isinstance(value, str) and value not in ("", "0"):
        return "<version>"
    if key in FIELDS and (value or key == "ca.crt"):
        return FIELDS[key]
    if isinstance(value, str):
        return unify(value)
    return value


def unify(text):
    for pattern, name in UNEQUAL:
        text = pattern.sub(name, text)
    return text


def flatten(path, value, out):
    if isinstance(value, dict) and value:
        for key, child in value.items():
            flatten(f"{path}.{key}", child, out)
    elif isinstance(value, list) and value:
        for i, child in enumerate(value):
            flatten(f"{path}[{i}]", child, out)
    else:
        out[path] = value


def differences(real, sim):
    """{field: (real, simulated)} for two answers."""
    ours, theirs = sim.facts(), real.facts()
    return {key: (theirs.get(key, "<absent>"), ours.get(key, "<absent>")) for key in sorted({*ours, *theirs}) if theirs.get(key, "<absent>") != ours.get(key, "<absent>")}
