#include "devcluster/cnpg/object_stores.h"

#include "devcluster/cnpg/archive_scripts.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr char kStoreGroup[] = "barmancloud.cnpg.io/v1";

// The plugin's message about a reference to a Secret that it cannot read; "" when it can.
std::string MissingSecret(PassEnvironment& env, const std::string& ns, const Json& reference) {
  const std::string& name = reference["name"].AsString();
  const std::string& key = reference["key"].AsString();
  if (name.empty()) return "";
  auto secret = env.kube.Get({"v1", "Secret", ns, name});
  if (!secret) return "while getting secret " + name + ": Secret \"" + name + "\" not found";
  if (!(*secret)["data"].Has(key)) return "missing key " + key + ", inside secret " + name;
  return "";
}

std::string MissingSecrets(PassEnvironment& env, const std::string& ns, const Json& configuration) {
  for (const char* provider : {"s3Credentials", "azureCredentials", "googleCredentials"})
    for (const auto& [field, reference] : configuration[provider].members())
      if (std::string missing = MissingSecret(env, ns, reference); !missing.empty()) return missing;
  return MissingSecret(env, ns, configuration["endpointCA"]);
}

}  // namespace

PostgresRuntime::Archive ResolveArchive(PassEnvironment& env, const std::string& ns,
                                        const std::string& object_store,
                                        const std::string& server_name) {
  PostgresRuntime::Archive out;
  out.server = server_name;
  const auto refuse = [&out](const std::string& why) {
    out.refusal = PluginError(why);
    return out;
  };
  auto store = env.kube.Get({kStoreGroup, "ObjectStore", ns, object_store});
  if (!store) return refuse("ObjectStore.barmancloud.cnpg.io \"" + object_store + "\" not found");
  const Json& configuration = store->At("/spec/configuration");
  out.destination = configuration["destinationPath"].AsString();
  if (server_name.find('/') != std::string::npos || server_name[0] == '.')
    return refuse("unusable server name " + server_name);
  if (const std::string missing = MissingSecrets(env, ns, configuration); !missing.empty())
    return refuse(missing);
  return out;
}

Result<void> WriteRecoveryWindow(PassEnvironment& env, const std::string& ns,
                                 const std::string& object_store,
                                 const PostgresRuntime::Archive& archive, const std::string& field,
                                 const std::string& time) {
  auto store = env.kube.Get({kStoreGroup, "ObjectStore", ns, object_store});
  if (!store) return {};  // there is no status left to write
  Json window = store->At("/status/serverRecoveryWindow")[archive.server];
  if (!window.is_object()) window = Json::MakeObject();
  const auto bases =
      ListBases(env.runtime->StoreDirectory(archive.destination) + "/" + archive.server);
  window.Set("firstRecoverabilityPoint",
             bases.empty() ? Json() : Json(FormatSeconds(bases.front().end_ms)));
  if (!field.empty()) window.Set(field, time);
  Json windows = Json::MakeObject();
  windows.Set(archive.server, std::move(window));
  Json status = Json::Obj({{"serverRecoveryWindow", std::move(windows)}});
  auto patched = env.kube.Patch(RefOf(*store), kube::PatchType::kMerge,
                                Json::Obj({{"status", std::move(status)}}), "status");
  if (!patched && patched.error().code != Code::kNotFound) return std::move(patched).error();
  return {};
}

}  // namespace slipway::sim::operators::cnpg
