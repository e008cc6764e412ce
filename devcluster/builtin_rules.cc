#include "devcluster/builtin_rules.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/crypto.h"
#include "devcluster/builtin_pod_rules.h"

namespace slipway::sim {

namespace {

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

// Refuses what `immutable: true` of a ConfigMap or Secret forbids. The field itself may not change
// either.
void CheckImmutable(const Json& before, const Json& object, std::vector<Cause>& out) {
  if (!before["immutable"].AsBool()) return;
  static constexpr char kWhy[] = "Forbidden: field is immutable when `immutable` is set";
  for (const char* field : {"immutable", "data", "binaryData"})
    if (before[field] != object[field]) out.push_back({"FieldValueForbidden", kWhy, field});
}

// RBAC objects and a few other kinds may have any path segment as a name.
bool FreeName(const std::string& kind) {
  return kind == "Role" || kind == "RoleBinding" || kind == "ClusterRole" ||
         kind == "ClusterRoleBinding";
}

void ValidateFinalizers(const Json& metadata, std::vector<Cause>& out) {
  size_t i = 0;
  for (const Json& one : metadata["finalizers"].items()) {
    const std::string& name = one.AsString();
    const std::string field = "metadata.finalizers[" + std::to_string(i++) + "]";
    const bool standard = name == "orphan" || name == "foregroundDeletion" || name == "kubernetes";
    if (standard || (QualifiedName(name) && name.find('/') != std::string::npos)) continue;
    out.push_back({"FieldValueInvalid",
                   "Invalid value: " + one.Dump() +
                       ": name is neither a standard finalizer name nor is it fully qualified",
                   field});
  }
}

void ValidateOwners(const Json& metadata, std::vector<Cause>& out) {
  int controllers = 0;
  for (const Json& owner : metadata["ownerReferences"].items()) {
    for (const char* field : {"apiVersion", "kind", "name", "uid"})
      if (owner[field].AsString().empty())
        out.push_back({"FieldValueInvalid", "Invalid value: \"\": must not be empty",
                       std::string("metadata.ownerReferences.") + field});
    controllers += owner["controller"].AsBool() ? 1 : 0;
  }
  if (controllers > 1)
    out.push_back({"FieldValueInvalid",
                   "Invalid value: " + metadata["ownerReferences"].Dump() +
                       ": Only one reference can have Controller set to true",
                   "metadata.ownerReferences"});
}

// The keys of ConfigMaps and Secrets become file names.
void ValidateKeys(const Json& object, const char* map, std::vector<Cause>& out) {
  for (const auto& [key, value] : object[map].members())
    if (key.empty() || key.size() > 253 || !LabelChars(key) || key == "." ||
        key.rfind("..", 0) == 0)
      out.push_back({"FieldValueInvalid",
                     "Invalid value: " + Json::Quote(key) +
                         ": a valid config key must consist of alphanumeric characters, '-', '_' "
                         "or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
                         "validation is '[-._a-zA-Z0-9]+')",
                     std::string(map) + "[" + key + "]"});
}

// Refuses a Secret that lacks a key which its type requires.
void ValidateSecretType(const Json& object, std::vector<Cause>& out) {
  static constexpr const char* kRequired[][2] = {
      {"kubernetes.io/tls", "tls.crt"},
      {"kubernetes.io/tls", "tls.key"},
      {"kubernetes.io/ssh-auth", "ssh-privatekey"},
      {"kubernetes.io/dockercfg", ".dockercfg"},
      {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"}};
  for (const auto& [type, key] : kRequired)
    if (object["type"].AsString() == type && !object["data"].Has(key))
      out.push_back({"FieldValueRequired", "Required value", std::string("data[") + key + "]"});
}

void CheckClaimUpdate(const Json& before, const Json& object, std::vector<Cause>& out) {
  Json was = before["spec"], is = object["spec"];
  for (const char* field : {"volumeName", "volumeAttributesClassName"}) {
    was.Erase(field);
    is.Erase(field);
  }
  if (before["status"]["phase"].AsString() == "Bound")
    for (Json* spec : {&was, &is}) spec->Erase("resources");
  if (was == is) return;
  out.push_back({"FieldValueForbidden",
                 "Forbidden: spec is immutable after creation except resources.requests and "
                 "volumeAttributesClassName for bound claims",
                 "spec"});
}

void CheckJob(const Json& object, std::vector<Cause>& out) {
  const std::string& policy = object.At("/spec/template/spec/restartPolicy").AsString();
  if (policy != "OnFailure" && policy != "Never")
    out.push_back({"FieldValueRequired", "Required value: valid values: \"OnFailure\", \"Never\"",
                   "spec.template.spec.restartPolicy"});
}

void CheckRole(const Json& object, std::vector<Cause>& out) {
  size_t i = 0;
  for (const Json& rule : object["rules"].items()) {
    const std::string field = "rules[" + std::to_string(i++) + "].verbs";
    if (rule["verbs"].empty())
      out.push_back(
          {"FieldValueRequired", "Required value: verbs must contain at least one value", field});
  }
}

void CheckLease(const Json& object, std::vector<Cause>& out) {
  const Json& seconds = object.At("/spec/leaseDurationSeconds");
  if (seconds.is_int() && seconds.AsInt() <= 0)
    out.push_back({"FieldValueInvalid",
                   "Invalid value: " + seconds.Dump() + ": must be greater than 0",
                   "spec.leaseDurationSeconds"});
}

void CheckBudget(const Json& object, std::vector<Cause>& out) {
  const Json& spec = object["spec"];
  if (spec.Has("minAvailable") && spec.Has("maxUnavailable"))
    out.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + spec.Dump() + ": minAvailable and maxUnavailable cannot be both set",
         "spec"});
}

void CheckQuota(const Json& object, std::vector<Cause>& out) {
  for (const auto& [name, amount] : object["spec"]["hard"].members())
    if (amount.AsString().rfind('-', 0) == 0)
      out.push_back({"FieldValueInvalid",
                     "Invalid value: " + amount.Dump() + ": must be greater than or equal to 0",
                     "spec.hard[" + name + "]"});
}

struct Rule {
  const char* kind;
  void (*check)(const Json& object, std::vector<Cause>& out);
};

constexpr Rule kRules[] = {{"Job", CheckJob},
                           {"Role", CheckRole},
                           {"ClusterRole", CheckRole},
                           {"Lease", CheckLease},
                           {"PodDisruptionBudget", CheckBudget},
                           {"ResourceQuota", CheckQuota}};

void CheckSelector(const Json& object, const Json* before, std::vector<Cause>& out) {
  const Json& selector = object.At("/spec/selector");
  const Json& labels = object.At("/spec/template/metadata/labels");
  if (selector.empty()) {
    out.push_back({"FieldValueRequired", "Required value", "spec.selector"});
    out.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + labels.Dump() + ": `selector` does not match template `labels`",
         "spec.template.metadata.labels"});
    return;
  }
  for (const auto& [key, value] : selector["matchLabels"].members()) {
    if (labels[key] == value) continue;
    out.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + labels.Dump() + ": `selector` does not match template `labels`",
         "spec.template.metadata.labels"});
    break;
  }
  if (before != nullptr && before->At("/spec/selector") != selector)
    out.push_back({"FieldValueInvalid",
                   "Invalid value: " + selector.Dump() + ": field is immutable", "spec.selector"});
}

void CheckService(const Json& object, const Json* before, std::vector<Cause>& out) {
  const std::string& name = object["metadata"]["name"].AsString();
  if (name.size() > 63 || name.find('.') != std::string::npos ||
      (!name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) != 0))
    out.push_back({"FieldValueInvalid",
                   "Invalid value: " + Json::Quote(name) +
                       ": a DNS-1035 label must consist of lower case alphanumeric characters or "
                       "'-', start with an alphabetic character, and end with an alphanumeric "
                       "character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
                       "'[a-z]([-a-z0-9]*[a-z0-9])?')",
                   "metadata.name"});
  if (before == nullptr) return;
  const Json &old = (*before)["spec"]["clusterIP"], &now = object["spec"]["clusterIP"];
  if (old.is_string() && now.is_string() && old != now &&
      (*before)["spec"]["type"] == object["spec"]["type"])
    out.push_back({"FieldValueInvalid",
                   "Invalid value: [" + now.Dump() + "]: may not change once set",
                   "spec.clusterIPs[0]"});
}

// Makes those fields of both specs equal that an update may change.
void MaskMutable(Json& spec, const Json& other) {
  for (const char* list : {"containers", "initContainers"})
    if (Json* containers = spec.Find(list); containers != nullptr)
      for (Json& container : containers->items()) container.Erase("image");
  for (const char* field : {"activeDeadlineSeconds", "terminationGracePeriodSeconds"})
    spec.Erase(field);
  // An update may add tolerations.
  const auto& more = other["tolerations"].items();
  if (Json* tolerations = spec.Find("tolerations"); tolerations != nullptr)
    std::erase_if(tolerations->items(), [&](const Json& one) {
      return std::find(more.begin(), more.end(), one) != more.end();
    });
}

void CheckPodUpdate(const Json& before, const Json& object, std::vector<Cause>& out) {
  Json was = before["spec"], is = object["spec"];
  MaskMutable(was, object["spec"]);
  MaskMutable(is, object["spec"]);
  for (Json* spec : {&was, &is})
    if (std::as_const(*spec)["tolerations"].empty()) spec->Erase("tolerations");
  if (was == is) return;
  out.push_back({"FieldValueForbidden",
                 "Forbidden: pod updates may not change fields other than "
                 "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                 "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                 "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
                 "was previously negative)",
                 "spec"});
}

}  // namespace

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
  ValidateFinalizers(metadata, out);
  ValidateOwners(metadata, out);
  return out;
}

std::vector<Cause> ValidateBuiltin(const Kind& kind, const Json& object, const Json* before) {
  std::vector<Cause> out;
  if (kind.custom) return out;
  if (kind.kind == "Secret") {
    ValidateSecretType(object, out);
    if (before != nullptr && (*before)["type"] != object["type"])
      out.push_back({"FieldValueInvalid",
                     "Invalid value: " + object["type"].Dump() + ": field is immutable", "type"});
  }
  if (kind.kind == "Secret" || kind.kind == "ConfigMap") {
    for (const char* map : {"data", "binaryData"}) ValidateKeys(object, map, out);
    if (before != nullptr) CheckImmutable(*before, object, out);
  }
  if (kind.kind == "Namespace" &&
      object["metadata"]["name"].AsString().find('.') != std::string::npos)
    out.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + object["metadata"]["name"].Dump() + ": must not contain dots",
         "metadata.name"});
  if (kind.kind == "Service" && object["spec"]["type"].AsString() != "ExternalName" &&
      object["spec"]["ports"].empty() && object["spec"]["clusterIP"].AsString() != "None")
    out.push_back({"FieldValueRequired", "Required value", "spec.ports"});
  if (kind.kind == "Service") CheckService(object, before, out);
  if (kind.kind == "Deployment" || kind.kind == "ReplicaSet" || kind.kind == "DaemonSet")
    CheckSelector(object, before, out);
  if (kind.kind == "Pod" && before != nullptr) CheckPodUpdate(*before, object, out);
  if (kind.kind == "Pod" && object["spec"]["containers"].empty())
    out.push_back({"FieldValueRequired", "Required value", "spec.containers"});
  for (const Cause& cause : ValidatePodSpec(kind, object)) out.push_back(cause);
  if (kind.kind == "Service")
    for (const Cause& cause : ValidateServicePorts(object)) out.push_back(cause);
  if (kind.kind == "Job" && before != nullptr &&
      before->At("/spec/template") != object.At("/spec/template"))
    out.push_back({"FieldValueInvalid", "Invalid value: field is immutable", "spec.template"});
  for (const Rule& rule : kRules)
    if (kind.kind == rule.kind) rule.check(object, out);
  if (kind.kind == "PersistentVolumeClaim" && before != nullptr)
    CheckClaimUpdate(*before, object, out);
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
