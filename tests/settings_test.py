"""2,000 mutations of a good configuration: the host refuses each with its place, or takes it as it is meant. A second reading of the same text, by PyYAML
and the table below, says what it means. SLIPWAY_SEED repeats a run."""
import json
import os
import random
import re
import string
import subprocess

import pytest
import yaml

from integration.host import BUILD, make_dir, outer_environment, remove_dir

SEED = int(os.environ.get("SLIPWAY_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
SHA = "0123456789abcdef" * 4
CONFIG = f"""# a comment
listen:
  address: 127.0.0.1
  port: 7420
data_dir: /var/lib/slipway
engines_dir: engines.d
tiers_file: tiers.yaml
master_key_file: "/etc/slipway/master.key"
kubernetes:
  in_cluster: false     # a comment
  kubeconfig: kubeconfig
  context: ""
  request_timeout_ms: 10000
log:
  level: info
  format: auto
workers: 16
api: {{workers: 8, require_idempotency_key: false}}
drain_ms: 10000
engine_call_timeout_ms: 2000
login_timeout_ms: 5000
address_timeout_ms: 60000
stage_timeout_seconds:
  default: 600
  WAITING_FOR_READY: 1800
backup_stores:
  - {{name: main, default: true, url: "s3://bucket/prefix", endpoint: https://s3.example.org, region: eu-1, ca_file: ca.pem, credentials_file: keys, keep_deleted_days: 7, drill_days: 3}}
  - name: second
    default: false
    url: s3://other
    credentials_file: /etc/keys
tokens:
  - name: ci
    sha256: {SHA}
    role: editor
    organizations: [acme, "*"]
  - {{name: ops, sha256: "{SHA[::-1]}", role: admin, organizations: ["*"]}}
"""
TIERS = """tiers:
  FREE: {instances: 1, storage: 5Gi, memory: 512Mi, cpu: 500m, pod_monitor: false}
  STANDARD:
    instances: 3
    storage: 50Gi
    memory: 4Gi
    cpu: "2"
    pod_monitor: true
  ENTERPRISE: {instances: 5, storage: 500Gi, memory: 16Gi, cpu: 4, pod_monitor: true}
"""
VALUES = ["x", "5", "-1", "0", "1.5", "true", "False", "yes", "no", "on", "~", "null", "", "[]", "{}", "[a]", "[1]", "[[]]", "{a: b}", '"5"', "'true'", '""',
          "99999999999999999999", "-9223372036854775808", "0x10", "010", "1_000", "1e3", "+7", "+-7", ".5", ".inf", "2024-01-01", "12:30", "70000", "256", "257",
          "!!str 5", "!!int x", "!secret x", "&a 5", "*a", "|\n    text", ">-\n    folded", '"a\\tb"', "info", "warn", "json", "admin", "/nonexistent/x", "../x", "500m", "-5Gi", "5 Gi",
          "a # b", "a: b", "'it''s'", "@x", "%x", "`x`", "? x", "- x", "a\tb"]


class Invalid(Exception):
    pass


class Core(yaml.SafeLoader):
    """YAML 1.2's plain scalars instead of PyYAML's 1.1, without hexadecimals and octals. A repeated key is a mistake."""
    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if len(keys) != len(set(keys)):
            raise Invalid("a key comes twice")
        return super().construct_mapping(node, deep)


for tag, pattern, first in (("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]), ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
                            ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
                            ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+0123456789.")), ("merge", r"^<<$", ["<"])):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
Core.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))
Core.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))
for tag in ("binary", "timestamp", "omap", "pairs", "set"):
    Core.add_constructor(f"tag:yaml.org,2002:{tag}", None)


def need(condition, what="a rule"):
    if not condition:
        raise Invalid(what)


def text(value):
    need(isinstance(value, str), "a string")
    return value


def flag(value):
    need(isinstance(value, bool), "true or false")
    return value


def integer(low, high):
    def read(value):
        need(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high, f"{low} to {high}")
        return value
    return read


def choice(*words):
    def read(value):
        need(text(value) in words, words)
        return value
    return read


SETTINGS = {
    "listen.address": (text, "127.0.0.1"), "listen.port": (integer(0, 65535), 7420), "data_dir": (text, ""), "engines_dir": (text, ""), "tiers_file": (text, ""),
    "master_key_file": (text, ""), "kubernetes.kubeconfig": (text, ""), "kubernetes.context": (text, ""), "kubernetes.in_cluster": (flag, False),
    "kubernetes.request_timeout_ms": (integer(100, 300000), 10000), "log.level": (choice("debug", "info", "warn", "error"), "info"),
    "log.format": (choice("auto", "json", "human"), "auto"), "workers": (integer(1, 256), 16), "api.workers": (integer(1, 256), 8),
    "api.require_idempotency_key": (flag, False), "drain_ms": (integer(0, 600000), 10000), "engine_call_timeout_ms": (integer(10, 60000), 2000),
    "login_timeout_ms": (integer(100, 60000), 5000), "address_timeout_ms": (integer(0, 600000), 60000),
}
PATHS = ("data_dir", "engines_dir", "tiers_file", "master_key_file", "kubernetes.kubeconfig")
STAGES = {"default", "VALIDATING", "NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_GEN", "BACKUP_CONFIG", "METRICS_SETUP",
          "CRD_DELETION", "RESOURCE_CLEANUP", "NAMESPACE_DELETION", "BACKUP", "RESTORE"}
UNITS = {"": 1, "m": 0.001, **{u: 1000 ** (i + 1) for i, u in enumerate("kMGTP")}, **{u + "i": 1024 ** (i + 1) for i, u in enumerate("KMGTP")}}


def mapping(value):
    need(value is None or isinstance(value, dict), "a mapping")
    need(all(isinstance(key, (str, int, float, bool, type(None))) for key in value or {}), "plain keys")
    return value or {}


def quantity(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        need(0.001 <= value < 1e15, "more than 0")
        return value
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-zA-Z]*)", text(value))
    need(found and found[2] in UNITS and 0 < float(found[1]) * UNITS[found[2]] < 9e15, "a quantity that a tier can have")
    return value


def tiers(data):
    top = mapping(data)
    need(set(top) <= {"tiers"} and mapping(top.get("tiers")), "tiers")
    out = {}
    for name, value in top["tiers"].items():
        tier = mapping(value)
        need(name != "" and set(tier) <= {"instances", "storage", "memory", "cpu", "pod_monitor"}, "keys of a tier")
        out[str(name)] = {"instances": integer(1, 9)(tier.get("instances")), **{key: quantity(tier.get(key)) for key in ("storage", "memory", "cpu")},
                          "pod_monitor": False if tier.get("pod_monitor") is None else flag(tier["pod_monitor"])}
    return out


def token(value):
    token = mapping(value)
    need(set(token) <= {"name", "sha256", "role", "organizations"}, "keys of a token")
    need(text(token.get("name")) and re.fullmatch("[0-9a-f]{64}", text(token.get("sha256"))), "name and sha256")
    organizations = token.get("organizations")
    need(isinstance(organizations, list) and organizations and all(text(o) for o in organizations), "organizations")
    return {**token, "role": choice("admin", "editor", "viewer")(token.get("role"))}


def store(value, directory):
    given = mapping(value)
    need(set(given) <= {"name", "default", "url", "endpoint", "region", "ca_file", "credentials_file", "keep_deleted_days", "drill_days"}, "keys of a store")
    out = {key: "" if given.get(key) is None else text(given[key]) for key in ("name", "url", "endpoint", "region", "ca_file", "credentials_file")}
    out["default"] = False if given.get("default") is None else flag(given["default"])
    out["drill_days"] = 0 if given.get("drill_days") is None else integer(0, 365)(given["drill_days"])
    out["keep_deleted_days"] = 30 if given.get("keep_deleted_days") is None else integer(0, 3650)(given["keep_deleted_days"])
    need(re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", out["name"]), "a name")
    need(re.fullmatch(r"(s3://[-\w.=][-\w/.=]{2,}|file:///[-\w/.=]+)", out["url"], re.A) and ".." not in out["url"], "a URL")
    need(not out["endpoint"] or len(out["endpoint"]) > 8 and re.fullmatch(r"https?://[^ \t\n\"']+", out["endpoint"]), "an endpoint")
    need(out["credentials_file"] or not out["url"].startswith("s3:"), "keys")
    for key in ("ca_file", "credentials_file"):
        out[key] = out[key] and os.path.normpath(os.path.join(directory, out[key]))
    return out


def meaning(data, directory):
    """The settings that the data express, as README and config/slipway.yaml describe them. Raises Invalid."""
    out = {key: default for key, (_, default) in SETTINGS.items()}
    sections = {key.split(".")[0] for key in SETTINGS if "." in key}
    stages, tokens, stores = {"default": 600, "WAITING_FOR_READY": 1800, "BACKUP": 14400, "RESTORE": 86400}, [], []
    for key, value in mapping(data).items():
        if key in sections:
            for name, inner in mapping(value).items():
                need(f"{key}.{name}" in SETTINGS, f"{key}.{name} is a setting")
                if inner is not None:
                    out[f"{key}.{name}"] = SETTINGS[f"{key}.{name}"][0](inner)
        elif key == "tokens":
            need(value is None or isinstance(value, list), "a list")
            tokens = [token(item) for item in value or []]
        elif key == "backup_stores":
            need(value is None or isinstance(value, list), "a list")
            stores = [store(item, directory) for item in value or []]
            need(len({s["name"] for s in stores}) == len(stores) and sum(s["default"] for s in stores) < 2, "names, and one default")
            if len(stores) == 1 and value[0].get("default") is None:
                stores[0]["default"] = True
        elif key == "stage_timeout_seconds":
            for stage, seconds in mapping(value).items():
                need(stage in STAGES, "a stage")
                if seconds is not None:
                    stages[stage] = integer(1, 7 * 86400)(seconds)
        else:
            need(key in SETTINGS, f"{key} is a setting")
            if value is not None:
                out[key] = SETTINGS[key][0](value)
    need(out["listen.address"], "an address")
    need(not (out["kubernetes.in_cluster"] and (out["kubernetes.kubeconfig"] or out["kubernetes.context"])), "one cluster")
    for key in PATHS:
        if out[key]:
            out[key] = os.path.normpath(os.path.join(directory, out[key]))
    out.update(stage_timeout_seconds=stages, tokens=tokens, backup_stores=stores)
    if out["tiers_file"]:
        need(os.path.isfile(out["tiers_file"]), "a file of tiers")
        with open(out["tiers_file"], encoding="utf-8") as f:
            out["tiers"] = tiers(yaml.load(f, Core))
    else:
        out["tiers"] = tiers({"tiers": {"FREE": {"instances": 1, "storage": "5Gi", "memory": "512Mi", "cpu": "500m"},
                                        "STANDARD": {"instances": 3, "storage": "50Gi", "memory": "4Gi", "cpu": "2", "pod_monitor": True},
                                        "ENTERPRISE": {"instances": 5, "storage": "500Gi", "memory": "16Gi", "cpu": "4", "pod_monitor": True}}})
    return out


def mutate(good, rng):
    """One or two changes of a kind that people, editors and templates make."""
    lines = good.splitlines()
    for _ in range(rng.choice((1, 1, 1, 2))):
        at = rng.randrange(len(lines))
        line = lines[at]
        kind = rng.choice(("value", "value", "value", "key", "delete", "comment", "section", "indent", "repeat", "swap", "letter", "letter", "list"))
        if kind == "value" and ":" in line:
            places = list(re.finditer(r"([\w.]+): *([^,{}\[\]#]*)", line))
            if places:
                place = rng.choice(places)
                lines[at] = line[:place.start()] + place[1] + ": " + rng.choice(VALUES) + line[place.end():]
        elif kind == "key" and ":" in line:
            i = rng.randrange(line.index(":") + 1)
            lines[at] = line[:i] + rng.choice(("", rng.choice(string.ascii_lowercase))) + line[i + rng.randrange(2):]
        elif kind == "delete" and len(lines) > 2:
            del lines[at]
        elif kind == "comment":
            lines[at] = "#" + line
        elif kind == "section":
            while at + 1 < len(lines) and lines[at + 1].startswith(" "):
                at += 1
                lines[at] = "#" + lines[at]
        elif kind == "indent":
            lines[at] = rng.choice((" ", "  ", "    ", "\t")) + line if rng.random() < 0.6 else line[rng.choice((1, 2)):]
        elif kind == "repeat":
            lines.insert(rng.randrange(len(lines)), line)
        elif kind == "swap":
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == "letter":
            i = rng.randrange(len(line) + 1)
            lines[at] = line[:i] + rng.choice(("", rng.choice(string.printable[:95]))) + line[i + rng.randrange(2):]
        elif kind == "list":
            lines[at] = re.sub(r"^( *)", r"\1- ", line)
    return "\n".join(lines) + "\n"


def second_reading(text, directory, which):
    """(its meaning, None), or (None, the reason why it has none)."""
    try:
        try:
            data = yaml.load(text, Core)
        except yaml.scanner.ScannerError as e:
            # PyYAML accepts no tab between two words of its grammar, and only letters, digits, - and _ in the name of an anchor; YAML does.
            if "'\\t' that cannot start" in str(e):
                text = text.replace("\t", " ")
            elif e.context in ("while scanning an anchor", "while scanning an alias"):
                text = re.sub(r"(?<=\s)[&*][^\s,\[\]{}]+", lambda name: name[0][0] + re.sub("[^A-Za-z0-9_-]", "_", name[0][1:]), text)
            else:
                raise
            data = yaml.load(text, Core)
        return (meaning(data, directory) if which == "config" else tiers(data)), None
    except (Invalid, yaml.YAMLError, TypeError, ValueError) as e:
        return None, e


def comparable(settings):
    """Paths without a slash at their end; quantities as numbers where they were written as quantities."""
    out = json.loads(json.dumps(settings).replace("\\t", " "))
    for key in PATHS:
        if out.get(key):
            out[key] = os.path.normpath(out[key])
    for tier in out.get("tiers", {}).values():
        for key in ("storage", "memory", "cpu"):
            if re.fullmatch(r"[0-9.eE+-]+", str(tier[key])):
                tier[key] = float(tier[key])
    return out


def is_syntax(problem):
    """A complaint of the YAML parser itself, which is sometimes stricter than PyYAML, names no setting."""
    return re.search(r":\d+:\d+: (?:[\w.\[\]]+ )?(?:must|is|cannot) ", problem) is None


@pytest.mark.parametrize("which,good,count", [("config", CONFIG, 1600), ("tiers", TIERS, 400)], ids=["config", "tiers"])
def test_each_mutation_is_refused_with_its_place_or_means_what_it_says(which, good, count):
    print(f"SLIPWAY_SEED={SEED}")
    rng = random.Random(SEED)
    directory = make_dir()
    try:
        config, tiers_file = os.path.join(directory, "slipway.yaml"), os.path.join(directory, "tiers.yaml")
        for path, content in ((config, CONFIG), (tiers_file, TIERS)):
            with open(path, "w", encoding="utf-8") as f:
                f.write(content)
        texts = [good] + [mutate(good, rng) for _ in range(count)]
        done = subprocess.run([os.path.join(BUILD, "tests", "settings_probe"), config if which == "config" else tiers_file, config], input=json.dumps(texts),
                              capture_output=True, text=True, timeout=600, check=True)
        read = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(read) == len(texts)
        wrong, taken = [], 0
        for mutation, ours in zip(texts, read):
            means, why = second_reading(mutation, directory, which)
            problems = ours["problems"]
            show = "\n".join(f"{i:3} {line}" for i, line in enumerate(mutation.splitlines(), 1))
            if problems:
                placed = all(re.match(re.escape(config if which == "config" else tiers_file) + r":\d+:\d+: ", p) for p in problems)
                if not placed:
                    wrong.append(f"without a place: {problems}\n{show}")
                elif means is not None and not any(is_syntax(p) for p in problems):
                    wrong.append(f"refused, though good: {problems}\n{show}")
                continue
            taken += 1
            seen = comparable(ours["settings"] if which == "config" else {"tiers": ours["settings"]["tiers"]})
            if means is None:
                wrong.append(f"taken, though wrong: {why}\n{show}")
            elif seen != comparable(means if which == "config" else {"tiers": means}):
                wrong.append(f"means another thing: {seen}\n{show}")
        assert not read[0]["problems"], "the good one"
        assert not wrong, f"SLIPWAY_SEED={SEED}: {len(wrong)} of {len(texts)}\n" + "\n".join(wrong[:5])
        assert count / 20 < taken < count * 19 / 20, f"{taken} of {count} were taken: the mutations are too wild or too tame"
    finally:
        remove_dir(directory)


def test_the_shipped_configuration_says_the_defaults():
    directory = make_dir()
    try:
        source = os.environ.get("SLIPWAY_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        for name in ("slipway.yaml", "tiers.yaml"):
            with open(os.path.join(source, "config", name), encoding="utf-8") as f, open(os.path.join(directory, name), "w", encoding="utf-8") as copy:
                copy.write(f.read())
        with open(os.path.join(directory, "slipway.yaml"), encoding="utf-8") as f:
            texts = [f.read(), "{}"]
        done = subprocess.run([os.path.join(BUILD, "tests", "settings_probe"), os.path.join(directory, "x.yaml"), os.path.join(directory, "x.yaml")],
                              input=json.dumps(texts), capture_output=True, text=True, timeout=60, check=True)
        shipped, default = (json.loads(line)["settings"] for line in done.stdout.splitlines())
        for key in ("data_dir", "engines_dir", "tiers_file", "master_key_file"):  # the places of an installation
            assert shipped.pop(key) and not default.pop(key)
        assert shipped == default
    finally:
        remove_dir(directory)


def test_check_config_names_everything_that_a_start_would_meet():
    directory = make_dir()
    try:
        def check(**environment):
            done = subprocess.run([os.path.join(BUILD, "bin", "slipwayd"), "--check-config", "-c", os.path.join(directory, "slipway.yaml")],
                                  env={**outer_environment(), **environment}, capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, (done.stdout + done.stderr).replace(directory, "DIR")

        def write(name, content):
            with open(os.open(os.path.join(directory, name), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
                f.write(content)
        write("master.key", "k1:" + "A" * 43 + "=\n")
        write("kubeconfig", "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: 'https://10.0.0.1'}}]\n"
                            "users: [{name: u, user: {tokenFile: token}}]\n")
        write("token", "t")
        os.mkdir(os.path.join(directory, "engines.d"))
        write("slipway.yaml", "listen: {port: 0}\ndata_dir: state\nengines_dir: engines.d\nmaster_key_file: master.key\nkubernetes: {kubeconfig: kubeconfig}\n")
        assert check() == (0, "configuration is good\n")
        code, said = check(SLIPWAY_LISTEN_PROT="1", SLIPWAY_WORKERS="many")
        assert code == 1 and said == ("SLIPWAY_WORKERS: must be an integer from 1 to 256\nSLIPWAY_LISTEN_PROT: is not a setting; did you mean SLIPWAY_LISTEN_PORT?\n"), said
        os.unlink(os.path.join(directory, "token"))
        write("engines.d/x.yaml", "name: x\npath: gone.so\nenabled: true\n")
        write("slipway.yaml", "listen: {address: 192.0.2.7}\ndata_dir: master.key/x\nengines_dir: engines.d\nmaster_key_file: gone.key\nkubernetes: {kubeconfig: kubeconfig}\n"
                              "tokens: x\nstage_timeout_seconds: 5\nlog:\n#  level: info\n")
        code, said = check()
        for place in ("DIR/slipway.yaml:1:10: listen.address: cannot listen on 192.0.2.7:7420", "DIR/slipway.yaml:2:1: data_dir: DIR/master.key is not a directory",
                      "DIR/engines.d/x.yaml", "DIR/slipway.yaml:4:1: master_key_file: DIR/gone.key: no such file",
                      'DIR/slipway.yaml:5:14: kubernetes.kubeconfig: DIR/kubeconfig:4:26: context "c", user "u": tokenFile cannot be read: DIR/token: No such file or directory',
                      "DIR/slipway.yaml:6:1: tokens must be a list, not a string", "DIR/slipway.yaml:7:1: stage_timeout_seconds must be a mapping, not an integer"):
            assert place in said, said
        assert code == 1 and len(said.splitlines()) == 7, said
    finally:
        remove_dir(directory)
