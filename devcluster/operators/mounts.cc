#include "devcluster/operators/mounts.h"

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

struct Source {
  const char *field, *name, *kind, *word;
};

constexpr Source kSources[] = {{"secret", "secretName", "Secret", "secret"},
                               {"configMap", "name", "ConfigMap", "configmap"}};

Result<std::string> Missing(kube::Cluster& kube, const Json& pod, const Json& volume,
                            const Source& source) {
  const Json& wanted = volume[source.field];
  const std::string& name = wanted[source.name].AsString();
  if (name.empty() || wanted["optional"].AsBool()) return std::string();
  auto found = kube.Get({"v1", source.kind, NamespaceOf(pod), name});
  if (!found && found.error().code != Code::kNotFound) return std::move(found).error();
  if (!found) return std::string(source.word) + " \"" + name + "\" not found";
  for (const Json& item : wanted["items"].items()) {
    const std::string& key = item["key"].AsString();
    if (!(*found)["data"].Has(key) && !(*found)["binaryData"].Has(key))
      return std::string("references non-existent ") +
             (source.kind == std::string("Secret") ? "secret" : "config") + " key: " + key;
  }
  return std::string();
}

}  // namespace

Result<MissingMount> FindMissingMount(kube::Cluster& kube, const Json& pod) {
  for (const Json& volume : pod.At("/spec/volumes").items())
    for (const Source& source : kSources) {
      TRY(const std::string missing, Missing(kube, pod, volume, source));
      if (missing.empty()) continue;
      const std::string& name = volume["name"].AsString();
      return MissingMount{name,
                          "MountVolume.SetUp failed for volume \"" + name + "\" : " + missing};
    }
  return MissingMount{};
}

}  // namespace slipway::sim::operators
