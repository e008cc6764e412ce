#include <algorithm>

#include "base/crypto.h"
#include "devcluster/mongodb/pass.h"
#include "devcluster/mongodb/secrets.h"
#include "devcluster/mongodb/servers.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

constexpr size_t kAgentPasswordLength = 20, kKeyfileLength = 500;

// Writes a secret of the operator's; `changed` says what a stored one lacks.
Result<void> WriteSecret(InstancePass& pass, const Json& wanted, Json stored) {
  if (!stored.is_object()) {
    auto made = pass.CreateObject(wanted);
    if (!made) return std::move(made).error();
    return {};
  }
  return pass.PatchObject(stored, Json::Obj({{"data", wanted["data"]}}));
}

// Returns the value of a secret that is made once and then used as it is.
Result<std::string> Generated(InstancePass& pass, const char* suffix, const char* key,
                              size_t length) {
  const std::string name = pass.spec.secret(suffix);
  TRY(Json secret, pass.Find("Secret", name));
  if (!secret.is_object()) {
    TRY(secret, pass.CreateObject(SecretOf(pass.spec, name, {{key, RandomAlnum(length)}})));
  }
  return SecretValue(secret, key);
}

Outcome ReadPasswords(InstancePass& pass) {
  for (const User& user : pass.spec.users) {
    if (user.external()) continue;
    const std::string full = pass.spec.ns + "/" + user.password_secret;
    TRY(const Json secret, pass.Find("Secret", user.password_secret));
    TRY(Json scram, pass.Find("Secret", user.scram_secret));
    const std::string trouble = "Error ensuring User config: ";
    if (secret.is_object() && !secret["data"].Has(user.password_key))
      return Halt("Failed",
                  trouble + "key \"" + user.password_key + "\" not present in the Secret " + full);
    if (!secret.is_object() && !scram.is_object())
      return Halt("Failed", trouble + "user password secret: " + full + " and scram secret: " +
                                pass.spec.ns + "/" + user.scram_secret + " not found");
    // Without the password, the existing credentials stay in use.
    pass.memory.secrets.scram[user.scram_secret] = std::move(scram);
    if (secret.is_object())
      pass.memory.passwords[user.password_secret] = SecretValue(secret, user.password_key);
  }
  return GoOn();
}

Outcome ReadPrometheus(InstancePass& pass) {
  const Json& prometheus = pass.spec.spec["prometheus"];
  if (!prometheus.is_object()) return GoOn();
  const Json& reference = prometheus["passwordSecretRef"];
  const std::string& name = reference["name"].AsString();
  std::string key = reference["key"].AsString();
  if (key.empty()) key = "password";
  TRY(const Json secret, pass.Find("Secret", name));
  const std::string trouble =
      "Error deploying MongoDB ReplicaSet: failed to ensure AutomationConfig: could not build "
      "automation config: could not configure Prometheus modification: ";
  if (!secret.is_object()) return Halt("Failed", trouble + "Secret \"" + name + "\" not found");
  if (!secret["data"].Has(key))
    return Halt("Failed", trouble + "key \"" + key + "\" not present in the Secret " +
                              pass.spec.ns + "/" + name);
  pass.memory.secrets.prometheus_password = SecretValue(secret, key);
  return GoOn();
}

Result<void> EnsureCredentials(InstancePass& pass) {
  for (const User& user : pass.spec.users) {
    const auto password = pass.memory.passwords.find(user.password_secret);
    if (user.external() || password == pass.memory.passwords.end()) continue;
    Json& scram = pass.memory.secrets.scram[user.scram_secret];
    if (ScramFits(scram, password->second)) continue;
    const Json wanted = ScramSecret(pass.spec, user, password->second);
    TRY_VOID(WriteSecret(pass, wanted, scram));
    scram = wanted;
  }
  TRY(pass.memory.secrets.agent_password,
      Generated(pass, "agent-password", "password", kAgentPasswordLength));
  TRY(pass.memory.secrets.keyfile, Generated(pass, "keyfile", "keyfile", kKeyfileLength));
  return {};
}

}  // namespace

Outcome Prepare(InstancePass& pass) {
  if (pass.memory.prepared_generation == pass.spec.generation) return GoOn();
  const Json service = ServiceOf(pass.spec, pass.env.servers->BehindOf(pass.spec));
  TRY(Json stored, pass.Find("Service", NameOf(service)));
  // The stored Service comes from another life, which had servers and now has none, or the other
  // way round. An update cannot change that.
  const bool other = stored.is_object() && (stored["spec"]["clusterIP"].AsString() == "None") !=
                                               (service["spec"]["clusterIP"].AsString() == "None");
  if (other) TRY_VOID(pass.DeleteObject(stored));
  if (stored.is_object() && !other) {
    const Json wanted =
        Json::Obj({{"metadata", Json::Obj({{"labels", service["metadata"]["labels"]},
                                           {"annotations", service["metadata"]["annotations"]}})}});
    TRY_VOID(pass.PatchObject(stored, wanted));
    // The server may have completed a port; that does not make it another port.
    if (stored["spec"]["ports"].size() != service["spec"]["ports"].size() ||
        stored.At("/spec/ports/0/port") != service.At("/spec/ports/0/port"))
      TRY_VOID(pass.PatchObject(
          stored, Json::Obj({{"spec", Json::Obj({{"ports", service["spec"]["ports"]}})}})));
  } else {
    auto made = pass.CreateObject(service);
    if (!made) return std::move(made).error();
  }
  TRY(std::optional<Stop> stopped, EnsureTls(pass));
  if (!stopped) {
    TRY(stopped, ReadPasswords(pass));
  }
  return stopped;
}

Outcome WriteConfig(InstancePass& pass, const Scaling& scaling) {
  if (pass.memory.prepared_generation != pass.spec.generation) {
    TRY_VOID(EnsureCredentials(pass));
    TRY(std::optional<Stop> stopped, ReadPrometheus(pass));
    if (stopped) return stopped;
    pass.memory.prepared_generation = pass.spec.generation;
  }
  Json config = AutomationConfig(pass.spec, scaling, pass.memory.secrets, pass.last_spec(),
                                 pass.memory.config);
  const int64_t version = NextVersion(pass.memory.config, config);
  if (version == pass.config_version()) return GoOn();
  config.Set("version", version);
  TRY(const Json stored, pass.Find("Secret", pass.spec.secret("config")));
  TRY_VOID(WriteSecret(
      pass,
      SecretOf(pass.spec, pass.spec.secret("config"), {{"cluster-config.json", config.Dump()}}),
      stored));
  pass.memory.config = std::move(config);
  return GoOn();
}

Result<void> WriteConnections(InstancePass& pass) {
  std::string contents;
  std::vector<Json> wanted;
  for (const User& user : pass.spec.users) {
    const auto password = pass.memory.passwords.find(user.password_secret);
    if (!user.external() && password == pass.memory.passwords.end()) continue;
    wanted.push_back(ConnectionSecret(pass.spec, pass.env.release, user,
                                      user.external() ? "" : password->second));
    contents += wanted.back()["data"].Dump();
  }
  contents = Sha256Hex(contents);
  if (pass.memory.connected_generation == pass.spec.generation &&
      pass.memory.connected_with == contents)
    return {};
  for (const Json& secret : wanted) {
    TRY(Json stored, pass.Find("Secret", NameOf(secret)));
    const bool foreign = stored.is_object() &&
                         stored.At("/metadata/ownerReferences/0/uid").AsString() != pass.spec.uid;
    if (foreign) {  // the operator only logs this
      pass.env.log.Debug("sim.connection_secret_not_owned", {{"secret", NameOf(secret)}});
      continue;
    }
    TRY_VOID(WriteSecret(pass, secret, std::move(stored)));
  }
  pass.memory.connected_generation = pass.spec.generation;
  pass.memory.connected_with = contents;
  return {};
}

Result<void> DropRemovedUsers(InstancePass& pass) {
  const std::vector<User>& users = pass.spec.users;
  const auto drop = [&](const std::string& name, std::string User::*secret) -> Result<void> {
    const bool used = std::any_of(users.begin(), users.end(),
                                  [&](const User& user) { return user.*secret == name; });
    if (used || name.empty()) return {};
    TRY(const Json found, pass.Find("Secret", name));
    if (found.At("/metadata/ownerReferences/0/uid").AsString() != pass.spec.uid) return {};
    return pass.DeleteObject(found);
  };
  for (const User& gone : InstanceSpec::UsersOf(pass.spec.name, pass.last_spec())) {
    TRY_VOID(drop(gone.scram_secret, &User::scram_secret));
    TRY_VOID(drop(gone.connection_secret, &User::connection_secret));
  }
  return {};
}

}  // namespace slipway::sim::operators::mongodb
