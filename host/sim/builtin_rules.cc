#include "sim/builtin_rules.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/crypto.h"

namespace slipway::sim {

namespace {

void Default(Json& object, std::string_view key, Json value) {
  if (!object.Has(key)) object.Set(key, std::move(value));
}

void DefaultSecret(Json& object) {
  if (const Json* plain = object.Find("stringData"); plain != nullptr) {
    Json data = std::as_const(object)["data"];
    for (const auto& [key, value] : plain->members()) data.Set(key, Base64Encode(value.AsString()));
    object.Set("data", std::move(data));
    object.Erase("stringData");
  }
  Default(object, "type", "Opaque");
}

void DefaultContainers(Json& spec, const char* list) {
  Json* containers = spec.Find(list);
  if (containers == nullptr) return;
  for (Json& container : containers->items()) {
    Default(container, "terminationMessagePath", "/dev/termination-log");
    Default(container, "terminationMessagePolicy", "File");
    Default(container, "imagePullPolicy", "IfNotPresent");
    Default(container, "resources", Json::MakeObject());
    if (Json* ports = container.Find("ports"); ports != nullptr)
      for (Json& port : ports->items()) Default(port, "protocol", "TCP");
  }
}

void DefaultPodSpec(Json& spec) {
  DefaultContainers(spec, "containers");
  DefaultContainers(spec, "initContainers");
  Default(spec, "restartPolicy", "Always");
  Default(spec, "terminationGracePeriodSeconds", 30);
  Default(spec, "dnsPolicy", "ClusterFirst");
  Default(spec, "schedulerName", "default-scheduler");
  Default(spec, "securityContext", Json::MakeObject());
}

void DefaultService(Json& object, bool creating, uint64_t ordinal) {
  Json& spec = object["spec"];
  Default(spec, "type", "ClusterIP");
  const std::string& type = spec["type"].AsString();
  if (type != "ExternalName") {
    if (creating && std::as_const(spec)["clusterIP"].AsString().empty())
      spec.Set("clusterIP", "10.96." + std::to_string(ordinal / 254 % 256) + "." +
                                std::to_string(ordinal % 254 + 1));
    if (spec.Has("clusterIP")) Default(spec, "clusterIPs", Json::Arr({spec["clusterIP"]}));
    Default(spec, "internalTrafficPolicy", "Cluster");
    Default(spec, "ipFamilies", Json::Arr({"IPv4"}));
    Default(spec, "ipFamilyPolicy", "SingleStack");
  }
  if (type == "LoadBalancer" || type == "NodePort")
    Default(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") Default(spec, "allocateLoadBalancerNodePorts", true);
  Default(spec, "sessionAffinity", "None");
  uint64_t next = ordinal;
  if (Json* ports = spec.Find("ports"); ports != nullptr)
    for (Json& port : ports->items()) {
      Default(port, "protocol", "TCP");
      Default(port, "targetPort", port["port"]);
      if (type == "LoadBalancer" || type == "NodePort")
        Default(port, "nodePort", static_cast<int64_t>(30000 + next++ % 2768));
    }
  Default(object, "status", Json::Obj({{"loadBalancer", Json::MakeObject()}}));
}

void DefaultWorkload(Json& object, bool creating) {
  Json& spec = object["spec"];
  Default(spec, "replicas", 1);
  if (std::as_const(spec).At("/template/spec").is_object())
    DefaultPodSpec(spec["template"]["spec"]);
  if (creating) Default(object, "status", Json::MakeObject());
}

void DefaultJob(Json& object) {
  Json& spec = object["spec"];
  Default(spec, "backoffLimit", 6);
  Default(spec, "completions", 1);
  Default(spec, "parallelism", 1);
  Default(spec, "completionMode", "NonIndexed");
  Default(spec, "suspend", false);
  if (std::as_const(spec).At("/template/spec").is_object())
    DefaultPodSpec(spec["template"]["spec"]);
  Default(object, "status", Json::MakeObject());
}

bool LabelChars(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

bool LabelValue(std::string_view text) {
  if (text.empty()) return true;
  return text.size() <= 63 && LabelChars(text) &&
         std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::isalnum(static_cast<unsigned char>(text.back())) != 0;
}

bool QualifiedName(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view name = slash == std::string_view::npos ? text : text.substr(slash + 1);
  return !name.empty() && LabelValue(name) &&
         (slash == std::string_view::npos || (slash > 0 && LabelChars(text.substr(0, slash))));
}

bool Subdomain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  bool edge = true;  // a label starts here
  for (const char byte : name) {
    const auto c = static_cast<unsigned char>(byte);
    const bool alnum = std::isdigit(c) != 0 || (c >= 'a' && c <= 'z');
    if (!alnum && (edge || (c != '-' && c != '.'))) return false;
    edge = c == '.';
  }
  return name.back() != '-' && name.back() != '.';
}

// As Go's decoder calls it.
std::string JsonTypeName(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_bool()) return "bool";
  return value.is_string() ? "string" : "number";
}

// What `immutable: true` of a ConfigMap or Secret forbids, itself included.
void CheckImmutable(const Json& before, const Json& object, std::vector<Cause>& out) {
  if (!before["immutable"].AsBool()) return;
  static constexpr char kWhy[] = "Forbidden: field is immutable when `immutable` is set";
  for (const char* field : {"immutable", "data", "binaryData"})
    if (before[field] != object[field]) out.push_back({"FieldValueForbidden", kWhy, field});
}

// RBAC objects and a few others may have any path segment as a name.
bool FreeName(const std::string& kind) {
  return kind == "Role" || kind == "RoleBinding" || kind == "ClusterRole" ||
         kind == "ClusterRoleBinding";
}

}  // namespace

void DefaultBuiltin(const Kind& kind, Json& object, bool creating, uint64_t ordinal) {
  if (kind.custom) return;
  const std::string& name = kind.kind;
  if (name == "Secret") DefaultSecret(object);
  if (name == "Service") DefaultService(object, creating, ordinal);
  if (name == "Deployment" || name == "StatefulSet" || name == "ReplicaSet")
    DefaultWorkload(object, creating);
  if (name == "Job") DefaultJob(object);
  if (name == "Namespace") {
    object["metadata"]["labels"].Set("kubernetes.io/metadata.name", object["metadata"]["name"]);
    if (!creating) return;
    object["spec"].Set("finalizers", Json::Arr({"kubernetes"}));
    object.Set("status", Json::Obj({{"phase", "Active"}}));
  }
  if (name == "PersistentVolumeClaim") {
    Default(object["spec"], "volumeMode", "Filesystem");
    if (creating) object.Set("status", Json::Obj({{"phase", "Pending"}}));
  }
  if (name == "Pod") {
    DefaultPodSpec(object["spec"]);
    Default(object["spec"], "serviceAccountName", "default");
    if (creating)
      object.Set("status", Json::Obj({{"phase", "Pending"}, {"qosClass", "BestEffort"}}));
  }
}

std::string DecodeError(const Kind& kind, const Json& object) {
  if (kind.custom || (kind.kind != "ConfigMap" && kind.kind != "Secret")) return {};
  const char* const maps[] = {kind.kind == "Secret" ? "stringData" : "data", "binaryData"};
  for (const char* map : maps) {
    for (const auto& [key, value] : object[map].members()) {
      if (value.is_string() || value.is_null()) continue;
      return "json: cannot unmarshal " + JsonTypeName(value) + " into Go struct field " +
             kind.kind + "." + map + " of type string";
    }
  }
  return {};
}

std::vector<Cause> ValidateMetadata(const Json& object) {
  std::vector<Cause> out;
  const Json& metadata = object["metadata"];
  const std::string& name = metadata["name"].AsString();
  if (name.empty()) {
    out.push_back({"FieldValueRequired", "Required value: name or generateName is required",
                   "metadata.name"});
  } else if (!Subdomain(name) && !FreeName(object["kind"].AsString())) {
    out.push_back({"FieldValueInvalid",
                   "Invalid value: " + Json::Quote(name) +
                       ": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                       "characters, '-' or '.', and must start "
                       "and end with an alphanumeric character (e.g. 'example.com', regex used for "
                       "validation is "
                       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                   "metadata.name"});
  }
  for (const auto& [key, value] : metadata["labels"].members()) {
    if (!QualifiedName(key))
      out.push_back({"FieldValueInvalid",
                     "Invalid value: " + Json::Quote(key) +
                         ": name part must consist of alphanumeric characters, '-', '_' or '.'",
                     "metadata.labels"});
    if (!value.is_string() || !LabelValue(value.AsString()))
      out.push_back(
          {"FieldValueInvalid",
           "Invalid value: " + value.Dump() +
               ": a valid label must be an empty string or consist of alphanumeric characters, "
               "'-', '_' or '.', and must start "
               "and end with an alphanumeric character, and must be no more than 63 characters",
           "metadata.labels"});
  }
  for (const auto& [key, value] : metadata["annotations"].members())
    if (!QualifiedName(key))
      out.push_back({"FieldValueInvalid",
                     "Invalid value: " + Json::Quote(key) +
                         ": name part must consist of alphanumeric characters, '-', '_' or '.'",
                     "metadata.annotations"});
  return out;
}

std::vector<Cause> ValidateBuiltin(const Kind& kind, const Json& object, const Json* before) {
  std::vector<Cause> out;
  if (kind.custom) return out;
  if (kind.kind == "Secret") {
    for (const auto& [key, value] : object["data"].members())
      if (!value.is_string() || !Base64Decode(value.AsString()))
        out.push_back({"FieldValueInvalid", "Invalid value: \"<base64>\": illegal base64 data",
                       "data[" + key + "]"});
    if (before != nullptr && (*before)["type"] != object["type"])
      out.push_back({"FieldValueInvalid",
                     "Invalid value: " + object["type"].Dump() + ": field is immutable", "type"});
  }
  if (before != nullptr && (kind.kind == "Secret" || kind.kind == "ConfigMap"))
    CheckImmutable(*before, object, out);
  if (const std::string why = DecodeError(kind, object); !why.empty())
    out.push_back({"FieldValueInvalid", "Invalid value: " + why, "patch"});
  if (kind.kind == "Service" && object["spec"]["type"].AsString() != "ExternalName" &&
      object["spec"]["ports"].empty() && object["spec"]["clusterIP"].AsString() != "None")
    out.push_back({"FieldValueRequired", "Required value", "spec.ports"});
  if (kind.kind == "Pod" && object["spec"]["containers"].empty())
    out.push_back({"FieldValueRequired", "Required value", "spec.containers"});
  if (kind.kind == "PersistentVolumeClaim" && before == nullptr) {
    if (object["spec"]["accessModes"].empty())
      out.push_back({"FieldValueRequired", "Required value: at least 1 access mode is required",
                     "spec.accessModes"});
    if (object.At("/spec/resources/requests/storage").is_null())
      out.push_back({"FieldValueRequired", "Required value", "spec.resources[storage]"});
  }
  return out;
}

}  // namespace slipway::sim
