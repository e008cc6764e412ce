"""Every failure by its name: what the operator says, and what it never says."""
import pytest

from engine_toy import NOW, Engine, check_durations, condition, step_input
from mongodb_toy import Toy, access, claim, healthy, pod, replica_set, stateful_set

REFUSED = ("Error deploying MongoDB ReplicaSet: error creating/updating StatefulSet: error creating/updating "
           "StatefulSet: StatefulSet.apps \"%s\" is invalid: spec: Forbidden: updates to statefulset spec for fields "
           "other than 'replicas', 'ordinals', 'template' are forbidden")


@pytest.fixture(scope="module")
def engine():
    it = Engine()
    yield it
    it.close()


def judge(engine, seen, now=NOW):
    document = step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen)
    return engine.ok("step", document, now)["verdict"]


def trouble(waiting=None, scheduled=None, init=False):
    it = pod(1, ready=False, agent=None)
    if waiting:
        status = {"name": "it", "ready": False, "state": {"waiting": {"reason": waiting, "message": "told by the kubelet"}}}
        it["status"]["initContainerStatuses" if init else "containerStatuses"] = [status]
    if scheduled:
        it["status"]["containerStatuses"] = []
        it["status"]["conditions"][0] = condition("PodScheduled", "False", "Unschedulable", scheduled)
    return it


# The operator says "not yet ready" to all of these, for ever.
SILENT = {
    "image": ([trouble("ImagePullBackOff")], "Pod", "orders-1", "ImagePullBackOff"),
    "image of an init container": ([trouble("ErrImagePull", init=True)], "Pod", "orders-1", "ErrImagePull"),
    "crash": ([trouble("CrashLoopBackOff")], "Pod", "orders-1", "CrashLoopBackOff"),
    "secret of a pod": ([trouble("CreateContainerConfigError")], "Pod", "orders-1", "CreateContainerConfigError"),
    "cpu": ([trouble(scheduled="0/3 nodes are available: 3 Insufficient cpu.")], "Pod", "orders-1", "Unschedulable"),
    "storage class": ([claim(1, "Pending"), trouble(scheduled="pod has unbound immediate PersistentVolumeClaims")],
                      "PersistentVolumeClaim", "data-volume-orders-1", "VolumePending"),
    "lost volume": ([claim(1, "Lost")], "PersistentVolumeClaim", "data-volume-orders-1", "VolumeLost"),
    "rights too small": ([pod(1, ready=False, agent=None)], "Pod", "orders-1", "AgentNotReporting"),
    "agent at work": ([pod(1, ready=False, agent="-1")], "Pod", "orders-1", "NotReady"),
    "no pod": ([], "StatefulSet", "orders", "PodNotCreated"),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_the_operator_never_says_is_named(engine, name):
    extra, kind, object_name, reason = SILENT[name]
    seen = access() + [replica_set(3, "Pending", confirmed=False), stateful_set(3, 1), pod(0), claim(0)] + extra
    got = judge(engine, seen)
    assert got["state"] == "progressing"
    assert got["waitingFor"] == {"kind": kind, "namespace": "acme-orders", "name": object_name, "reason": reason}


@pytest.mark.parametrize("missing", ["ServiceAccount", "Role", "RoleBinding"])
def test_missing_rights_are_named_and_sent_again(engine, missing):
    left = [kind for kind in ("ServiceAccount", "Role", "RoleBinding") if kind != missing]
    seen = access(*left) + [replica_set(3, "Pending", confirmed=False), stateful_set(3, 0)]
    document = step_input("WAITING_FOR_READY", engine.spec("STANDARD"), seen)
    got = engine.ok("step", document)
    assert got["verdict"]["waitingFor"] == {"kind": missing, "namespace": "acme-orders", "name": "orders-mongodb",
                                            "reason": "NotFound"}
    assert missing in [o["kind"] for o in got["apply"]]


TOLD = {
    "password": ("Error ensuring User config: user password secret: acme-orders/orders-app-password and scram secret: "
                 "acme-orders/orders-app-scram-credentials not found",
                 "progressing", "Secret", "orders-app-password", "SecretNotFound"),
    "key": ("Error ensuring User config: key \"password\" not present in the Secret acme-orders/orders-app-password",
            "progressing", "Secret", "orders-app-password", "SecretKeyMissing"),
    "metrics": ("Error deploying MongoDB ReplicaSet: failed to ensure AutomationConfig: could not build automation "
                "config: could not configure Prometheus modification: Secret \"orders-metrics\" not found",
                "progressing", "Secret", "orders-metrics", "SecretNotFound"),
    "certificate": ("Error validating TLS config: CA certificate not found in Secret", "progressing", "Secret",
                    "orders-tls", "SecretNotFound"),
    "tls objects": ("Error ensuring TLS resources: bad key", "progressing", "Secret", "orders-tls", "TlsSecretUnusable"),
    "spec": ("error validating new Spec: number of arbiters specified (3) is greater", "blocked", "MongoDBCommunity",
             "orders", "InvalidSpec"),
    "storage": (REFUSED % "orders", "blocked", "StatefulSet", "orders", "StatefulSetImmutable"),
    "storage of arbiters": (REFUSED % "orders-arb", "blocked", "StatefulSet", "orders-arb", "StatefulSetImmutable"),
    "stateful set": ("Error deploying MongoDB ReplicaSet: error creating/updating StatefulSet: quota", "progressing",
                     "StatefulSet", "orders", "StatefulSetRefused"),
    "service": ("Error ensuring the service (members) exists: forbidden", "progressing", "Service", "orders-svc",
                "ServiceRefused"),
    "other": ("Error resetting StatefulSet UpdateStrategyType: timeout", "progressing", "MongoDBCommunity", "orders",
              "OperatorFailed"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_the_operator_says_is_pinned_on_an_object(engine, name):
    message, state, kind, object_name, reason = TOLD[name]
    got = judge(engine, access() + [replica_set(3, "Failed", confirmed=False, message=message)])
    assert (got["state"], got["message"]) == (state, message)
    assert got["waitingFor"] == {"kind": kind, "namespace": "acme-orders", "name": object_name, "reason": reason}


def test_a_certificate_that_the_operator_does_not_take_is_named(engine):
    told = replica_set(3, "Pending", confirmed=False, message="TLS config is not yet valid, retrying in 10 seconds")
    got = judge(engine, access() + [told])
    assert (got["waitingFor"]["kind"], got["waitingFor"]["name"]) == ("Secret", "orders-tls")


def test_a_failure_without_a_message_is_a_conflict_that_passes(engine):
    got = judge(engine, access() + [replica_set(3, "Failed", confirmed=False), stateful_set(3, 1), pod(0)])
    assert (got["state"], got["reason"]) == ("progressing", "WaitingForMembers")


def test_an_operator_that_does_not_look_is_told_of_after_a_minute(engine):
    seen = access() + [replica_set(3, None, confirmed=False)]
    assert judge(engine, seen, NOW + 60000)["waitingFor"]["reason"] != "OperatorNotResponding"
    assert judge(engine, seen, NOW + 60001)["waitingFor"] == {
        "kind": "MongoDBCommunity", "namespace": "acme-orders", "name": "orders", "reason": "OperatorNotResponding"}


def test_an_unknown_start_is_no_duration(engine):
    check_durations(engine, engine.spec("STANDARD"), access() + [replica_set(3, None, confirmed=False)])


# Running may be of the time before the last change: there is no observedGeneration.
@pytest.mark.parametrize("change,reason", [
    ({"version": "7.0.24"}, "StatusBehindSpec"), ({"currentMongoDBMembers": 1}, "StatusBehindSpec"),
    ({"currentStatefulSetReplicas": 1}, "StatusBehindSpec")])
def test_an_old_running_is_not_ready(engine, change, reason):
    seen = healthy(3)
    seen[3]["status"].update(change)
    got = judge(engine, seen)
    assert (got["state"], got["reason"]) == ("progressing", reason)


def test_running_must_be_confirmed(engine):
    seen = healthy(3)
    seen[3] = replica_set(3, confirmed=False)
    assert judge(engine, seen)["reason"] == "StatusBehindSpec"
    seen[3] = replica_set(1)
    seen[3]["status"].update(currentMongoDBMembers=3, currentStatefulSetReplicas=3)
    assert judge(engine, seen)["reason"] == "StatusBehindSpec"


@pytest.mark.parametrize("status", [{"updatedReplicas": 2}, {"readyReplicas": 2}, {"observedGeneration": 0}])
def test_a_rollout_is_not_ready(engine, status):
    seen = healthy(3)
    seen[4]["status"].update(status)
    assert judge(engine, seen)["state"] == "progressing"


def test_agents_must_have_reached_the_same_configuration(engine):
    seen = [o for o in healthy(3) if o["metadata"]["name"] != "orders-1"] + [pod(1, agent="2")]
    got = judge(engine, seen)
    assert (got["state"], got["reason"], got["waitingFor"]["name"]) == ("progressing", "AgentBehind", "orders-0")


def test_a_set_that_the_operator_does_not_scale_is_named(engine):
    seen = access() + [replica_set(3, "Pending"), stateful_set(1, 1), pod(0)]
    assert judge(engine, seen)["waitingFor"]["reason"] == "StatefulSetNotScaled"


def test_a_replica_set_on_its_way_out_is_named(engine):
    seen = healthy(3)
    seen[3]["metadata"]["deletionTimestamp"] = "2026-11-22T06:00:00Z"
    assert judge(engine, seen)["waitingFor"]["reason"] == "Terminating"


def test_a_replica_set_that_is_gone_is_sent_again(engine):
    document = step_input("WAITING_FOR_READY", engine.spec("STANDARD"), access())
    got = engine.ok("step", document)
    assert got["apply"][-1]["kind"] == "MongoDBCommunity" and got["verdict"]["waitingFor"]["reason"] == "NotFound"


def test_credentials_that_the_operator_could_not_write_are_named(engine):
    got = Toy().step(engine, "CREDENTIAL_GEN", engine.spec("FREE"))["verdict"]
    assert got["waitingFor"] == {"kind": "Secret", "namespace": "acme-orders", "name": "orders-app",
                                 "reason": "SecretNotFound"}
