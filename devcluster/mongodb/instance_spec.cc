#include "devcluster/mongodb/instance_spec.h"

#include <algorithm>
#include <map>
#include <set>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

// Makes a name of an object: in lower case, with a dash for every other character.
std::string Normalised(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    out += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

std::string Mechanism(const std::string& mode) {
  return mode == "SCRAM" ? "SCRAM-SHA-256" : mode;
}

std::string MistakeInUser(const User& user, const std::set<std::string>& mechanisms) {
  if (user.external()) {
    if (mechanisms.count("X509") == 0)
      return "X.509 user " + user.name + " present but X.509 is not enabled";
    if (!user.password_secret.empty())
      return "X509 user " + user.name + " should not have a password secret name";
    if (!user.scram_secret.empty())
      return "X509 user " + user.name + " should not have scram credentials secret name";
    return "";
  }
  if (mechanisms.count("SCRAM-SHA-1") == 0 && mechanisms.count("SCRAM-SHA-256") == 0)
    return "SCRAM user " + user.name + " present but SCRAM is not enabled";
  if (user.password_secret.empty())
    return "SCRAM user " + user.name + " is missing password secret name";
  if (user.scram_secret.empty())
    return "SCRAM user " + user.name + " is missing scram credentials secret name";
  return "";
}

std::string MistakeInUsers(const InstanceSpec& spec, const std::set<std::string>& mechanisms) {
  std::map<std::string, const User*> connections, credentials;
  std::string connection_clash, credential_clash;
  const auto add = [](std::string& list, const std::string& one) {
    list += (list.empty() ? "" : ", ") + one;
  };
  for (const User& user : spec.users) {
    const auto [connection, fresh] = connections.emplace(user.connection_secret, &user);
    if (!fresh)
      add(connection_clash, "[connection string secret name: \"" + user.connection_secret +
                                "\" for user: \"" + connection->second->name + "\", db: \"" +
                                connection->second->database + "\" and user: \"" + user.name +
                                "\", db: \"" + user.database + "\"]");
    if (std::string mistake = MistakeInUser(user, mechanisms); !mistake.empty()) return mistake;
    if (user.external()) continue;
    const auto [credential, first] = credentials.emplace(user.scram_secret, &user);
    if (!first)
      add(credential_clash, "[scram secret name: \"" + user.scram_secret + "\" for user: \"" +
                                credential->second->name + "\" and user: \"" + user.name + "\"]");
  }
  if (!connection_clash.empty())
    return "connection string secret names collision, update at least one of the users so that "
           "the resulted secret names (<resource name>-<user>-<db>) are unique: " +
           connection_clash;
  if (!credential_clash.empty())
    return "scram credential secret names collision, update at least one of the users: " +
           credential_clash;
  return "";
}

std::string MistakeInModes(const InstanceSpec& spec, std::set<std::string>& mechanisms) {
  const Json& authentication = spec.spec.At("/security/authentication");
  std::set<std::string> kinds;
  for (const Json& mode : authentication["modes"].items()) {
    if (!mechanisms.insert(Mechanism(mode.AsString())).second)
      return "some authentication modes are declared twice or more";
    kinds.insert(mode.AsString() == "X509" ? "X509" : "SCRAM");
  }
  if (mechanisms.empty()) mechanisms.insert("SCRAM-SHA-256");
  if (mechanisms.size() < 2) return "";
  const std::string& agent = authentication["agentMode"].AsString();
  if (agent.empty())
    return "If spec.security.authentication.modes contains different authentication modes, the "
           "agent mode must be specified";
  if (mechanisms.count(Mechanism(agent)) == 0)
    return "Agent authentication mode: " + agent +
           " must be part of the spec.security.authentication.modes";
  return "";
}

}  // namespace

const Release& Mck110() {
  static constexpr Release kRelease{
      "mongodb-kubernetes-appdb",
      "quay.io/mongodb/mongodb-community-server",
      "ubi9",
      "quay.io/mongodb/mongodb-agent:108.0.25.9029-1",
      "quay.io/mongodb/mongodb-kubernetes-operator-version-upgrade-post-start-hook:1.0.10",
      "quay.io/mongodb/mongodb-kubernetes-readinessprobe:1.0.24",
      true,
      true};
  return kRelease;
}

const Release& Mco013() {
  static constexpr Release kRelease{
      "mongodb-database",
      "quay.io/mongodb/mongodb-community-server",
      "ubi9",
      "quay.io/mongodb/mongodb-agent-ubi:108.0.6.8796-1",
      "quay.io/mongodb/mongodb-kubernetes-operator-version-upgrade-post-start-hook:1.0.10",
      "quay.io/mongodb/mongodb-kubernetes-readinessprobe:1.0.23",
      false,
      false};
  return kRelease;
}

std::vector<User> InstanceSpec::UsersOf(const std::string& instance, const Json& spec) {
  std::vector<User> out;
  for (const Json& given : spec["users"].items()) {
    User user;
    user.name = given["name"].AsString();
    user.database = given["db"].AsString("admin");
    user.password_secret = given.At("/passwordSecretRef/name").AsString();
    user.password_key = given.At("/passwordSecretRef/key").AsString("password");
    if (user.password_key.empty()) user.password_key = "password";
    if (const std::string& scram = given["scramCredentialsSecretName"].AsString(); !scram.empty())
      user.scram_secret = scram + "-scram-credentials";
    user.connection_secret = given["connectionStringSecretName"].AsString();
    if (user.connection_secret.empty())
      user.connection_secret = Normalised(instance + "-" + user.database + "-" + user.name);
    user.roles = given["roles"];
    user.options = given["additionalConnectionStringConfig"];
    user.annotations = given["connectionStringSecretAnnotations"];
    out.push_back(std::move(user));
  }
  return out;
}

InstanceSpec InstanceSpec::Parse(const Json& object) {
  InstanceSpec out;
  out.ns = NamespaceOf(object);
  out.name = NameOf(object);
  out.uid = UidOf(object);
  out.generation = object["metadata"]["generation"].AsInt();
  out.fault = FaultOf(object);
  out.spec = object["spec"];
  const Json& spec = out.spec;
  out.members = spec["members"].AsInt();
  out.arbiters = spec["arbiters"].AsInt();
  out.version = spec["version"].AsString();
  out.compatibility = spec["featureCompatibilityVersion"].AsString();
  out.domain = spec["clusterDomain"].AsString("cluster.local");
  const Json& tls = spec.At("/security/tls");
  out.tls = tls["enabled"].AsBool();
  out.tls_optional = tls["optional"].AsBool();
  out.port = spec["additionalMongodConfig"]["net.port"].AsInt(27017);
  out.users = UsersOf(out.name, spec);
  return out;
}

std::string InstanceSpec::Mistake(const Json& last) const {
  if (last.At("/security/tls/enabled").AsBool() && !tls)
    return "TLS can't be set to disabled after it has been enabled";
  std::set<std::string> mechanisms;
  std::string in_modes = MistakeInModes(*this, mechanisms);
  if (std::string mistake = MistakeInUsers(*this, mechanisms); !mistake.empty()) return mistake;
  if (arbiters < 0) return "number of arbiters must be greater or equal than 0";
  if (arbiters >= members)
    return "number of arbiters specified (" + std::to_string(arbiters) +
           ") is greater or equal than the number of members in the replicaset (" +
           std::to_string(members) + "). At least one member must not be an arbiter";
  if (!in_modes.empty()) return in_modes;
  if (const Json& replicas = spec.At("/statefulSet/spec/replicas");
      replicas.is_number() && replicas.AsInt() != members)
    return "spec.statefulset.spec.replicas has to be equal to spec.members";
  return "";
}

std::string InstanceSpec::service() const {
  const std::string& given = spec.At("/statefulSet/spec/serviceName").AsString();
  return given.empty() ? name + "-svc" : given;
}

std::string InstanceSpec::host(int64_t member) const {
  return name + "-" + std::to_string(member) + "." + service() + "." + ns + ".svc." + domain;
}

std::string InstanceSpec::hosts(int64_t count) const {
  std::string out;
  for (int64_t member = 0; member < count; ++member)
    out += (member == 0 ? "" : ",") + host(member) + ":" + std::to_string(port);
  return out;
}

std::string InstanceSpec::uri(int64_t count) const {
  return "mongodb://" + hosts(count) + "/?replicaSet=" + name +
         ConnectionOptions(spec["additionalConnectionStringConfig"], Json());
}

std::string InstanceSpec::minor_version() const {
  const size_t first = version.find('.'), second = version.find('.', first + 1);
  return version.substr(0, second);
}

std::string ConnectionOptions(const Json& of_instance, const Json& of_user) {
  std::map<std::string, std::string> options;
  for (const Json* given : {&of_instance, &of_user})
    for (const auto& [key, value] : given->members())
      if (key != "replicaSet" && key != "ssl" && key != "tls")
        options[key] = value.is_string() ? value.AsString() : value.Dump();
  std::string out;
  for (const auto& [key, value] : options) out += "&" + key + "=" + value;
  return out;
}

}  // namespace slipway::sim::operators::mongodb
