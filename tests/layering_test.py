"""Modules form a DAG: every #include of ours is checked against the one table below."""
import os
import re

ROOT = os.environ.get("SLIPWAY_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# module → modules it may include, besides itself. Arrows only go down.
ALLOWED = {
    "base": set(),
    "http": {"base"},
    "kube": {"base"},
    "store": {"base"},
    "connect": {"base"},
    "engine": {"base"},
    "pipeline": {"base", "engine", "kube", "store", "connect"},
    "sim": {"base", "kube", "http"},
    "api": {"base", "engine", "store", "pipeline", "http"},
    "app": {"base", "http", "engine", "kube", "store", "pipeline", "api", "sim"},
}
# third party header → modules that may include it
THIRD_PARTY = {
    "pistache/": {"http"}, "http_parser.h": {"http"}, "curl/": {"kube", "sim"}, "sqlite3.h": {"store"}, "libpq-fe.h": {"connect", "sim"},
    "mysql.h": {"connect"}, "mysqld_error.h": {"connect"}, "errmsg.h": {"connect"}, "mongoc/": {"connect"}, "bson/": {"connect"},
    "boost/": {"engine"}, "rapidjson/": {"base"}, "openssl/": {"base", "connect", "sim"}, "yaml-cpp/": {"base"}, "prometheus/": {"base"}, "CLI/": {"app", "sim"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
OPERATOR_WORDS = re.compile(r"(?i:cnpg|cloudnativepg|barman|vitess|planetscale|mongodbcommunity|mongodb\.com)|(?:POSTGRESQL|MYSQL|MONGODB)")
# The behaviours of the development cluster and the definitions it serves for them.
BEHAVIOURS = re.compile(r"host/sim/(?:(?:cnpg|mongodb|vitess)/|behaviours?\.|crds?[_.]|CMakeLists)")


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
        for path in sources("host/" + module):
            for bracket, name in includes(path):
                top = name.split("/")[0]
                if bracket == '"' and "/" in name and top in ALLOWED and top != module and top not in allowed:
                    wrong.append(f"{os.path.relpath(path, ROOT)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_third_party_headers_stay_in_their_module_and_out_of_headers():
    wrong = []
    for module in ALLOWED:
        for path in sources("host/" + module):
            for _, name in includes(path):
                for prefix, homes in THIRD_PARTY.items():
                    if name.startswith(prefix) and (module not in homes and not is_test(path)):
                        wrong.append(f"{os.path.relpath(path, ROOT)} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_plugins_see_the_sdk_only():
    wrong = [f"{os.path.relpath(path, ROOT)} includes {name}" for path in sources("plugins") for bracket, name in includes(path)
             if name.split("/")[0] in ALLOWED]
    assert not wrong, "\n".join(wrong)


def test_the_kit_sees_the_sdk_only_and_hides_its_parser():
    wrong = []
    for path in sources("sdk/kit"):
        for bracket, name in includes(path):
            parser = name.startswith("rapidjson/") and path.endswith("json.cc")
            if bracket == '"' or ("/" in name and not name.startswith("slipway/") and not parser):
                wrong.append(f"{os.path.relpath(path, ROOT)} includes {name}")
    for path in sources("host"):
        wrong += [f"{os.path.relpath(path, ROOT)} includes {name}" for _, name in includes(path) if name.startswith("slipway/kit")]
    assert not wrong, "\n".join(wrong)


def test_operators_are_named_by_the_simulators_behaviours_only():
    """No operator, API group of one or databaseType by name: not in code, comments or tests of the host."""
    wrong = []
    for where, _, names in os.walk(os.path.join(ROOT, "host")):
        for path in (os.path.relpath(os.path.join(where, name), ROOT) for name in names):
            if BEHAVIOURS.match(path):
                continue
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                wrong += [f"{path}:{number}: {line.strip()}" for number, line in enumerate(f, 1) if OPERATOR_WORDS.search(line)]
    assert not wrong, "\n".join(wrong)
