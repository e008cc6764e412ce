#include "devcluster/builtin_pod_rules.h"

#include <set>

namespace slipway::sim {

namespace {

struct Place {
  const char *kind, *pointer, *path;
};

constexpr Place kPlaces[] = {
    {"Pod", "/spec", "spec"},
    {"Deployment", "/spec/template/spec", "spec.template.spec"},
    {"StatefulSet", "/spec/template/spec", "spec.template.spec"},
    {"DaemonSet", "/spec/template/spec", "spec.template.spec"},
    {"ReplicaSet", "/spec/template/spec", "spec.template.spec"},
    {"Job", "/spec/template/spec", "spec.template.spec"},
    {"CronJob", "/spec/jobTemplate/spec/template/spec", "spec.jobTemplate.spec.template.spec"}};

// The server refuses an element of this list without this field.
struct Needed {
  const char *list, *field;
};

constexpr Needed kOfContainer[] = {{"ports", "containerPort"},
                                   {"env", "name"},
                                   {"volumeMounts", "mountPath"},
                                   {"volumeDevices", "devicePath"}};

bool Missing(const Json& value) {
  return value.is_null() || value == Json("") || value == Json(0);
}

class Rules {
 public:
  void Containers(const Json& spec, const std::string& path, const char* list) {
    Each(spec, path, list, [&](const Json& container, const std::string& at) {
      for (const char* field : {"name", "image"}) Require(container, at, field);
      for (const Needed& needed : kOfContainer)
        Each(container, at, needed.list, [&](const Json& item, const std::string& where) {
          Require(item, where, needed.field);
        });
      if (spec["hostNetwork"].AsBool()) HostPorts(container, at);
    });
  }

  void Volumes(const Json& spec, const std::string& path) {
    Each(spec, path, "volumes",
         [&](const Json& volume, const std::string& at) { Require(volume, at, "name"); });
    Each(spec, path, "hostAliases", [&](const Json& alias, const std::string& at) {
      if (Missing(alias["ip"]))
        Add("FieldValueInvalid", at + ".ip", "Invalid value: \"\": must be a valid IP address");
    });
  }

  void Spread(const Json& spec, const std::string& path) {
    std::set<std::string> seen;
    Each(spec, path, "topologySpreadConstraints", [&](const Json& one, const std::string& at) {
      Require(one, at, "topologyKey");
      const std::string& when = one["whenUnsatisfiable"].AsString();
      if (when != "DoNotSchedule" && when != "ScheduleAnyway")
        Add("FieldValueNotSupported", at + ".whenUnsatisfiable",
            "Unsupported value: " + Json::Quote(when) +
                ": supported values: \"DoNotSchedule\", \"ScheduleAnyway\"");
      const std::string key = one["topologyKey"].AsString() + ", " + when;
      if (!seen.insert(key).second)
        Add("FieldValueDuplicate",
            path + ".topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}",
            "Duplicate value: \"{" + key + "}\"");
    });
  }

  void ServicePorts(const Json& spec) {
    std::set<std::string> seen;
    Each(spec, "spec", "ports", [&](const Json& port, const std::string& at) {
      if (Missing(port["port"]))
        for (const char* field : {".port", ".targetPort"})
          Add("FieldValueInvalid", at + field,
              "Invalid value: 0: must be between 1 and 65535, inclusive");
      const std::string key = port["port"].Dump() + port["protocol"].AsString();
      if (!seen.insert(key).second)
        Add("FieldValueDuplicate", at, "Duplicate value: " + port.Dump());
    });
  }

  std::vector<Cause> Take() { return std::move(causes_); }

 private:
  template <class F>
  static void Each(const Json& object, const std::string& path, const char* list, F check) {
    size_t i = 0;
    for (const Json& item : object[list].items())
      check(item, path + "." + list + "[" + std::to_string(i++) + "]");
  }

  void HostPorts(const Json& container, const std::string& path) {
    Each(container, path, "ports", [&](const Json& port, const std::string& at) {
      if (!Missing(port["hostPort"]) && port["hostPort"] != port["containerPort"])
        Add("FieldValueInvalid", at + ".hostPort",
            "Invalid value: " + port["hostPort"].Dump() +
                ": must match `containerPort` when `hostNetwork` is true");
    });
  }

  void Require(const Json& item, const std::string& path, const char* field) {
    if (Missing(item[field])) Add("FieldValueRequired", path + "." + field, "Required value");
  }

  void Add(const char* reason, std::string field, std::string message) {
    causes_.push_back({reason, std::move(message), std::move(field)});
  }

  std::vector<Cause> causes_;
};

}  // namespace

std::vector<Cause> ValidatePodSpec(const Kind& kind, const Json& object) {
  Rules rules;
  for (const Place& place : kPlaces) {
    if (kind.kind != place.kind) continue;
    const Json& spec = object.At(place.pointer);
    for (const char* list : {"containers", "initContainers"})
      rules.Containers(spec, place.path, list);
    rules.Volumes(spec, place.path);
    rules.Spread(spec, place.path);
  }
  return rules.Take();
}

std::vector<Cause> ValidateServicePorts(const Json& object) {
  Rules rules;
  rules.ServicePorts(object["spec"]);
  return rules.Take();
}

}  // namespace slipway::sim
