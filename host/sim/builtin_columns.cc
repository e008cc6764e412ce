#include "sim/builtin_columns.h"

#include <map>

#include "base/clock.h"
#include "sim/table.h"

namespace slipway::sim {

namespace {

constexpr char kCreated[] = ".metadata.creationTimestamp";

PrinterColumn Text(const char* name, const char* path, int priority = 0) {
  return {name, "string", path, "", priority};
}

PrinterColumn Number(const char* name, const char* path) {
  return {name, "integer", path, "", 0};
}

PrinterColumn Age() {
  return {"Age", "date", kCreated, "", 0};
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

Json JobStatus(const Json& job) {
  std::string out = "Running";
  for (const Json& condition : job.At("/status/conditions").items())
    if (condition["status"].AsString() == "True") out = condition["type"].AsString();
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
  static const std::map<std::string, std::vector<PrinterColumn>> kColumns = {
      {"Pod",
       {Text("Ready", "fn:podReady"), Text("Status", "fn:podStatus"),
        Text("Restarts", "fn:podRestarts"), Age(), Text("IP", "fn:podIP", 1),
        Text("Node", "fn:podNode", 1)}},
      {"Service",
       {Text("Type", ".spec.type"), Text("Cluster-IP", "fn:clusterIP"),
        Text("External-IP", "fn:externalIP"), Text("Port(s)", "fn:servicePorts"), Age(),
        Text("Selector", "fn:selector", 1)}},
      {"Secret", {Text("Type", ".type"), Number("Data", "fn:data"), Age()}},
      {"ConfigMap", {Number("Data", "fn:data"), Age()}},
      {"ServiceAccount", {Number("Secrets", "fn:secrets"), Age()}},
      {"Namespace", {Text("Status", ".status.phase"), Age()}},
      {"Node",
       {Text("Status", "fn:nodeStatus"), Text("Version", ".status.nodeInfo.kubeletVersion"),
        Age()}},
      {"PersistentVolumeClaim",
       {Text("Status", "fn:phase"), Text("Volume", ".spec.volumeName"),
        Text("Capacity", ".status.capacity.storage"), Text("Access Modes", "fn:accessModes"),
        Text("StorageClass", ".spec.storageClassName"), Age(),
        Text("VolumeMode", ".spec.volumeMode", 1)}},
      {"PersistentVolume",
       {Text("Capacity", ".spec.capacity.storage"),
        Text("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"), Text("Status", "fn:phase"),
        Age()}},
      {"Event",
       {Text("Last Seen", "fn:lastSeen"), Text("Type", ".type"), Text("Reason", ".reason"),
        Text("Object", "fn:eventObject"), Text("Message", ".message")}},
      {"Job",
       {Text("Status", "fn:jobStatus"), Text("Completions", "fn:jobCompletions"),
        Text("Duration", "fn:jobDuration"), Age()}},
      {"CronJob",
       {Text("Schedule", ".spec.schedule"),
        {"Suspend", "boolean", ".spec.suspend", "", 0},
        {"Last Schedule", "date", ".status.lastScheduleTime", "", 0},
        Age()}},
      {"Deployment",
       {Text("Ready", "fn:ready"), Number("Up-to-date", ".status.updatedReplicas"),
        Number("Available", ".status.availableReplicas"), Age()}},
      {"StatefulSet", {Text("Ready", "fn:ready"), Age()}},
      {"ReplicaSet",
       {Number("Desired", ".spec.replicas"), Number("Current", ".status.replicas"),
        Number("Ready", ".status.readyReplicas"), Age()}},
      {"PodDisruptionBudget",
       {Text("Min Available", "fn:minAvailable"), Text("Max Unavailable", "fn:maxUnavailable"),
        Number("Allowed Disruptions", ".status.disruptionsAllowed"), Age()}},
      {"NetworkPolicy", {Text("Pod-Selector", "fn:podSelector"), Age()}},
      {"RoleBinding", {Text("Role", "fn:roleRef"), Age()}},
      {"ClusterRoleBinding", {Text("Role", "fn:roleRef"), Age()}},
      {"Role", {Text("Created At", kCreated)}},
      {"ClusterRole", {Text("Created At", kCreated)}},
      {"CustomResourceDefinition", {Text("Created At", kCreated)}},
      {"Lease", {Text("Holder", ".spec.holderIdentity"), Age()}},
      {"StorageClass",
       {Text("Provisioner", ".provisioner"), Text("ReclaimPolicy", ".reclaimPolicy"), Age()}},
      {"PriorityClass", {Number("Value", ".value"), Age()}},
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
  if (name == "secrets") return static_cast<int64_t>(object["secrets"].size());
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
  if (name == "podSelector") return LabelText(object.At("/spec/podSelector/matchLabels"));
  if (name == "roleRef")
    return object.At("/roleRef/kind").AsString() + "/" + object.At("/roleRef/name").AsString();
  return {};
}

}  // namespace slipway::sim
