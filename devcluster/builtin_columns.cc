#include "devcluster/builtin_columns.h"

#include <map>

#include "base/clock.h"
#include "devcluster/table.h"

namespace slipway::sim {

namespace {

constexpr char kCreated[] = ".metadata.creationTimestamp";

PrinterColumn Text(const char* name, const char* path, int priority = 0) {
  return {name, "string", path, "", priority};
}

PrinterColumn Number(const char* name, const char* path) {
  return {name, "integer", path, "", 0};
}

// Kubernetes declares these columns as strings, too.
PrinterColumn Count(const char* name, const char* path) {
  return {name, "count", path, "", 0};
}

PrinterColumn Age(const char* name = "Age", const char* path = kCreated) {
  return {name, "age", path, "", 0};
}

std::string OrNone(const std::string& text) {
  return text.empty() ? "<none>" : text;
}

Json PodReady(const Json& pod) {
  int64_t ready = 0;
  for (const Json& status : pod.At("/status/containerStatuses").items())
    ready += status["ready"].AsBool() ? 1 : 0;
  return std::to_string(ready) + "/" + std::to_string(pod.At("/spec/containers").size());
}

Json PodStatus(const Json& pod) {
  std::string text = pod.At("/status/reason").AsString(pod.At("/status/phase").AsString());
  for (const Json& status : pod.At("/status/containerStatuses").items()) {
    for (const char* state : {"waiting", "terminated"}) {
      const std::string& reason = status["state"][state]["reason"].AsString();
      if (!reason.empty()) text = reason;
    }
  }
  if (pod["metadata"].Has("deletionTimestamp")) text = "Terminating";
  return text;
}

Json PodRestarts(const Json& pod) {
  int64_t restarts = 0;
  for (const Json& status : pod.At("/status/containerStatuses").items())
    restarts += status["restartCount"].AsInt();
  return std::to_string(restarts);
}

Json ServicePorts(const Json& service) {
  std::string out;
  for (const Json& port : service.At("/spec/ports").items()) {
    if (!out.empty()) out += ",";
    out += std::to_string(port["port"].AsInt());
    if (port.Has("nodePort")) out += ":" + std::to_string(port["nodePort"].AsInt());
    out += "/" + port["protocol"].AsString("TCP");
  }
  return OrNone(out);
}

Json ServiceAddress(const Json& service) {
  const Json& ingress = service.At("/status/loadBalancer/ingress");
  std::string out;
  for (const Json& one : ingress.items())
    out += (out.empty() ? "" : ",") + one["ip"].AsString(one["hostname"].AsString());
  if (out.empty() && service.At("/spec/type").AsString() == "LoadBalancer") return "<pending>";
  return OrNone(out);
}

std::string AccessModes(const Json& modes) {
  static const std::map<std::string, std::string> kShort = {{"ReadWriteOnce", "RWO"},
                                                            {"ReadOnlyMany", "ROX"},
                                                            {"ReadWriteMany", "RWX"},
                                                            {"ReadWriteOncePod", "RWOP"}};
  std::string out;
  for (const Json& mode : modes.items()) {
    const auto found = kShort.find(mode.AsString());
    out += (out.empty() ? "" : ",") + (found == kShort.end() ? mode.AsString() : found->second);
  }
  return out;
}

std::string LabelText(const Json& labels) {
  std::string out;
  for (const auto& [key, value] : labels.members())
    out += (out.empty() ? "" : ",") + key + "=" + value.AsString();
  return OrNone(out);
}

bool HasCondition(const Json& object, const char* type) {
  for (const Json& condition : object.At("/status/conditions").items())
    if (condition["type"].AsString() == type && condition["status"].AsString() == "True")
      return true;
  return false;
}

Json JobStatus(const Json& job) {
  for (const char* type : {"Complete", "Failed"})
    if (HasCondition(job, type)) return type;
  if (job["metadata"].Has("deletionTimestamp")) return "Terminating";
  for (const char* type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"})
    if (HasCondition(job, type)) return type;
  return "Running";
}

// Writes a label selector as text: "a=b,c in (d,e)".
Json SelectorText(const Json& selector) {
  std::map<std::string, std::string> terms;
  for (const auto& [key, value] : selector["matchLabels"].members())
    terms[key] = key + "=" + value.AsString();
  for (const Json& one : selector["matchExpressions"].items()) {
    const std::string &key = one["key"].AsString(), &op = one["operator"].AsString();
    std::string values;
    for (const Json& value : one["values"].items())
      values += (values.empty() ? "" : ",") + value.AsString();
    terms[key] = op == "Exists"         ? key
                 : op == "DoesNotExist" ? "!" + key
                                        : key + (op == "In" ? " in (" : " notin (") + values + ")";
  }
  std::string out;
  for (const auto& [key, text] : terms) out += (out.empty() ? "" : ",") + text;
  return OrNone(out);
}

// The names or the images of the containers in a pod template.
Json ContainerText(const Json& object, const char* field) {
  const Json& containers = object.At(object.At("/spec/jobTemplate").is_object()
                                         ? "/spec/jobTemplate/spec/template/spec/containers"
                                         : "/spec/template/spec/containers");
  std::string out;
  for (const Json& one : containers.items())
    out += (out.empty() ? "" : ",") + one[field].AsString();
  return out;
}

// Writes usage as "cpu: 1/2, pods: 0/3", either for the limits or for everything else.
Json QuotaText(const Json& quota, bool limits) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, hard] : quota.At("/status/hard").members())
    if ((name.rfind("limits.", 0) == 0) == limits)
      sorted[name] = quota.At("/status/used")[name].AsString("0") + "/" + hard.AsString();
  std::string out;
  for (const auto& [name, text] : sorted) out += (out.empty() ? "" : ", ") + name + ": " + text;
  return out;
}

Json JobDuration(const Json& job, int64_t now_ms) {
  const int64_t start = ParseTime(job.At("/status/startTime").AsString());
  if (start < 0) return "";
  const int64_t end = ParseTime(job.At("/status/completionTime").AsString());
  return HumanDuration((end < 0 ? now_ms : end) - start);
}

Json LastSeen(const Json& event, int64_t now_ms) {
  for (const char* field : {"/series/lastObservedTime", "/lastTimestamp", "/eventTime",
                            "/firstTimestamp", "/metadata/creationTimestamp"}) {
    const int64_t at = ParseTime(event.At(field).AsString());
    if (at >= 0) return HumanDuration(now_ms - at);
  }
  return "<unknown>";
}

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

Json ReadyOf(const Json& workload) {
  return std::to_string(workload.At("/status/readyReplicas").AsInt()) + "/" +
         std::to_string(workload.At("/spec/replicas").AsInt());
}

}  // namespace

std::vector<PrinterColumn> BuiltinColumns(const std::string& kind) {
  static const PrinterColumn kContainers = Text("Containers", "fn:containers", 1),
                             kImages = Text("Images", "fn:images", 1),
                             kSelector = Text("Selector", "fn:labelSelector", 1);
  static const PrinterColumn kCreatedAt = {"Created At", "date", kCreated, "", 0};
  static const std::map<std::string, std::vector<PrinterColumn>> kColumns = {
      {"Pod",
       {Text("Ready", "fn:podReady"), Text("Status", "fn:podStatus"),
        Text("Restarts", "fn:podRestarts"), Age(), Text("IP", "fn:podIP", 1),
        Text("Node", "fn:podNode", 1), Text("Nominated Node", "fn:nominatedNode", 1),
        Text("Readiness Gates", "fn:none", 1)}},
      {"Service",
       {Text("Type", ".spec.type"), Text("Cluster-IP", "fn:clusterIP"),
        Text("External-IP", "fn:externalIP"), Text("Port(s)", "fn:servicePorts"), Age(),
        Text("Selector", "fn:selector", 1)}},
      {"Secret", {Text("Type", ".type"), Count("Data", "fn:data"), Age()}},
      {"ConfigMap", {Count("Data", "fn:data"), Age()}},
      {"ServiceAccount", {Age()}},
      {"Namespace", {Text("Status", ".status.phase"), Age()}},
      {"Node",
       {Text("Status", "fn:nodeStatus"), Text("Roles", "fn:none"), Age(),
        Text("Version", ".status.nodeInfo.kubeletVersion"), Text("Internal-IP", "fn:none", 1),
        Text("External-IP", "fn:none", 1), Text("OS-Image", "fn:unknown", 1),
        Text("Kernel-Version", "fn:unknown", 1), Text("Container-Runtime", "fn:unknown", 1)}},
      {"PersistentVolumeClaim",
       {Text("Status", "fn:phase"), Text("Volume", ".spec.volumeName"),
        Text("Capacity", ".status.capacity.storage"), Text("Access Modes", "fn:accessModes"),
        Text("StorageClass", ".spec.storageClassName"), Text("VolumeAttributesClass", "fn:unset"),
        Age(), Text("VolumeMode", ".spec.volumeMode", 1)}},
      {"PersistentVolume",
       {Text("Capacity", ".spec.capacity.storage"), Text("Access Modes", "fn:volumeModes"),
        Text("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"), Text("Status", "fn:phase"),
        Text("Claim", "fn:claim"), Text("StorageClass", ".spec.storageClassName"),
        Text("VolumeAttributesClass", "fn:unset"), Text("Reason", ".status.reason"), Age(),
        Text("VolumeMode", ".spec.volumeMode", 1)}},
      {"Event",
       {Text("Last Seen", "fn:lastSeen"), Text("Type", ".type"), Text("Reason", ".reason"),
        Text("Object", "fn:eventObject"), Text("Subobject", ".involvedObject.fieldPath", 1),
        Text("Source", ".source.component", 1), Text("Message", ".message"),
        Age("First Seen", ".firstTimestamp"), Count("Count", ".count"),
        Text("Name", ".metadata.name", 1)}},
      {"Job",
       {Text("Status", "fn:jobStatus"), Text("Completions", "fn:jobCompletions"),
        Text("Duration", "fn:jobDuration"), Age(), kContainers, kImages, kSelector}},
      {"CronJob",
       {Text("Schedule", ".spec.schedule"),
        Text("Timezone", "fn:timeZone"),
        {"Suspend", "boolean", "fn:suspend", "", 0},
        Number("Active", "fn:active"),
        Text("Last Schedule", "fn:lastSchedule"),
        Age(),
        kContainers,
        kImages,
        kSelector}},
      {"Deployment",
       {Text("Ready", "fn:ready"), Count("Up-to-date", ".status.updatedReplicas"),
        Count("Available", ".status.availableReplicas"), Age(), kContainers, kImages, kSelector}},
      {"StatefulSet", {Text("Ready", "fn:ready"), Age(), kContainers, kImages}},
      {"ReplicaSet",
       {Number("Desired", ".spec.replicas"), Number("Current", ".status.replicas"),
        Number("Ready", ".status.readyReplicas"), Age(), kContainers, kImages, kSelector}},
      {"DaemonSet",
       {Number("Desired", ".status.desiredNumberScheduled"),
        Number("Current", ".status.currentNumberScheduled"), Number("Ready", ".status.numberReady"),
        Number("Up-to-date", ".status.updatedNumberScheduled"),
        Number("Available", ".status.numberAvailable"), Text("Node Selector", "fn:nodeSelector"),
        Age(), kContainers, kImages, kSelector}},
      {"PodDisruptionBudget",
       {Text("Min Available", "fn:minAvailable"), Text("Max Unavailable", "fn:maxUnavailable"),
        Number("Allowed Disruptions", ".status.disruptionsAllowed"), Age()}},
      {"NetworkPolicy", {Text("Pod-Selector", "fn:podSelector"), Age()}},
      {"RoleBinding", {Text("Role", "fn:roleRef"), Age()}},
      {"ClusterRoleBinding", {Text("Role", "fn:roleRef"), Age()}},
      {"Role", {kCreatedAt}},
      {"ClusterRole", {kCreatedAt}},
      {"LimitRange", {kCreatedAt}},
      {"CustomResourceDefinition", {kCreatedAt}},
      {"Lease", {Text("Holder", ".spec.holderIdentity"), Age()}},
      {"ResourceQuota", {Text("Request", "fn:quota"), Text("Limit", "fn:quotaLimits"), Age()}},
      {"StorageClass",
       {Text("Provisioner", ".provisioner"),
        Text("ReclaimPolicy", ".reclaimPolicy"),
        Text("VolumeBindingMode", ".volumeBindingMode"),
        {"AllowVolumeExpansion", "boolean", "fn:expansion", "", 0},
        Age()}},
      {"PriorityClass",
       {Number("Value", ".value"),
        {"Global-Default", "boolean", "fn:globalDefault", "", 0},
        Age(),
        Text("PreemptionPolicy", ".preemptionPolicy")}},
  };
  const auto found = kColumns.find(kind);
  return found == kColumns.end() ? std::vector<PrinterColumn>{Age()} : found->second;
}

bool IsFunction(const PrinterColumn& column) {
  return column.path.rfind("fn:", 0) == 0;
}

Json RunFunction(const PrinterColumn& column, const Json& object, int64_t now_ms) {
  const std::string name = column.path.substr(3);
  if (name == "podReady") return PodReady(object);
  if (name == "podStatus") return PodStatus(object);
  if (name == "podRestarts") return PodRestarts(object);
  if (name == "podIP") return OrNone(object.At("/status/podIP").AsString());
  if (name == "podNode") return OrNone(object.At("/spec/nodeName").AsString());
  if (name == "clusterIP") return OrNone(object.At("/spec/clusterIP").AsString());
  if (name == "externalIP") return ServiceAddress(object);
  if (name == "servicePorts") return ServicePorts(object);
  if (name == "selector") return LabelText(object.At("/spec/selector"));
  if (name == "data")
    return static_cast<int64_t>(object["data"].size() + object["binaryData"].size());
  if (name == "none") return "<none>";
  if (name == "unset") return "<unset>";
  if (name == "unknown") return "<unknown>";
  if (name == "containers") return ContainerText(object, "name");
  if (name == "images") return ContainerText(object, "image");
  if (name == "labelSelector") return SelectorText(object.At("/spec/selector"));
  if (name == "nodeSelector") return LabelText(object.At("/spec/template/spec/nodeSelector"));
  if (name == "nominatedNode") return OrNone(object.At("/status/nominatedNodeName").AsString());
  if (name == "volumeModes") return AccessModes(object.At("/spec/accessModes"));
  if (name == "claim") {
    const Json& claim = object.At("/spec/claimRef");
    return claim.is_null() ? "" : claim["namespace"].AsString() + "/" + claim["name"].AsString();
  }
  if (name == "timeZone") return OrNone(object.At("/spec/timeZone").AsString());
  if (name == "suspend") return object.At("/spec/suspend").AsBool() ? "True" : "False";
  if (name == "active") return static_cast<int64_t>(object.At("/status/active").size());
  if (name == "lastSchedule") {
    const int64_t at = ParseTime(object.At("/status/lastScheduleTime").AsString());
    return at < 0 ? "<none>" : HumanDuration(now_ms - at);
  }
  if (name == "quota") return QuotaText(object, false);
  if (name == "quotaLimits") return QuotaText(object, true);
  if (name == "expansion") return object["allowVolumeExpansion"].AsBool();
  if (name == "globalDefault") return object["globalDefault"].AsBool();
  if (name == "nodeStatus") {
    for (const Json& condition : object.At("/status/conditions").items())
      if (condition["type"].AsString() == "Ready")
        return condition["status"].AsString() == "True" ? "Ready" : "NotReady";
    return "Unknown";
  }
  if (name == "phase")
    return object["metadata"].Has("deletionTimestamp") ? Json("Terminating")
                                                       : object["status"]["phase"];
  if (name == "accessModes") return AccessModes(object.At("/status/accessModes"));
  if (name == "lastSeen") return LastSeen(object, now_ms);
  if (name == "eventObject")
    return Lower(object.At("/involvedObject/kind").AsString()) + "/" +
           object.At("/involvedObject/name").AsString();
  if (name == "jobStatus") return JobStatus(object);
  if (name == "jobCompletions")
    return std::to_string(object.At("/status/succeeded").AsInt()) + "/" +
           std::to_string(object.At("/spec/completions").AsInt(1));
  if (name == "jobDuration") return JobDuration(object, now_ms);
  if (name == "ready") return ReadyOf(object);
  if (name == "minAvailable")
    return object["spec"].Has("minAvailable") ? object["spec"]["minAvailable"] : Json("N/A");
  if (name == "maxUnavailable")
    return object["spec"].Has("maxUnavailable") ? object["spec"]["maxUnavailable"] : Json("N/A");
  if (name == "podSelector") return SelectorText(object.At("/spec/podSelector"));
  if (name == "roleRef")
    return object.At("/roleRef/kind").AsString() + "/" + object.At("/roleRef/name").AsString();
  return {};
}

}  // namespace slipway::sim
