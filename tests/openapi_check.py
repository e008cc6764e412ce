"""Checks live answers against the served OpenAPI document: anything undeclared fails."""
import json
import urllib.parse

import jsonschema

# The router answers a path or method that has no route, so no operation declares these.
UNROUTED = {400, 404, 405, 408, 413, 414, 417, 431, 500, 501, 503, 505}
PROBLEM = "application/problem+json"


def media_type(value):
    return (value or "").split(";")[0].strip().lower()


class OpenApiChecker:
    def __init__(self, document):
        self.document = document
        assert document["openapi"].startswith("3.1"), document["openapi"]
        self.templates = [(path.strip("/").split("/"), item) for path, item in document["paths"].items()]
        self.checked = set()  # (operationId, status) pairs seen, for a coverage report

    def check(self, method, path, status, headers, body):
        """Raises AssertionError for an undeclared status, content type or field."""
        where = f"{method} {path} -> {status}"
        headers = {k.lower(): v for k, v in dict(headers).items()}
        assert headers.get("x-request-id"), f"{where}: no X-Request-Id"
        operation = self._operation(method, path)
        if operation is None:
            self._check_unrouted(where, method, status, headers, body)
            return
        declared = operation["responses"].get(str(status))
        assert declared is not None, f"{where}: status not declared for {operation['operationId']}: {body[:500]!r}"
        self.checked.add((operation["operationId"], status))
        self._check_headers(where, status, headers, declared)
        self._check_reason(where, method, headers, body, declared)
        self._check_body(where, method, headers, body, declared.get("content", {}))

    def _operation(self, method, path):
        segments = urllib.parse.urlsplit(path).path.strip("/").split("/")
        name = {"HEAD": "get"}.get(method.upper(), method.lower())
        best = None
        for template, item in self.templates:
            if len(template) != len(segments) or name not in item:
                continue
            literal = 0
            for wanted, got in zip(template, segments):
                if wanted.startswith("{") and got:
                    continue
                if wanted != got:
                    break
                literal += 1
            else:
                if best is None or literal > best[0]:
                    best = (literal, item[name])
        return best[1] if best else None

    def _check_unrouted(self, where, method, status, headers, body):
        if method.upper() == "OPTIONS" and status == 204:
            assert headers.get("allow"), f"{where}: no Allow"
            return
        assert status in UNROUTED, f"{where}: status for a path without a route"
        if status == 405:
            assert headers.get("allow"), f"{where}: no Allow"
        if method.upper() != "HEAD":
            content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            self._check_body(where, method, headers, body, content)

    @staticmethod
    def _check_headers(where, status, headers, declared):
        names = {name.lower() for name in declared.get("headers", {})}
        optional = {"idempotency-replayed", "link", "retry-after", "accept", "accept-patch"}
        if status in (429, 503):
            optional.discard("retry-after")
        for name in names - optional:
            if name == "x-accel-buffering" and media_type(headers.get("content-type")) != "text/event-stream":
                continue
            assert name in headers, f"{where}: header {name} is declared and not sent"

    @staticmethod
    def _check_reason(where, method, headers, body, declared):
        """The code of a refusal is one that the route declares for the status, or an engine's own."""
        if method.upper() == "HEAD" or media_type(headers.get("content-type")) != PROBLEM:
            return
        problem = json.loads(body)
        reasons = declared.get("x-slipway-reasons", [])
        assert problem["code"] in reasons or "engine" in problem, f"{where}: {problem['code']} is not among the declared {reasons}: {body[:500]!r}"

    def _check_body(self, where, method, headers, body, content):
        if method.upper() == "HEAD":
            return
        if not content:
            assert not body, f"{where}: a body where none is declared"
            return
        types = {media_type(name): value for name, value in content.items()}
        got = media_type(headers.get("content-type"))
        assert got in types, f"{where}: content type {got!r} not declared, only {sorted(types)}"
        if got.endswith("json"):
            self._validate(where, json.loads(body), types[got]["schema"])

    def _validate(self, where, value, schema):
        root = {**schema, "components": self.document["components"]}
        validator = jsonschema.Draft202012Validator(root)
        errors = [f"/{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in validator.iter_errors(value)]
        assert not errors, f"{where}: " + "; ".join(errors)


def check_document(document):
    """Checks the document itself: unique operationIds, declared path parameters, well-formed schemas."""
    ids = set()
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["operationId"] not in ids, operation["operationId"]
            ids.add(operation["operationId"])
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == {s[1:-1] for s in path.split("/") if s.startswith("{")}, path
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
