"""The objects that the requests send."""


def thing(api, kind, name=None, more=None, **metadata):
    return {"apiVersion": api, "kind": kind, "metadata": {**({"name": name} if name else {}), **metadata}, **(more or {})}


def cm(name=None, data=None, **metadata):
    return thing("v1", "ConfigMap", name, {"data": {"k": "1"} if data is None else data}, **metadata)


def secret(name, more, **metadata):
    return thing("v1", "Secret", name, more, **metadata)


def pod(name, spec=None, **metadata):
    return thing("v1", "Pod", name, {"spec": {"containers": [{"name": "main", "image": "example.test/main:1"}], **(spec or {})}}, **metadata)


def claim(name, size="1Gi", **spec):
    return thing("v1", "PersistentVolumeClaim", name, {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}})


def service(name, spec=None):
    return thing("v1", "Service", name, {"spec": {"selector": {"app": name}, "ports": [{"port": 80}], **(spec or {})}})


def workload(kind, name, **spec):
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "example.test/main:1"}]}}
    return thing("apps/v1", kind, name, {"spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}})


def quota(name, **hard):
    return thing("v1", "ResourceQuota", name, {"spec": {"hard": {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}}})


def cluster(name, **spec):
    return thing("postgresql.cnpg.io/v1", "Cluster", name, {"spec": {"instances": 1, "storage": {"size": "1Gi"}, **spec}})


def widget(name, spec=None, **metadata):
    return thing("test.example/v1", "Widget", name, {"spec": {"size": 3} if spec is None else spec}, **metadata)


# A definition that has one of everything that a schema can contain.
WIDGETS = thing("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.test.example", {"spec": {
    "group": "test.example", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"], "categories": ["toys"]},
    "versions": [{
        "name": "v1", "served": True, "storage": True,
        "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How big"},
                                     {"name": "Mode", "type": "string", "jsonPath": ".spec.mode", "priority": 1},
                                     {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}],
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0},
                "mode": {"type": "string", "enum": ["fast", "slow"], "default": "slow"},
                "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
                "deep": {"type": "object", "default": {}, "properties": {"on": {"type": "boolean", "default": True}, "level": {"type": "integer"}}},
                "parameters": {"type": "object", "additionalProperties": {"type": "string"}},
                "port": {"x-kubernetes-int-or-string": True},
                "note": {"type": "string", "nullable": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "atom": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
                "words": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {
                    "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}}}},
                "doors": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["number", "side"], "items": {
                    "type": "object", "required": ["number"], "properties": {
                        "number": {"type": "integer"}, "side": {"type": "string", "default": "front"}, "note": {"type": "string"}}}}}},
            "status": {"type": "object", "properties": {"phase": {"type": "string"}, "size": {"type": "integer"}}}}}}}]}})
