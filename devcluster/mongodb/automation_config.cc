#include "devcluster/mongodb/automation_config.h"

#include <algorithm>

#include "devcluster/mongodb/scram.h"
#include "devcluster/mongodb/secrets.h"

namespace slipway::sim::operators::mongodb {

namespace {

constexpr int64_t kFirstArbiterId = 100;

// Turns {"a.b": 1} into {"a": {"b": 1}}.
Json Nested(const Json& dotted) {
  Json out = Json::MakeObject();
  for (const auto& [key, value] : dotted.members()) {
    std::string pointer = "/" + Json::EscapePointer(key);
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    out.SetAt(pointer, value);
  }
  return out;
}

// The version stays what it was before an upgrade until the spec asks for another one.
std::string Compatibility(const InstanceSpec& spec, const Json& before) {
  if (!spec.compatibility.empty()) return spec.compatibility;
  const std::string& pinned = before.At("/processes/0/featureCompatibilityVersion").AsString();
  return pinned.empty() ? spec.minor_version() : pinned;
}

Json Process(const InstanceSpec& spec, const std::string& name, const std::string& host,
             const std::string& compatibility) {
  Json arguments = Nested(spec.spec["additionalMongodConfig"]);
  arguments.SetAt("/net/port", spec.port);
  if (!arguments.At("/storage/dbPath").is_string()) arguments.SetAt("/storage/dbPath", "/data");
  arguments.SetAt("/replication/replSetName", spec.name);
  if (spec.tls)
    arguments.SetAt("/net/tls", Json::Obj({{"mode", spec.tls_optional ? "preferTLS" : "requireTLS"},
                                           {"CAFile", "/var/lib/tls/ca/"},
                                           {"certificateKeyFile", "/var/lib/tls/server/"}}));
  Json out = Json::Obj({{"name", name},
                        {"disabled", false},
                        {"hostname", host},
                        {"args2_6", std::move(arguments)},
                        {"featureCompatibilityVersion", compatibility},
                        {"processType", "mongod"},
                        {"version", spec.version},
                        {"authSchemaVersion", 5}});
  for (const Json& given : spec.spec.At("/automationConfig/processes").items())
    if (given["name"].AsString() == name) out.MergePatch(given);
  return out;
}

Json Member(const InstanceSpec& spec, int64_t id, const std::string& host, size_t ordinal,
            bool arbiter) {
  const Json& given = spec.spec["memberConfig"][ordinal];
  int64_t votes = 1;
  double priority = arbiter ? 0 : 1;
  if (!arbiter && given.is_object()) {
    votes = given["votes"].AsInt();
    if (given["priority"].is_string())
      priority = std::strtod(given["priority"].AsString().c_str(), nullptr);
  }
  Json out = Json::Obj({{"_id", id},
                        {"host", host},
                        {"arbiterOnly", arbiter},
                        {"votes", votes},
                        {"priority", priority}});
  if (!arbiter && given["tags"].is_object()) out.Set("tags", given["tags"]);
  if (const Json& horizons = spec.spec["replicaSetHorizons"][ordinal];
      !arbiter && horizons.is_object())
    out.Set("horizons", horizons);
  return out;
}

Json Credentials(const Json& secret, const char* kind, const char* salt, int iterations) {
  return Json::Obj({{"iterationCount", iterations},
                    {"salt", SecretValue(secret, salt)},
                    {"serverKey", SecretValue(secret, std::string(kind) + "-server-key")},
                    {"storedKey", SecretValue(secret, std::string(kind) + "-stored-key")}});
}

Json Auth(const InstanceSpec& spec, const ConfigSecrets& secrets, const Json& last_spec,
          const Json& before) {
  Json users = Json::MakeArray();
  for (const User& user : spec.users) {
    Json one = Json::Obj({{"user", user.name}, {"db", user.database}, {"roles", user.roles}});
    if (const auto found = secrets.scram.find(user.scram_secret); found != secrets.scram.end())
      one.Set("scramSha256Creds",
              Credentials(found->second, "sha-256", "sha256-salt", kScramSha256Iterations))
          .Set("scramSha1Creds",
               Credentials(found->second, "sha-1", "sha1-salt", kScramSha1Iterations));
    users.Push(std::move(one));
  }
  const auto wanted = [&](const std::string& name, const std::string& database) {
    return std::any_of(spec.users.begin(), spec.users.end(), [&](const User& user) {
      return user.name == name && user.database == database;
    });
  };
  Json deleted = Json::MakeArray();
  for (const Json& gone : before.At("/auth/usersDeleted").items())
    if (!wanted(gone["user"].AsString(), gone["dbs"][0].AsString())) deleted.Push(gone);
  for (const User& user : InstanceSpec::UsersOf(spec.name, last_spec)) {
    Json gone = Json::Obj({{"user", user.name}, {"dbs", Json::Arr({user.database})}});
    const auto& known = deleted.items();
    if (!wanted(user.name, user.database) &&
        std::find(known.begin(), known.end(), gone) == known.end())
      deleted.Push(std::move(gone));
  }
  const Json& authentication = spec.spec.At("/security/authentication");
  Json modes = authentication["modes"];
  for (Json& mode : modes.items())
    if (mode.AsString() == "SCRAM") mode = "SCRAM-SHA-256";
  if (modes.empty()) modes = Json::Arr({"SCRAM-SHA-256"});
  return Json::Obj({{"usersWanted", std::move(users)},
                    {"usersDeleted", std::move(deleted)},
                    {"disabled", false},
                    {"authoritativeSet", !authentication["ignoreUnknownUsers"].AsBool(true)},
                    {"deploymentAuthMechanisms", modes},
                    {"autoAuthMechanisms", modes},
                    {"autoUser", "mms-automation"},
                    {"autoPwd", secrets.agent_password},
                    {"key", secrets.keyfile},
                    {"keyfile", "/var/lib/mongodb-mms-automation/authentication/keyfile"}});
}

}  // namespace

Json AutomationConfig(const InstanceSpec& spec, const Scaling& scaling,
                      const ConfigSecrets& secrets, const Json& last_spec, const Json& before) {
  const std::string compatibility = Compatibility(spec, before);
  Json processes = Json::MakeArray(), members = Json::MakeArray();
  const auto add = [&](const std::string& set, int64_t ordinal, int64_t id, bool arbiter) {
    const std::string name = set + "-" + std::to_string(ordinal);
    const std::string host = name + "." + spec.service() + "." + spec.ns + ".svc." + spec.domain;
    processes.Push(Process(spec, name, host, compatibility));
    members.Push(Member(spec, id, name, static_cast<size_t>(ordinal), arbiter));
  };
  for (int64_t member = 0; member < scaling.config_members(); ++member)
    add(spec.name, member, member, false);
  for (int64_t arbiter = 0; arbiter < scaling.config_arbiters(); ++arbiter)
    add(spec.arbiters_name(), arbiter, kFirstArbiterId + arbiter, true);
  Json set = Json::Obj({{"_id", spec.name}, {"members", std::move(members)}});
  const Json& given = spec.spec.At("/automationConfig/replicaSet");
  if (given["id"].is_string()) set.Set("_id", given["id"]);
  if (given["settings"].is_object()) set.Set("settings", given["settings"]);
  Json roles = spec.spec.At("/security/roles");
  Json out = Json::Obj({{"processes", std::move(processes)},
                        {"replicaSets", Json::Arr({std::move(set)})},
                        {"auth", Auth(spec, secrets, last_spec, before)},
                        {"roles", roles.is_array() ? std::move(roles) : Json::MakeArray()}});
  if (const Json& agent = spec.spec["agent"]; agent.is_object()) out.Set("agent", agent);
  if (const Json& prometheus = spec.spec["prometheus"]; prometheus.is_object())
    out.Set(
        "prometheus",
        Json::Obj({{"enabled", true},
                   {"username", prometheus["username"]},
                   {"password", secrets.prometheus_password},
                   {"listenAddress", "0.0.0.0:" + std::to_string(prometheus["port"].AsInt(9216))},
                   {"metricsPath", prometheus["metricsPath"].AsString("/metrics")}}));
  if (spec.tls)
    out.Set("tls",
            Json::Obj({{"CAFilePath", "/var/lib/tls/ca/"}, {"clientCertificateMode", "OPTIONAL"}}));
  return out;
}

int64_t NextVersion(const Json& before, const Json& wanted) {
  if (!before.is_object()) return 1;
  Json content = before;
  content.Erase("version");
  return before["version"].AsInt() + (content == wanted ? 0 : 1);
}

}  // namespace slipway::sim::operators::mongodb
