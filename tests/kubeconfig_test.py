"""The client is tested with a table of kubeconfigs (host/kube/testdata), which says what kubectl does with each. Does kubectl do that?"""
import base64
import concurrent.futures
import os
import re
import subprocess

import pytest
import yaml

from integration.host import make_dir, remove_dir

SOURCE = os.environ.get("SLIPWAY_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(SOURCE, "host", "kube", "testdata")
PLUGIN = """#!/bin/sh
version=$(echo "$KUBERNETES_EXEC_INFO" | sed 's/.*"apiVersion":"\\([^"]*\\)".*/\\1/')
echo '{"apiVersion":"'$version'","kind":"ExecCredential","status":{"token":"x"}}'
"""


def shapes():
    out = []
    for name in sorted(os.listdir(TABLE)):
        with open(os.path.join(TABLE, name), encoding="utf-8") as f:
            out += yaml.safe_load(f)
    return out


def program(directory, name, text):
    with open(os.open(os.path.join(directory, "bin", name), os.O_CREAT | os.O_WRONLY, 0o755), "w") as f:
        f.write(text)


@pytest.fixture(scope="module")
def place():
    """A directory with everything that the kubeconfigs in the table refer to."""
    directory = make_dir()
    at = lambda name: os.path.join(directory, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", at("client.key"),
                    "-out", at("client.crt"), "-subj", "/CN=x", "-days", "2"], check=True, capture_output=True)
    os.symlink("client.crt", at("ca.crt"))
    with open(at("client.crt")) as crt, open(at("client.key")) as key, open(at("both.pem"), "w") as both:
        both.write(crt.read() + key.read())
    with open(at("token"), "w") as f:
        f.write("from-a-file\n")
    os.mkdir(at("bin"))
    for name in ("login", "aws", "gke-gcloud-auth-plugin", "kubelogin", "kubectl-oidc"):
        program(directory, name, PLUGIN)
    program(directory, "fails", "#!/bin/sh\nexit 1\n")
    yield directory
    remove_dir(directory)


def filled(text, directory):
    """Replaces {{ca}} and the like, as the head of the table says."""
    def fill(hole):
        name, how, indent = hole[1], hole[2], hole[3]
        if name == "dir":
            return os.path.basename(directory)
        with open(os.path.join(directory, {"ca": "ca.crt", "cert": "client.crt", "key": "client.key"}[name]), "rb") as f:
            value = base64.b64encode(f.read()).decode()
        end = {"": "", "|": "\n", "\\": "\\\n"}[how] + " " * int(indent or 0)
        return end.join(value[i:i + 64] for i in range(0, len(value), 64))
    return re.sub(r"\{\{(\w+)([|\\]?)(\d*)\}\}", fill, text)


def verdict(number, shape, directory):
    """What kubectl says about a request to a port where nobody listens."""
    path = os.path.join(directory, f"config{number}")
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(filled(shape["config"], directory))
    done = subprocess.run(["kubectl", "--kubeconfig", path, "get", "--raw", "/readyz", "--request-timeout", "5s"], capture_output=True, text=True, timeout=90,
                          stdin=subprocess.DEVNULL, check=False,
                          env={"PATH": f"{directory}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}", "HOME": directory})
    assert done.returncode != 0, done.stdout
    if "Please enter Username" in done.stdout:
        return "asks"
    if "refused" in done.stderr and "127.0.0.1:1" in done.stderr:
        return "takes"
    return done.stderr


def test_kubectl_says_what_the_table_says(place):
    version = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True, check=True, timeout=90).stdout
    minor = int(re.search(r'"minor": "(\d+)', version)[1])
    rows = [row for row in shapes() if minor >= row.get("since", 0)]
    assert len(rows) >= 55, f"kubectl 1.{minor} knows {len(rows)} rows only"
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for row, said in zip(rows, pool.map(lambda pair: verdict(*pair, place), enumerate(rows))):
            if row["kubectl"] != said and (row["kubectl"] in ("takes", "asks") or row["kubectl"] not in said):
                wrong.append(f"{row['name']}: the table says {row['kubectl']!r}, kubectl {said.strip()!r}")
    assert not wrong, "\n".join(wrong)


def test_each_row_says_where_it_comes_from_and_why_we_differ():
    for row in shapes():
        assert row["from"] and row["config"], row["name"]
        takes = row["kubectl"] in ("takes", "asks")
        differs = "ours" in row and (row["ours"] == "takes") != takes
        assert differs == ("because" in row), f"{row['name']}: `because` belongs to rows in which ours differs from kubectl's"
    assert len({row["name"] for row in shapes()}) == len(shapes())
