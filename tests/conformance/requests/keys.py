"""Lists that identify their elements by keys, with a key that has a default or is left out; and the other defaults of the objects that engines write. For
apply, create, update and patch."""
from conformance.step import APPLY, MERGE, PATCH, STRATEGIC, Step as r

from .bodies import pod, service, thing, widget, workload

MAIN = {"name": "main", "image": "example.test/main:1"}


def ports(*numbers, **more):
    return {"ports": [{"name": f"p{number}", "port": number, **more} for number in numbers]}


def container(**more):
    return {"containers": [{**MAIN, **more}]}


def template(kind, name, spec):
    body = workload(kind, name)
    body["spec"]["template"]["spec"] = {**body["spec"]["template"]["spec"], **spec}
    if kind == "DaemonSet":
        del body["spec"]["replicas"]
    return body


def job(name, spec):
    return thing("batch/v1", "Job", name, {"spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", **spec}}}})


def cron(name, spec):
    return thing("batch/v1", "CronJob", name, {"spec": {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": job(name, spec)["spec"]}}})


def policy(name, *rules):
    return thing("networking.k8s.io/v1", "NetworkPolicy", name, {"spec": {"podSelector": {}, "ingress": [{"ports": list(rules)}], "policyTypes": ["Ingress"]}})


def apply(id, path, body, who="one", more=""):
    return r(id, f"PATCH {path}?fieldManager={who}{more}", body, type=APPLY)


SERVICES = [
    apply("keys.service.apply", "services/s", service("s", ports(80, 443))),
    apply("keys.service.apply.same", "services/s", service("s", ports(80, 443))),
    apply("keys.service.apply.said", "services/s", service("s", ports(80, 443, protocol="TCP"))),
    apply("keys.service.apply.not-said-again", "services/s", service("s", ports(80, 443))),
    apply("keys.service.apply.less", "services/s", service("s", ports(80))),
    apply("keys.service.apply.udp-beside", "services/s", service("s", {"ports": [{"name": "p80", "port": 80}, {"name": "udp", "port": 80, "protocol": "UDP"}]})),
    apply("keys.service.apply.twice", "services/s", service("s", {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]})),
    apply("keys.service.apply.twice-once-said", "services/s", service("s", {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "TCP"}]})),
    apply("keys.service.apply.other", "services/s", service("s", {"ports": [{"name": "p80", "port": 80}]}), "two"),
    apply("keys.service.apply.conflict", "services/s", service("s", {"ports": [{"name": "mine", "port": 80}]}), "two"),
    apply("keys.service.apply.force", "services/s", service("s", {"ports": [{"name": "mine", "port": 80}]}), "two", "&force=true"),
    apply("keys.service.apply.no-port", "services/s", service("s", {"ports": [{"name": "p80"}]})),
    apply("keys.service.apply.headless", "services/h", service("h", {"clusterIP": "None", **ports(5432)})),
    r("keys.service.create", "POST services", service("c", ports(80, 443))),
    r("keys.service.create.twice", "POST services", service("d", {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "TCP"}]})),
    r("keys.service.update", "PUT services/c", service("c", ports(80, 444))),
    r("keys.service.merge", "PATCH services/c", {"spec": ports(81)}, type=MERGE),
    r("keys.service.json", "PATCH services/c", [{"op": "add", "path": "/spec/ports/-", "value": {"name": "x", "port": 82}}], type=PATCH),
    r("keys.service.strategic", "PATCH services/c", {"spec": {"ports": [{"name": "y", "port": 83}, {"port": 82, "name": "z"}]}}, type=STRATEGIC),
    apply("keys.service.apply-after-others", "services/c", service("c", ports(81))),
]

PORT = container(ports=[{"containerPort": 5432}, {"containerPort": 9187, "name": "metrics"}])
PORTS = [step for path, make in (
    ("deployments/d", lambda spec: template("Deployment", "d", spec)), ("statefulsets/s", lambda spec: template("StatefulSet", "s", spec)),
    ("daemonsets/e", lambda spec: template("DaemonSet", "e", spec)), ("replicasets/r", lambda spec: template("ReplicaSet", "r", spec)),
    ("jobs/j", lambda spec: job("j", spec)), ("cronjobs/c", lambda spec: cron("c", spec)), ("pods/p", lambda spec: pod("p", spec))) for word in [path.split("/")[0]] for step in (
        apply(f"keys.{word}.apply", path, make(PORT)),
        apply(f"keys.{word}.apply.same", path, make(PORT)),
        apply(f"keys.{word}.apply.twice", path, make(container(ports=[{"containerPort": 1}, {"containerPort": 1, "protocol": "TCP"}]))),
        apply(f"keys.{word}.apply.no-port", path, make(container(ports=[{"name": "x"}]))),
        r(f"keys.{word}.update", f"PUT {path}", make(PORT)),
        r(f"keys.{word}.create.again", f"POST {word}", make(PORT)),
    ) if step.id != "keys.daemonsets.update"]  # it changes the owner of an annotation that the simulator does not have


SPREAD_TWO = {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": when, "labelSelector": {}} for when in ("DoNotSchedule", "ScheduleAnyway")]}
TEMPLATES = [
    apply("keys.template.spread-two.apply", "deployments/spread-two", template("Deployment", "spread-two", SPREAD_TWO)),
    apply("keys.template.spread-two.apply.same", "deployments/spread-two", template("Deployment", "spread-two", SPREAD_TWO)),
    r("keys.template.spread-two.create", "POST deployments", template("Deployment", "spread-two-c", SPREAD_TWO)),
    apply("keys.deployment.udp-beside", "deployments/d", template("Deployment", "d", container(ports=[{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]))),
    apply("keys.deployment.udp-away", "deployments/d", template("Deployment", "d", container(ports=[{"containerPort": 53}]))),
    r("keys.deployment.strategic", "PATCH deployments/d", {"spec": {"template": {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 54}]}]}}}}, type=STRATEGIC),
    r("keys.deployment.merge", "PATCH deployments/d", {"spec": {"template": {"spec": container(ports=[{"containerPort": 55}])}}}, type=MERGE),
    r("keys.deployment.json", "PATCH deployments/d", [{"op": "add", "path": "/spec/template/spec/containers/0/ports/-", "value": {"containerPort": 56}}], type=PATCH),
    *(step for name, spec in {
        "probe": container(livenessProbe={"httpGet": {"port": 80}}, readinessProbe={"tcpSocket": {"port": 80}}, startupProbe={"exec": {"command": ["x"]}}),
        "probe-grpc": container(livenessProbe={"grpc": {"port": 80}}),
        "probe-zero": container(livenessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 0, "timeoutSeconds": 0, "initialDelaySeconds": 0}),
        "hook": container(lifecycle={"preStop": {"httpGet": {"port": 80}}, "postStart": {"exec": {"command": ["x"]}}}),
        "spread": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "x"}}}]},
        "spread-no-when": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "labelSelector": {}}]},
        "spread-no-key": {"topologySpreadConstraints": [{"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}]},
        "spread-twice": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}] * 2},
        "container-no-name": {"containers": [{"image": "example.test/main:1"}]},
        "container-no-image": {"containers": [{"name": "main"}]},
        "env": container(env=[{"name": "A"}, {"name": "B", "value": ""}, {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                              {"name": "D", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}, {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]),
        "env-no-name": container(env=[{"value": "1"}]),
        "env-from": container(envFrom=[{"secretRef": {"name": "x"}}, {"prefix": "P_", "configMapRef": {"name": "x", "optional": True}}]),
        "mount-no-path": {"volumes": [{"name": "v"}], **container(volumeMounts=[{"name": "v"}])},
        "volumes": {"volumes": [{"name": "a"}, {"name": "b", "secret": {"secretName": "x"}}, {"name": "c", "configMap": {"name": "x"}}, {"name": "d", "emptyDir": {}},
                                {"name": "e", "projected": {"sources": [{"secret": {"name": "x"}}, {"serviceAccountToken": {"path": "t"}}]}},
                                {"name": "f", "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                                {"name": "g", "hostPath": {"path": "/x"}}, {"name": "h", "persistentVolumeClaim": {"claimName": "x"}},
                                {"name": "i", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}]},
        "volume-no-name": {"volumes": [{"emptyDir": {}}]},
        "pull-secrets": {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]},
        "host-aliases": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}]},
        "host-alias-no-ip": {"hostAliases": [{"hostnames": ["a"]}]},
        "init": {"initContainers": [{"name": "i", "image": "example.test/i", "ports": [{"containerPort": 1}], "restartPolicy": "Always", "startupProbe": {"tcpSocket": {"port": 1}}}]},
        "host-network": {"hostNetwork": True, **container(ports=[{"containerPort": 80}])},
        "host-network-other": {"hostNetwork": True, **container(ports=[{"containerPort": 80, "hostPort": 81}])},
        "security": {"securityContext": {"runAsNonRoot": True, "fsGroup": 26}, **container(securityContext={"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False})},
        "affinity": {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}}}]}},
            "tolerations": [{"key": "x", "operator": "Exists"}, {"key": "y", "value": "z", "effect": "NoSchedule"}]},
        "resources": container(resources={"limits": {"cpu": "1", "memory": "1Gi"}}),
        "claims": {"resourceClaims": [{"name": "c", "resourceClaimName": "x"}], **container(resources={"claims": [{"name": "c"}]})},
        "resize": container(resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"}]),
        "devices": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}], **container(volumeDevices=[{"name": "v", "devicePath": "/dev/x"}])},
        "device-no-path": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}], **container(volumeDevices=[{"name": "v"}])},
    }.items() for step in (
        apply(f"keys.template.{name}.apply", f"deployments/{name}", template("Deployment", name, spec)),
        apply(f"keys.template.{name}.apply.same", f"deployments/{name}", template("Deployment", name, spec)),
        r(f"keys.template.{name}.create", "POST deployments", template("Deployment", f"{name}-c", spec)),
        r(f"keys.template.{name}.strategic", f"PATCH deployments/{name}-c", {"spec": {"template": {"spec": spec}}}, type=STRATEGIC),
        r(f"keys.template.{name}.merge", f"PATCH deployments/{name}-c", {"spec": {"template": {"spec": spec}}}, type=MERGE),
        r(f"keys.template.{name}.update", f"PUT deployments/{name}-c", template("Deployment", f"{name}-c", spec)),
    )),
]

OTHERS = [
    apply("keys.policy.apply", "policies/n", policy("n", {"port": 5432}, {"protocol": "UDP", "port": 53}, {"port": 1000, "endPort": 2000})),
    r("keys.policy.create", "POST policies", policy("m", {"port": 5432})),
    apply("keys.account.secrets", "sa/a", thing("v1", "ServiceAccount", "a", {"secrets": [{"name": "x"}, {"name": "y"}], "imagePullSecrets": [{"name": "z"}]})),
    apply("keys.account.no-name", "sa/b", thing("v1", "ServiceAccount", "b", {"secrets": [{"namespace": "x"}]})),
    apply("keys.account.pull-no-name", "sa/c", thing("v1", "ServiceAccount", "c", {"imagePullSecrets": [{}]})),
    apply("keys.owner.no-uid", "cm/a", thing("v1", "ConfigMap", "a", ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}])),
    r("keys.owner.no-uid.create", "POST cm", thing("v1", "ConfigMap", "b", ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}])),
    apply("keys.claims.apply", "statefulsets/v", workload("StatefulSet", "v", serviceName="v", volumeClaimTemplates=[
        {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}])),
    apply("keys.claims.apply.same", "statefulsets/v", workload("StatefulSet", "v", serviceName="v", volumeClaimTemplates=[
        {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}])),
    apply("keys.slices.apply", "slices/f", thing("discovery.k8s.io/v1", "EndpointSlice", "f", {"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.0.1"]}], "ports": [{"port": 80}]})),
    apply("keys.condition.no-type", "pods/c/status", thing("v1", "Pod", "c", {"status": {"conditions": [{"status": "True"}]}})),
    r("keys.condition.pod", "POST pods", pod("c")),
    apply("keys.condition.apply", "pods/c/status", thing("v1", "Pod", "c", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}})),
    apply("keys.custom.apply", "widgets/w", widget("w", {"size": 1, "doors": [{"number": 1}, {"number": 1, "side": "back"}, {"number": 2, "note": "x"}]})),
    apply("keys.custom.apply.same", "widgets/w", widget("w", {"size": 1, "doors": [{"number": 1}, {"number": 1, "side": "back"}, {"number": 2, "note": "x"}]})),
    apply("keys.custom.apply.said", "widgets/w", widget("w", {"size": 1, "doors": [{"number": 1, "side": "front"}, {"number": 2}]})),
    apply("keys.custom.apply.twice", "widgets/w", widget("w", {"size": 1, "doors": [{"number": 1, "side": "front"}, {"number": 1}]})),
    apply("keys.custom.apply.no-number", "widgets/w", widget("w", {"size": 1, "doors": [{"side": "front"}]})),
    apply("keys.custom.apply.other", "widgets/w", widget("w", {"size": 1, "doors": [{"number": 1, "note": "two"}]}), "two"),
    r("keys.custom.create", "POST widgets", widget("v", {"size": 1, "doors": [{"number": 1}, {"number": 2}]})),
    r("keys.custom.create.twice", "POST widgets", widget("u", {"size": 1, "doors": [{"number": 1}, {"number": 1, "side": "front"}]})),
    r("keys.custom.merge", "PATCH widgets/v", {"spec": {"doors": [{"number": 3}]}}, type=MERGE),
    r("keys.custom.update", "PATCH widgets/v", [{"op": "add", "path": "/spec/doors/-", "value": {"number": 4}}], type=PATCH),
]

GROUPS = {"keys-service": SERVICES, "keys-ports": PORTS, "keys-template": TEMPLATES, "keys-other": OTHERS}
