"""Modules form a DAG: this test checks each of our #include lines against the table below."""
import os
import re
import subprocess

import pytest

ROOT = os.environ.get("SLIPWAY_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# module → the modules that it may include, besides itself. Arrows only go down.
ALLOWED = {
    "base": set(),
    "http": {"base"},
    "kube": {"base"},
    "store": {"base"},
    "connect": {"base"},
    "bucket": {"base"},
    "engine": {"base"},
    "secrets": {"base", "store"},
    "pipeline": {"base", "bucket", "engine", "kube", "store", "secrets", "connect"},
    "api": {"base", "engine", "store", "secrets", "pipeline", "http"},
    "app": {"base", "bucket", "http", "engine", "kube", "store", "secrets", "pipeline", "api"},
    "devcluster": {"base", "kube", "http"},
}
# third-party header → the modules that may include it
THIRD_PARTY = {
    "pistache/": {"http"}, "boost/beast/": {"http"}, "curl/": {"kube", "bucket", "devcluster"}, "expat.h": {"bucket"}, "sqlite3.h": {"store"}, "libpq-fe.h": {"connect", "devcluster"},
    "mysql.h": {"connect"}, "mysqld_error.h": {"connect"}, "errmsg.h": {"connect"}, "mongoc/": {"connect"}, "bson/": {"connect"},
    "boost/dll": {"engine"}, "rapidjson/": {"base"}, "openssl/": {"base", "connect", "devcluster"}, "yaml-cpp/": {"base"}, "prometheus/": {"base"}, "CLI/": {"app", "devcluster"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
OPERATOR_WORDS = re.compile(r"(?i:cnpg|cloudnativepg|barman|vitess|planetscale|mongodbcommunity|mongodb\.com)|(?:POSTGRESQL|MYSQL|MONGODB)")
# The behaviours of the development cluster, and the definitions that it serves for them.
BEHAVIOURS = re.compile(r"devcluster/(?:(?:cnpg|mongodb|vitess)/|behaviours?\.|crds?[_.]|CMakeLists)")


def folder_of(module):
    return module if module == "devcluster" else "host/" + module


def sources(folder):
    for where, _, files in os.walk(os.path.join(ROOT, folder)):
        for name in files:
            if name.endswith((".cc", ".h", ".hpp", ".c")):
                yield os.path.join(where, name)


def is_test(path):
    return path.endswith(("_test.cc", "_bench.cc")) or "test_support" in path or "fixture" in path


def includes(path):
    with open(path, encoding="utf-8") as f:
        return INCLUDE.findall(f.read())


def test_modules_include_only_what_the_table_allows():
    wrong = []
    for module, allowed in ALLOWED.items():
        for path in sources(folder_of(module)):
            for bracket, name in includes(path):
                top = name.split("/")[0]
                if bracket == '"' and "/" in name and top in ALLOWED and top != module and top not in allowed:
                    wrong.append(f"{os.path.relpath(path, ROOT)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_third_party_headers_stay_in_their_module_and_out_of_headers():
    wrong = []
    for module in ALLOWED:
        for path in sources(folder_of(module)):
            for _, name in includes(path):
                for prefix, homes in THIRD_PARTY.items():
                    if name.startswith(prefix) and (module not in homes and not is_test(path)):
                        wrong.append(f"{os.path.relpath(path, ROOT)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_the_host_contains_nothing_of_the_development_cluster():
    build = os.environ.get("SLIPWAY_BUILD")
    if not build:
        pytest.skip("SLIPWAY_BUILD names no build")
    found = {}
    for program in ("slipwayd", "slipway-sim"):
        symbols = subprocess.run(["nm", "-C", os.path.join(build, "bin", program)], capture_output=True, text=True, check=True).stdout
        found[program] = len(re.findall(r"\bslipway::sim::", symbols))
    assert found["slipwayd"] == 0 < found["slipway-sim"], found


def test_plugins_see_the_sdk_only():
    wrong = [f"{os.path.relpath(path, ROOT)} includes {name}" for path in sources("plugins") for bracket, name in includes(path)
             if name.split("/")[0] in ALLOWED]
    assert not wrong, "\n".join(wrong)


def test_the_kit_sees_the_sdk_only_and_hides_its_parser():
    wrong = []
    for path in sources("sdk/kit"):
        for bracket, name in includes(path):
            parser = name.startswith("rapidjson/") and path.endswith("json.cc")
            googletest = name.startswith("gtest/") and is_test(path)
            if bracket == '"' or ("/" in name and not name.startswith("slipway/") and not parser and not googletest):
                wrong.append(f"{os.path.relpath(path, ROOT)} includes {name}")
    for path in sources("host"):
        wrong += [f"{os.path.relpath(path, ROOT)} includes {name}" for _, name in includes(path) if name.startswith("slipway/kit")]
    assert not wrong, "\n".join(wrong)


def test_operators_are_named_by_the_simulators_behaviours_only():
    """The code, comments and tests of the host never name an operator, its API group or a databaseType."""
    wrong = []
    for where, _, names in (found for folder in ("host", "devcluster") for found in os.walk(os.path.join(ROOT, folder))):
        for path in (os.path.relpath(os.path.join(where, name), ROOT) for name in names):
            if BEHAVIOURS.match(path):
                continue
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                wrong += [f"{path}:{number}: {line.strip()}" for number, line in enumerate(f, 1) if OPERATOR_WORDS.search(line)]
    assert not wrong, "\n".join(wrong)


VERB = re.compile(r'"(?:create|delete|repair)"')
COMPARED = re.compile(r'[=!]= *"(?:create|delete|repair)"')


def test_no_verb_is_compared_outside_the_table():
    """The row of a verb in host/pipeline/verbs.cc has everything that the host wants to know of it. A route of the API says which verb it asks for."""
    wrong = []
    for folder, pattern in (("host/pipeline", VERB), ("host/store", VERB), ("host/api", COMPARED)):
        for path in sources(folder):
            name = os.path.relpath(path, ROOT)
            if is_test(path) or name == "host/pipeline/verbs.cc":
                continue
            with open(path, encoding="utf-8") as f:
                wrong += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(f, 1) if pattern.search(line.split("//")[0])]
    assert not wrong, "\n".join(wrong)
