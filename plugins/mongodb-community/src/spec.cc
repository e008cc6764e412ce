#include "spec.h"

#include "parameters.h"

namespace mongodb {

namespace {

constexpr int64_t kMaxVoters = 7;

}  // namespace

Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn) {
  Json out = spec;
  const Sizing sizing = NormaliseTier(out, complain);
  // A set with one member more than an odd one survives no more failures than that one.
  if (const Json& members = spec["instances"];
      members.IsInt() && members.AsInt() >= 1 && members.AsInt() <= 15 &&
      (members.AsInt() % 2 == 0 || members.AsInt() > kMaxVoters)) {
    complain("/instances", "OutOfRange",
             "a replica set has 1, 3, 5 or 7 instances: an odd number, all of which vote");
  }
  out.Set("parameters", NormalisedParameters(spec["parameters"], sizing, complain));
  if (out["parameters"]["operationProfiling.mode"].AsString() == "all")
    warn("/parameters/operationProfiling.mode", "every operation is written to system.profile");
  const Json& backup = spec["backup"];
  if (!backup.IsNull() && !backup.IsObject())
    complain("/backup", "WrongType", "backup must be null or an object");
  if (backup.IsObject())
    warn("/backup", "the MongoDB Community operator makes no backups: none will be set up");
  out.Set("backup", backup);
  return out;
}

void CheckName(const std::string& name, const Complain& complain) {
  if (!name.ends_with(kArbiters)) return;
  complain("/name", "InvalidName",
           "the name may not end in -arb: the operator gives such a name to the second StatefulSet "
           "of another instance");
}

std::string VersionOf(const Instance& instance) {
  return instance.parameters["version"].AsString();
}

std::string AccountName(const Instance& instance) {
  return instance.name + "-mongodb";
}

std::string PasswordSecretName(const Instance& instance) {
  return instance.name + "-app-password";
}

std::string ConnectionSecretName(const Instance& instance) {
  return instance.name + "-app";
}

std::string MetricsName(const Instance& instance) {
  return instance.name + "-metrics";
}

std::string TlsName(const Instance& instance) {
  return instance.name + "-tls";
}

std::string ServiceName(const Instance& instance) {
  return instance.name + "-svc";
}

}  // namespace mongodb
