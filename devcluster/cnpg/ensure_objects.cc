#include "base/crypto.h"
#include "devcluster/cnpg/certificates.h"
#include "devcluster/cnpg/object_stores.h"
#include "devcluster/cnpg/objects.h"
#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr int64_t kResyncMs = 60'000;
constexpr char kPoolerUser[] = "cnpg_pooler_pgbouncer";
constexpr char kOperatorHash[] = "6dc973998ae1c4847c8c5d789ff6fdbc02eb0d12edda8f57d2286d12f2c8ef1b";

std::string Value(const Json& secret, const char* key) {
  auto value = Base64Decode(secret["data"][key].AsString());
  return value ? *value : "";
}

// Reads an object, or creates the one that `make` returns.
template <class Make>
Result<Json> Ensure(Pass& pass, const kube::ObjectRef& ref, Make make) {
  auto found = pass.env.kube.Get(ref);
  if (found || found.error().code != Code::kNotFound) return found;
  TRY(const Json object, make());
  return pass.CreateObject(object);
}

struct Secrets {
  Json ca, server, replication, app, superuser, pooler;
};

std::vector<std::string> ServerNames(const ClusterSpec& spec) {
  std::vector<std::string> out;
  for (const char* suffix : {"-rw", "-r", "-ro"}) {
    const std::string name = spec.name + suffix;
    for (const std::string& domain : {std::string(), "." + spec.ns, "." + spec.ns + ".svc",
                                      "." + spec.ns + ".svc.cluster.local"})
      out.push_back(name + domain);
  }
  return out;
}

Result<Json> EnsureTls(Pass& pass, const std::string& name, const Json& ca,
                       const std::string& common_name, const std::vector<std::string>& names) {
  return Ensure(pass, {"v1", "Secret", pass.spec.ns, name}, [&]() -> Result<Json> {
    const KeyPair authority{Value(ca, "ca.crt"), Value(ca, "ca.key")};
    TRY(const KeyPair pair, NewCertificate(authority, common_name, names));
    Json secret = SecretTls(pass.spec, name, pair.cert_pem, pair.key_pem);
    if (common_name == kPoolerUser) secret["metadata"]["labels"].Set("cnpg.io/reload", "true");
    return secret;
  });
}

Result<Json> EnsureUser(Pass& pass, const std::string& name, const char* type,
                        const std::string& user, const std::string& database) {
  return Ensure(pass, {"v1", "Secret", pass.spec.ns, name}, [&]() -> Result<Json> {
    return SecretUser(pass.spec, name, type, user, RandomAlnum(64), database);
  });
}

bool HasPooler(Pass& pass) {
  auto poolers = pass.env.kube.List(kGroup, "Pooler", pass.spec.ns, {});
  if (!poolers) return false;
  for (const Json& pooler : poolers->items)
    if (pooler.At("/spec/cluster/name").AsString() == pass.spec.name) return true;
  return false;
}

Result<Secrets> EnsureSecrets(Pass& pass) {
  const ClusterSpec& spec = pass.spec;
  Secrets out;
  const std::string ca = spec.name + "-ca";
  TRY(out.ca, Ensure(pass, {"v1", "Secret", spec.ns, ca}, [&]() -> Result<Json> {
        TRY(const KeyPair pair, NewAuthority(spec.name));
        return SecretOpaque(spec, ca, {{"ca.crt", pair.cert_pem}, {"ca.key", pair.key_pem}});
      }));
  TRY(out.server,
      EnsureTls(pass, spec.name + "-server", out.ca, spec.name + "-rw", ServerNames(spec)));
  TRY(out.replication,
      EnsureTls(pass, spec.name + "-replication", out.ca, "streaming_replica", {}));
  if (spec.superuser_access) {
    TRY(out.superuser, EnsureUser(pass, spec.name + "-superuser", "superuser", "postgres", "*"));
  }
  if (!spec.own_app_secret) {
    TRY(out.app, EnsureUser(pass, spec.app_secret, "app", spec.owner, spec.database));
  } else if (auto own = pass.env.kube.Get({"v1", "Secret", spec.ns, spec.app_secret}); own) {
    out.app = std::move(*own);
  }
  if (HasPooler(pass)) {
    TRY(out.pooler, EnsureTls(pass, spec.name + "-pooler", out.ca, kPoolerUser, {}));
  }
  return out;
}

// Updates the labels, the annotations and the number in a PDB when the Cluster has changed.
Result<void> Follow(Pass& pass, Json object, const Json& wanted) {
  Json patch = Json::Obj({{"metadata", Json::Obj({{"labels", wanted["metadata"]["labels"]}})}});
  if (wanted["metadata"].Has("annotations"))
    patch["metadata"].Set("annotations", wanted["metadata"]["annotations"]);
  if (wanted["kind"].AsString() == "PodDisruptionBudget")
    patch.SetAt("/spec/minAvailable", wanted["spec"]["minAvailable"]);
  return pass.PatchObject(object, patch);
}

Result<void> EnsurePlatform(Pass& pass) {
  for (const Json& wanted : PlatformObjects(pass.spec)) {
    auto found = pass.env.kube.Get(RefOf(wanted));
    if (found) {
      TRY_VOID(Follow(pass, std::move(*found), wanted));
      continue;
    }
    if (found.error().code != Code::kNotFound) return std::move(found).error();
    if (wanted["kind"].AsString() == "PodDisruptionBudget")
      pass.Event("CreatingPodDisruptionBudget", "Creating PodDisruptionBudget " + NameOf(wanted));
    auto created = pass.CreateObject(wanted);
    if (!created) return std::move(created).error();
  }
  return {};
}

Json StaticStatus(const Pass& pass, const Secrets& secrets, const Json& monitoring) {
  const ClusterSpec& spec = pass.spec;
  const auto version = [](const Json& object) { return object["metadata"]["resourceVersion"]; };
  Json names = Json::MakeArray();
  for (const std::string& name : ServerNames(spec)) names.Push(name);
  Json versions = Json::MakeObject();
  SetOrErase(versions, "applicationSecretVersion", version(secrets.app));
  versions.Set("clientCaSecretVersion", version(secrets.ca))
      .Set("replicationSecretVersion", version(secrets.replication))
      .Set("serverCaSecretVersion", version(secrets.ca))
      .Set("serverSecretVersion", version(secrets.server));
  SetOrErase(versions, "superuserSecretVersion", version(secrets.superuser));
  Json pooling = Json::MakeObject();
  if (!secrets.pooler.is_null()) pooling.Set("secrets", Json::Arr({Json(spec.name + "-pooler")}));
  return Json::Obj(
      {{"availableArchitectures",
        Json::Arr({Json::Obj({{"goArch", "amd64"}, {"hash", kOperatorHash}})})},
       {"certificates",
        Json::Obj(
            {{"clientCASecret", spec.name + "-ca"},
             {"expirations",
              Json::Obj({{spec.name + "-ca", ExpirationOf(Value(secrets.ca, "ca.crt"))},
                         {spec.name + "-replication",
                          ExpirationOf(Value(secrets.replication, "tls.crt"))},
                         {spec.name + "-server", ExpirationOf(Value(secrets.server, "tls.crt"))}})},
             {"replicationTLSSecret", spec.name + "-replication"},
             {"serverAltDNSNames", std::move(names)},
             {"serverCASecret", spec.name + "-ca"},
             {"serverTLSSecret", spec.name + "-server"}})},
       {"cloudNativePGCommitHash", "4b5e244a7"},
       {"cloudNativePGOperatorHash", kOperatorHash},
       {"configMapResourceVersion",
        Json::Obj({{"metrics", Json::Obj({{"cnpg-default-monitoring", version(monitoring)}})}})},
       {"managedRolesStatus", Json::MakeObject()},
       {"poolerIntegrations", Json::Obj({{"pgBouncerIntegration", std::move(pooling)}})},
       {"readService", spec.name + "-r"},
       {"secretsResourceVersion", std::move(versions)},
       {"selector", "cnpg.io/cluster=" + spec.name + ",cnpg.io/podRole=instance"},
       {"switchReplicaClusterStatus", Json::MakeObject()},
       {"writeService", spec.name + "-rw"}});
}

// Finds the archives that the plugin works with. The servers learn of a change in the next pass, so
// this asks for one: perhaps nothing else does.
void ResolveArchives(Pass& pass) {
  const ClusterSpec& spec = pass.spec;
  PostgresRuntime::Archive archive, origin;
  if (spec.archives)
    archive = ResolveArchive(pass.env, spec.ns, spec.object_store, spec.server_name);
  archive.skip_check = spec.skip_archive_check;
  if (!spec.origin_store.empty())
    origin = ResolveArchive(pass.env, spec.ns, spec.origin_store, spec.origin_server);
  if (archive == pass.memory.archive && origin == pass.memory.origin) return;
  pass.memory.archive = std::move(archive);
  pass.memory.origin = std::move(origin);
  pass.RequeueIn(0);
}

}  // namespace

Result<void> EnsureObjects(Pass& pass) {
  ClusterMemory& memory = pass.memory;
  const int64_t generation = pass.cluster["metadata"]["generation"].AsInt();
  const int64_t steady = pass.env.clock.SteadyMs();
  if (memory.ensured_generation == generation && steady - memory.ensured_at_ms < kResyncMs)
    return {};
  TRY(const Secrets secrets, EnsureSecrets(pass));
  TRY_VOID(EnsurePlatform(pass));
  const std::string ns = pass.spec.ns;
  TRY(const Json monitoring, Ensure(pass, {"v1", "ConfigMap", ns, "cnpg-default-monitoring"},
                                    [&]() -> Result<Json> { return DefaultMonitoring(ns); }));
  memory.static_status = StaticStatus(pass, secrets, monitoring);
  memory.password = Value(secrets.app, "password");
  memory.tls_cert = Value(secrets.server, "tls.crt");
  memory.tls_key = Value(secrets.server, "tls.key");
  ResolveArchives(pass);
  memory.ensured_generation = generation;
  memory.ensured_at_ms = steady;
  if (!secrets.app.is_null()) return {};
  // The user has not created the secret yet: look for it again soon.
  memory.ensured_generation = -1;
  pass.RequeueIn(500);
  return {};
}

}  // namespace slipway::sim::operators::cnpg
