// Reading and normalising what the user and the tier ask for: what is the same for every engine.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <slipway/kit/json.h>

namespace slipway::kit {

// Receives a JSON Pointer into the spec, a stable reason and a text for a person.
using Complain =
    std::function<void(const std::string& pointer, const std::string& reason, const std::string&)>;
using Warn = std::function<void(const std::string& field, const std::string& message)>;

// Letters, digits and what `more` has.
bool OnlyOf(std::string_view text, std::string_view more);
bool IsObjectName(std::string_view text);
bool IsSecretKey(std::string_view text);
bool IsS3Path(std::string_view text);
bool IsHttpUrl(std::string_view text);
// "30d", "4w", "6m".
bool IsRetention(std::string_view text);

// Say what is wrong with a schedule; empty when it is a cron line of so many fields or a descriptor
// such as @daily.
std::string CrontabError(const std::string& schedule);      // five fields
std::string SecondsCronError(const std::string& schedule);  // six, seconds first

// The size of one instance pod.
struct Sizing {
  int64_t memory_bytes = 0;
  int64_t storage_bytes = 0;
  int64_t cpu_millis = 0;
};

// Checks what the host resolved from the tier (storage, memory, cpu, instances, tier, pod_monitor)
// and writes it out in `spec`. Complains about everything that is wrong.
Sizing NormaliseTier(Json& spec, const Complain& complain);

// One member of `backup`, a string. `error` says what is wrong with it, empty when nothing is.
struct BackupField {
  const char* name;
  const char* standard;  // null: no default
  bool required;
  std::string (*error)(const std::string& value);
};

// Each an `error`.
std::string S3PathError(const std::string& value);
std::string HttpUrlError(const std::string& value);
std::string CredentialsSecretError(const std::string& value);
std::string SecretKeyError(const std::string& value);
std::string RetentionError(const std::string& value);

// What an S3 backup of any engine needs.
inline constexpr BackupField kDestinationPath{"destinationPath", nullptr, true, S3PathError};
inline constexpr BackupField kEndpointUrl{"endpointURL", nullptr, false, HttpUrlError};
inline constexpr BackupField kCredentialsSecret{"credentialsSecret", nullptr, true,
                                                CredentialsSecretError};

// `backup` with every default written out; null when there is none.
Json NormalisedBackup(const Json& given, std::span<const BackupField> fields,
                      const Complain& complain, const Warn& warn);

// A validated spec and the instance it belongs to, as plan and step use them.
struct Instance {
  std::string id, name, ns, seed;
  std::string tier;
  int64_t instances = 1;
  Sizing sizing;
  bool pod_monitor = false;
  Json parameters;
  Json backup;  // null: none

  // Throws slipway::Error when `input` is not what validate returned.
  explicit Instance(const Json& input);

  bool HasBackup() const { return backup.IsObject(); }

  // A folder in the bucket, new for every life of a name: an archive must start empty.
  std::string LifeName() const;
};

}  // namespace slipway::kit
