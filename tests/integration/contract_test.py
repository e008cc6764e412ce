"""/openapi.json describes what the host does: schemathesis looks for contradictions, with instances in every state."""
import json
import os
import random
import subprocess

import pytest

from integration.engines_test import Engines, library
from integration.host import Behaviours, Host, Sim, make_dir, remove_dir, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = int(os.environ.get("SLIPWAY_CONTRACT_EXAMPLES", "8"))
SEED = int(os.environ.get("SLIPWAY_CONTRACT_SEED", "20251129"))


class World:
    """A host with one instance in each state. The operators stop once these are made: everything then stays as it is, except for requests to the API."""

    def __init__(self):
        self.data = make_dir()
        os.chmod(self.data, 0o755)
        engines = Engines(self.data)
        engines.install(library("bad"))
        self.sim = Sim(os.path.join(self.data, "sim"), databases=False, extra=("--no-behaviours",), fast=True)
        self.behaviours = Behaviours(self.sim.kubeconfig, self.data, databases=False, fast=True)
        self.host = Host(os.path.join(self.data, "host"), self.sim, engines=engines.dir).start()
        self.instances, self.operations = {}, {}

    def state_of(self, instance):
        return self.host.call("GET", f"/v1/instances/{instance}").json["status"]["state"]

    def make(self, project, state, **more):
        """Makes an instance that gets into the state and notes its id under the state's name."""
        created = self.host.create(project, **more)
        assert created.status == 202, created.body
        instance = created.json["target"]["id"]
        self.instances[state], self.operations[project] = instance, created.json["id"]
        return instance, created.json["id"]

    def delete(self, instance, name):
        deleted = self.host.call("DELETE", f"/v1/instances/{instance}")
        assert deleted.status == 202, deleted.body
        self.operations[name] = deleted.json["id"]
        return deleted.json["id"]

    def populate(self):
        host, sim = self.host, self.sim
        for method, project, answer in (("PATCH", "early", 503), ("PATCH", "refused", 422), ("DELETE", "stuck", 503)):
            sim.fault(match={"method": method, "path": f"/namespaces/acme-{project}/clusters/"}, action="status", status=answer)
        self.make("early", "PROVISIONING")
        _, refused = self.make("refused", "FAILED", onFailure="RETAIN")
        _, blocked = self.make("later-throw", "BLOCKED", database=BAD)
        _, active = self.make("active", "ACTIVE")
        worse, second = self.make("worse", "DEGRADED")
        stuck, third = self.make("stuck", "DELETING")
        gone, fourth = self.make("gone", "DELETED")
        _, fifth = self.make("bare", "WITHOUT CREDENTIALS", database=BAD)
        for operation in (active, second, third, fourth, fifth):
            assert host.finish(operation)["state"] == "SUCCEEDED"
        assert host.finish(refused)["rollback"]["state"] == "RETAINED"
        assert host.finish(blocked)["state"] == "BLOCKED"
        assert host.finish(self.delete(gone, "delete-gone"))["state"] == "SUCCEEDED"
        self.delete(stuck, "delete-stuck")
        self.behaviours.stop()
        lost = {"status": {"phase": "Cluster is unrecoverable and needs manual intervention"}}
        path = "/apis/postgresql.cnpg.io/v1/namespaces/acme-worse/clusters/worse/status"
        assert sim.call("PATCH", path, lost, {"Content-Type": "application/merge-patch+json"}).status == 200
        wait_for(lambda: self.state_of(worse) == "DEGRADED", 60, "the cluster that is lost to be seen")
        for state in ("PROVISIONING", "ACTIVE", "DEGRADED", "FAILED", "DELETING", "DELETED"):
            assert self.state_of(self.instances[state]) == state
        return self

    def stop(self):
        self.sim.clear_faults()  # the host waits before it tries a call again
        self.host.stop()
        self.sim.stop()
        remove_dir(self.data)


class BAD:
    """An engine that names no credentials; certain words in a request make it misbehave."""
    type = "BAD"


@pytest.fixture(scope="module")
def world():
    made = World()
    yield made.populate()
    made.stop()


def configuration(world):
    """Makes schemathesis ask mostly for ids that exist in the world."""
    def values(name, items):
        return f"[dictionaries.{name}]\nvalues = {json.dumps(list(items))}\n"

    def bound(path, **parameters):
        bindings = ", ".join(f'"{key.replace("_", ".", 1)}" = {{dictionary = "{name}", probability = 0.8}}' for key, name in parameters.items())
        return f'[[operations]]\ninclude-path-regex = "{path}"\nparameters = {{{bindings}}}\n'

    return "\n".join((
        f'hooks = "{HERE}/../contract/checks.py"', 'request-timeout = 30',
        # 412: a body may be wrong in addition to the entity tag, which is checked first.
        '[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 415, 422, 428, 429]',
        "[phases.stateful]\nmax-steps = 6",
        values("instances", world.instances.values()), values("operations", world.operations.values()), values("engines", ["postgres-cnpg", "bad"]),
        bound("^/v1/instances/", path_id="instances"), bound("^/v1/operations/", path_id="operations"), bound("^/v1/engines/", path_name="engines"),
        bound("^/v1/operations$", query_instanceId="instances")))


def test_an_instance_whose_engine_names_no_credentials_says_so(world):
    """It does not say that they are still to come."""
    bare = world.host.call("GET", f"/v1/instances/{world.instances['WITHOUT CREDENTIALS']}/credentials")
    assert bare.status == 404 and bare.json["code"] == "NO_CREDENTIALS" and "names no credentials" in bare.json["detail"], bare.body
    early = world.host.call("GET", f"/v1/instances/{world.instances['PROVISIONING']}/credentials")
    assert early.status == 409 and early.json["code"] == "NO_CREDENTIALS_YET", early.body


@pytest.mark.parametrize("word,reason", [("throw", "EngineThrew"), ("garbage", "BadDocument"), ("nothing", "BadDocument"), ("unexplained", "Unexplained")])
def test_an_engine_that_fails_is_named_and_is_not_the_host(world, word, reason):
    answer = world.host.create(word, database=BAD)
    assert answer.status == 502 and answer.json["code"] == "ENGINE_MISBEHAVED" and reason in answer.json["detail"], answer.body
    assert answer.json["title"] == "The engine bad failed" and answer.json["engine"] == "bad", answer.body


def test_every_post_keeps_its_idempotency_key(world):
    host = world.host
    key = {"Idempotency-Key": "once"}
    for path in (f"/v1/instances/{world.instances['ACTIVE']}/repair", f"/v1/operations/{world.operations['delete-stuck']}/retry"):
        first = host.call("POST", path, None, key)
        assert first.status == 202 and "idempotency-replayed" not in first.headers, first.body
        again = host.call("POST", path, None, key)
        assert again.status == 202 and again.headers.get("idempotency-replayed") == "true" and again.json["id"] == first.json["id"], again.body
    repaired = host.call("GET", "/v1/operations?verb=repair").json["items"]
    assert [o["target"]["id"] for o in repaired] == [world.instances["ACTIVE"]]
    assert host.finish(repaired[0]["id"])["state"] == "SUCCEEDED"


def test_a_repair_wants_an_instance_that_stands(world):
    for state, status, code in (("PROVISIONING", 409, "OPERATION_IN_PROGRESS"), ("FAILED", 409, "WRONG_STATE"), ("DELETED", 404, "INSTANCE_NOT_FOUND")):
        answer = world.host.call("POST", f"/v1/instances/{world.instances[state]}/repair")
        assert answer.status == status and answer.json["code"] == code, f"{state}: {answer.body}"


def test_the_audit_records_say_who_did_what(world):
    host, active = world.host, world.instances["ACTIVE"]
    read = host.call("GET", f"/v1/instances/{active}/credentials", headers={"X-Request-Id": "who-read-it"})
    assert read.status == 200, read.body
    shown = host.call("GET", f"/v1/audit-records?targetId={active}").json["items"]
    assert (shown[0]["action"], shown[0]["actor"], shown[0]["requestId"]) == ("credentials.read", "test", "who-read-it"), shown
    assert shown[-1]["action"] == "instance.create" and read.json["password"] not in json.dumps(shown)
    assert host.call("GET", f"/v1/audit-records?targetId={active}&until={shown[-1]['at']}").json["items"] == []
    assert host.call("GET", f"/v1/audit-records?targetId={active}&since={shown[0]['at']}&action=credentials.read").json["items"] == shown[:1]
    page = host.call("GET", "/v1/audit-records?pageSize=1").json
    following = host.call("GET", f"/v1/audit-records?pageSize=1&pageToken={page['nextPageToken']}").json
    assert int(following["items"][0]["id"]) < int(page["items"][0]["id"])
    refused = host.call("GET", "/v1/audit-records", token="test-token-viewer")
    assert refused.status == 403, refused.body


def test_what_schemathesis_does_not_send_is_refused_with_a_declared_reason(world):
    """The host's checker compares each answer with the document, including the reason."""
    host, active = world.host, world.instances["ACTIVE"]
    path, json_type = f"/v1/instances/{active}", {"Content-Type": "application/json; charset=latin1"}
    for method, target, body, headers, status in (
            ("POST", "/v1/instances", {}, json_type, 415), ("PATCH", path, {}, {}, 415), ("POST", "/v1/instances", b"{", {}, 400),
            ("POST", "/v1/instances", {}, {"Idempotency-Key": ""}, 400), ("GET", "/v1/instances?pageSize=501", None, {}, 400),
            ("GET", "/v1/operations?nothing=1", None, {}, 400), ("GET", f"/v1/operations/{world.operations['active']}?waitSeconds=61", None, {}, 400),
            ("GET", "/v1/instances?databaseType=postgresql", None, {}, 400), ("GET", "/v1/instances/INS", None, {}, 404),
            ("PATCH", path, {"version": "17"}, {"Content-Type": "application/merge-patch+json"}, 501),
            ("PATCH", path, {"orgId": "x"}, {"Content-Type": "application/merge-patch+json"}, 422),
            ("DELETE", path, None, {"If-Match": '"x"'}, 412), ("POST", f"/v1/operations/{world.operations['active']}/cancel", {"a": 1}, {}, 422),
            ("POST", f"/v1/operations/{world.operations['delete-stuck']}/cancel", None, {}, 409),
            ("POST", f"/v1/operations/{world.operations['active']}/retry", None, {}, 409)):
        answer = host.call(method, target, body, headers)
        assert answer.status == status, f"{method} {target}: {answer.status} {answer.body}"
    utf8 = {"Content-Type": "application/merge-patch+json; Charset=\"UTF8\""}
    assert host.call("PATCH", path, {"labels": {"team": "a"}}, utf8).status == 200


def test_the_document_is_what_the_host_does(world):
    """This test is the last one, because it deletes everything that it finds."""
    program = subprocess.run([os.path.join(HERE, "..", "contract", "build")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    config = os.path.join(world.data, "schemathesis.toml")
    with open(config, "w", encoding="utf-8") as f:
        f.write(configuration(world))
    command = [program, "--config-file", config, "run", f"http://127.0.0.1:{world.host.port}/openapi.json", "--checks", "all",
               "--exclude-checks", "positive_data_acceptance,use_after_free", "--phases", "examples,coverage,fuzzing,stateful",
               "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-database", "none", "--no-color", "--warnings", "off",
               "--header", f"Authorization: Bearer {world.host.token}"]
    done = subprocess.run(command, cwd=world.data, capture_output=True, text=True)
    print(f"SLIPWAY_CONTRACT_SEED={SEED}\n{done.stdout[-30000:]}{done.stderr[-3000:]}")
    assert done.returncode == 0, "schemathesis found something; what, and how to ask for it again, stands above"
