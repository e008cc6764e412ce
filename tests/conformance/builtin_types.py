#!/usr/bin/python3
"""Writes devcluster/builtin_types_table.cc from Kubernetes' Go sources.

    tests/conformance/builtin_types.py "$(go env GOMODCACHE)" > devcluster/builtin_types_table.cc

The version is that of the control plane that the tests start (tests/controlplane/go.mod).
"""
import os
import re
import sys

VERSION = "v0.35.4"
API = f"k8s.io/api@{VERSION}"
PACKAGES = {  # by the name under which Go files import them
    "core.v1": f"{API}/core/v1", "apps.v1": f"{API}/apps/v1", "batch.v1": f"{API}/batch/v1", "policy.v1": f"{API}/policy/v1", "networking.v1": f"{API}/networking/v1",
    "rbac.v1": f"{API}/rbac/v1", "coordination.v1": f"{API}/coordination/v1", "storage.v1": f"{API}/storage/v1", "scheduling.v1": f"{API}/scheduling/v1",
    "discovery.v1": f"{API}/discovery/v1", "autoscaling.v1": f"{API}/autoscaling/v1", "authorization.v1": f"{API}/authorization/v1",
    "meta.v1": f"k8s.io/apimachinery@{VERSION}/pkg/apis/meta/v1", "apiextensions.v1": f"k8s.io/apiextensions-apiserver@{VERSION}/pkg/apis/apiextensions/v1"}
ROOTS = [
    *(f"core.v1.{kind}" for kind in "Namespace Node PersistentVolume Pod Service Secret ConfigMap ServiceAccount PersistentVolumeClaim Event Endpoints ResourceQuota LimitRange "
      "ReplicationController Binding".split()),
    *(f"apps.v1.{kind}" for kind in "Deployment StatefulSet ReplicaSet DaemonSet".split()), "batch.v1.Job", "batch.v1.CronJob", "policy.v1.PodDisruptionBudget", "policy.v1.Eviction",
    "networking.v1.NetworkPolicy", "networking.v1.Ingress", *(f"rbac.v1.{kind}" for kind in "Role RoleBinding ClusterRole ClusterRoleBinding".split()),
    "coordination.v1.Lease", "storage.v1.StorageClass", "scheduling.v1.PriorityClass", "discovery.v1.EndpointSlice", "autoscaling.v1.Scale", "authorization.v1.SelfSubjectAccessReview",
    "apiextensions.v1.CustomResourceDefinition", "meta.v1.DeleteOptions"]
SCALARS = {"string": "string", "bool": "bool", "int": "int", "int32": "int", "int64": "int", "uint16": "int", "float64": "number", "[]byte": "bytes"}
KNOWN = {"meta.v1.Time": "time", "meta.v1.MicroTime": "microtime", "resource.Quantity": "quantity", "intstr.IntOrString": "intstr", "runtime.RawExtension": "any",
         "meta.v1.FieldsV1": "any", "apiextensions.v1.JSONSchemaProps": "any", "types.UID": "string", "types.NodeName": "string"}
FIELD = re.compile(r'^\t(?:(\w+)\s+)?(\*?[\w\[\]\.\*]+)\s+`(.*)`')


class Types:
    def __init__(self, cache):
        self.structs, self.aliases, self.atomic = {}, {}, set()
        for package, path in PACKAGES.items():
            for name in sorted(os.listdir(os.path.join(cache, path))):
                if name.endswith(".go") and not name.endswith("_test.go") and not name.startswith(("generated", "zz_")):
                    with open(os.path.join(cache, path, name), encoding="utf-8") as f:
                        self.read(package, f.read())

    def read(self, package, text):
        imports = {"metav1": "meta.v1", "v1": "core.v1", "apiv1": "core.v1", "corev1": "core.v1"}
        struct, notes = None, []
        for line in text.splitlines():
            if begun := re.match(r"^type (\w+) struct ?\{(\})?", line):
                struct = f"{package}.{begun[1]}"
                self.structs[struct] = []
                if "// +structType=atomic" in notes:
                    self.atomic.add(struct)
                struct, notes = None if begun[2] else struct, []
            elif alias := re.match(r"^type (\w+) =?\s*([\w\[\]\.\*]+)$", line):
                self.aliases[f"{package}.{alias[1]}"] = self.qualify(package, alias[2], imports)
            elif line == "}":
                struct = None
            elif line.strip().startswith("//"):
                notes.append(line.strip())
            elif struct and (field := FIELD.match(line)):
                self.structs[struct].append((self.qualify(package, field[2], imports), field[3], notes))
                notes = []
            else:
                notes = []

    def qualify(self, package, name, imports):
        prefix = re.match(r"^(\*|\[\]|map\[[\w\.]+\])", name)
        if prefix and name != "[]byte":
            return ("{}" if prefix[1].startswith("map") else prefix[1]) + self.qualify(package, name[len(prefix[1]):], imports)
        if name in SCALARS:
            return name
        if "." in name:
            head, tail = name.split(".")
            return f"{imports.get(head, head)}.{tail}"
        return f"{package}.{name}"

    def resolve(self, name):
        """The written type, and whether the Go type is a pointer."""
        if name.startswith("*"):
            return self.resolve(name[1:])[0], True
        for prefix in ("[]", "{}"):
            if name.startswith(prefix) and name != "[]byte":
                return prefix + self.resolve(name[2:])[0], False
        if name in KNOWN:
            return KNOWN[name], False
        if name in SCALARS:
            return SCALARS[name], False
        if name in self.structs:
            return name, False
        return self.resolve(self.aliases[name])

    def fields(self, struct):
        for go_type, tags, notes in self.structs[struct]:
            tag = re.search(r'json:"([^"]*)"', tags)
            if not tag or tag[1].split(",")[0] == "-":
                continue
            name, *options = tag[1].split(",")
            written, pointer = self.resolve(go_type)
            if "inline" in options or not name:
                # In protobuf the inlined struct has a number of its own, but in JSON its fields belong to the outer struct.
                number = re.search(r'protobuf:"bytes,(\d+)', tags)
                for field in self.fields(written):
                    yield f"{number[1]}." + field if number else "0" + field.lstrip("0123456789.")
                continue
            number = re.search(r'protobuf:"\w+,(\d+)', tags)
            flags = ("*" if pointer else "") + ("" if "omitempty" in options or "omitzero" in options else "!") + ("?" if "omitzero" in options else "")
            text = f"{number[1] if number else 0}{flags} {name} {written}"
            kind = next((note.split("=")[1] for note in notes if note.startswith(("// +listType=", "// +mapType=", "// +structType="))), "")
            keys = ",".join(note.split("=")[1] for note in notes if note.startswith("// +listMapKey="))
            merge = re.search(r'patchMergeKey:"(\w+)"', tags)
            if kind and kind != "granular":
                text += f" {kind}" + (f"={keys}" if keys else "")
            if "patchStrategy" in tags and "merge" in re.search(r'patchStrategy:"([^"]*)"', tags)[1]:
                text += " merge" + (f"={merge[1]}" if merge else "")
            default = next((note.split("=", 1)[1] for note in notes if note.startswith("// +default=") and "ref(" not in note), None)
            if default is not None:
                text += f" default={default}"
            yield text


def main():
    types = Types(sys.argv[1])
    lines, seen, todo = [], set(), list(ROOTS)
    while todo:
        struct = todo.pop(0)
        if struct in seen:
            continue
        seen.add(struct)
        fields = list(types.fields(struct))
        lines.append(f"{struct}{' atomic' if struct in types.atomic else ''}: " + "; ".join(fields))
        todo += [word.lstrip("[]{}") for field in fields for word in [field.split(" ")[2]] if word.lstrip("[]{}") in types.structs]
    print('#include "devcluster/builtin_types.h"\n\nnamespace slipway::sim {\n')
    print(f"// Generated by tests/conformance/builtin_types.py from Kubernetes {VERSION.replace('v0', 'v1')}; do not edit.\n"
          "// One type per line: its fields with protobuf number, flags (* pointer, ! always written,\n"
          "// ? omitted when zero), JSON name, type, how lists and maps are owned, the key of strategic\n"
          "// merges, and the default.")
    # Two literals, because a compiler may refuse a literal as long as the whole.
    half = len(lines) // 2
    print('const char* const kBuiltinTypes[] = {R"types(' + "\n".join(lines[:half]) + '\n)types",\n                                     R"types(' + "\n".join(lines[half:]) + '\n)types", nullptr};')
    print("\n}  // namespace slipway::sim")


main()
