#include "spec.h"

#include <cstdint>
#include <string>
#include <utility>

#include "parameters.h"
#include "recovery.h"

namespace cnpg {

namespace {

const BackupField kBackupFields[] = {
    kDestinationPath,
    kEndpointUrl,
    kCredentialsSecret,
    {"accessKeyIdKey", "ACCESS_KEY_ID", false, SecretKeyError},
    {"secretAccessKeyKey", "ACCESS_SECRET_KEY", false, SecretKeyError},
    kRegionKey,
    kCaKey,
    {"schedule", nullptr, false, SecondsCronError},
    {"retentionPolicy", "30d", false, RetentionError},
    kStore,
};

void CheckBackupType(const Request& request, const Complain& complain) {
  const Json& type = request.arguments["type"];
  if (request.verb == "backup" && !type.IsNull() && type.AsString() != "FULL")
    complain("/type", "InvalidValue", "type must be FULL, the only kind of backup here");
}

// Daily between one and five, at a time of the archive's own: many instances must not all begin
// at once. FNV-1a, so that the same folder always gets the same time.
std::string OwnSchedule(const std::string& folder) {
  constexpr uint64_t kSecondsToSpread = 4 * 3600;
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : folder) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  const uint64_t at = hash % kSecondsToSpread;
  return std::to_string(at % 60) + " " + std::to_string(at / 60 % 60) + " " +
         std::to_string(1 + at / 3600) + " * * *";
}

}  // namespace

Json NormalisedSpec(const Request& request, const Complain& complain, const Warn& warn) {
  CheckBackupType(request, complain);
  const Json& spec = request.spec;
  const Json& source = request.arguments["source"];
  Json out = spec;
  const Sizing sizing = NormaliseTier(out, complain);
  out.Set("parameters", NormalisedParameters(OwnParameters(spec["parameters"], request.previous),
                                             sizing, source.At("spec/parameters"), complain));
  if (out["parameters"]["autovacuum"].AsString() == "off")
    warn("/parameters/autovacuum", "without autovacuum tables bloat and transaction ids run out");
  if (out["parameters"]["synchronous_commit"].AsString() == "off")
    warn("/parameters/synchronous_commit", "a crash loses the last committed transactions");
  Json backup = NormalisedBackup(spec["backup"], kBackupFields, complain, warn);
  if (backup.IsObject() && !backup.Has("schedule"))
    backup.Set("schedule", OwnSchedule(backup["destinationPath"].AsString()));
  out.Set("backup", std::move(backup));
  if (!source.IsNull()) {
    out.Set("source", NormalisedSource(source, sizing, complain));
  } else {
    CheckSource(spec["source"], complain);
  }
  return out;
}

}  // namespace cnpg
