#include "spec.h"

#include "parameters.h"

namespace cnpg {

namespace {

const BackupField kBackupFields[] = {
    kDestinationPath,
    kEndpointUrl,
    kCredentialsSecret,
    {"accessKeyIdKey", "ACCESS_KEY_ID", false, SecretKeyError},
    {"secretAccessKeyKey", "ACCESS_SECRET_KEY", false, SecretKeyError},
    {"schedule", "0 0 1 * * *", false, SecondsCronError},
    {"retentionPolicy", "30d", false, RetentionError},
};

}  // namespace

Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn) {
  Json out = spec;
  const Sizing sizing = NormaliseTier(out, complain);
  out.Set("parameters", NormalisedParameters(spec["parameters"], sizing, complain));
  if (out["parameters"]["autovacuum"].AsString() == "off")
    warn("/parameters/autovacuum", "without autovacuum tables bloat and transaction ids run out");
  if (out["parameters"]["synchronous_commit"].AsString() == "off")
    warn("/parameters/synchronous_commit", "a crash loses the last committed transactions");
  out.Set("backup", NormalisedBackup(spec["backup"], kBackupFields, complain, warn));
  return out;
}

}  // namespace cnpg
