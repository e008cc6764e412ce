// Reads and normalises the part of a request that is the same for every engine.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <slipway/kit/json.h>

namespace slipway::kit {

// Takes a mistake: a JSON Pointer into the spec, a stable reason and a text for a person.
using Complain =
    std::function<void(const std::string& pointer, const std::string& reason, const std::string&)>;
using Warn = std::function<void(const std::string& field, const std::string& message)>;

// Is every character a letter, a digit or one of `more`?
bool OnlyOf(std::string_view text, std::string_view more);
// Is `value` one of "a|b|c"?
bool OneOf(std::string_view values, std::string_view value);
bool IsObjectName(std::string_view text);
bool IsSecretKey(std::string_view text);
bool IsDnsLabel(std::string_view text);
bool IsS3Path(std::string_view text);
// "file:///var/backups": an absolute directory of the same characters, without "..".
bool IsFilePath(std::string_view text);
bool IsHttpUrl(std::string_view text);
// "30d", "4w", "6m".
bool IsRetention(std::string_view text);

// The size of one instance pod.
struct Sizing {
  int64_t memory_bytes = 0;
  int64_t storage_bytes = 0;
  int64_t cpu_millis = 0;
};

// Checks the members that the host resolved from the tier (storage, memory, cpu, instances, tier,
// pod_monitor) and writes them out in `spec`. Complains about every mistake.
Sizing NormaliseTier(Json& spec, const Complain& complain);

// One member of `backup`, a string. `error` describes a mistake in it and returns "" for none.
struct BackupField {
  const char* name;
  const char* standard;  // null: no default
  bool required;
  std::string (*error)(const std::string& value);
};

// Functions for `error`.
std::string S3PathError(const std::string& value);
std::string StorePathError(const std::string& value);  // takes a directory, too
std::string DnsLabelError(const std::string& value);
std::string HttpUrlError(const std::string& value);
std::string CredentialsSecretError(const std::string& value);
std::string SecretKeyError(const std::string& value);
std::string RetentionError(const std::string& value);

// The members that an S3 backup of any engine has. The host's store may be a directory (of the
// development cluster); an engine that has no use for one takes S3PathError instead.
inline constexpr BackupField kDestinationPath{"destinationPath", nullptr, true, StorePathError};
inline constexpr BackupField kEndpointUrl{"endpointURL", nullptr, false, HttpUrlError};
inline constexpr BackupField kCredentialsSecret{"credentialsSecret", nullptr, true,
                                                CredentialsSecretError};
// The name of the host's store.
inline constexpr BackupField kStore{"store", nullptr, false, DnsLabelError};
// Keys of the Secret with the region, and with a CA bundle.
inline constexpr BackupField kRegionKey{"regionKey", nullptr, false, SecretKeyError};
inline constexpr BackupField kCaKey{"caKey", nullptr, false, SecretKeyError};

// `backup` with every default written out; null without a backup.
Json NormalisedBackup(const Json& given, std::span<const BackupField> fields,
                      const Complain& complain, const Warn& warn);

// The name of an instance's folder in the bucket. A new instance of an old name gets a new one, for
// an archive must start empty. `instance` has the members name, seed and id.
std::string LifeNameOf(const Json& instance);

// An instance and its validated spec, as plan and step read them.
struct Instance {
  std::string id, name, ns, seed;
  std::string tier;
  int64_t instances = 1;
  Sizing sizing;
  bool pod_monitor = false;
  Json parameters;
  Json backup;  // null: none
  Json source;  // null: it was not restored

  // Throws slipway::Error when `input` names no instance.
  explicit Instance(const Json& input);

  bool HasBackup() const { return backup.IsObject(); }

  bool IsRestored() const { return source.IsObject(); }

  std::string LifeName() const;
};

}  // namespace slipway::kit
