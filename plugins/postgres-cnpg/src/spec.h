// The spec of one instance: normalising what the user and the tier say, and reading it back.
#pragma once
#include <functional>
#include <string>

#include "json.h"
#include "parameters.h"

namespace cnpg {

// Longest instance name: its ScheduledBackup's children NAME-backup-20260101010101 are label
// values.
inline constexpr int kLabelLimit = 63;
inline constexpr std::string_view kBackupSuffix = "-backup";
inline constexpr int kScheduledChildSuffix = 15;
inline constexpr int kNameLimit =
    kLabelLimit - static_cast<int>(kBackupSuffix.size()) - kScheduledChildSuffix;

using Warn = std::function<void(const std::string& field, const std::string& message)>;

// Every default written out; applied to its own result it changes nothing.
Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn);

// Says what is wrong with a schedule; empty when it is a six-field cron line or a descriptor.
std::string CronError(const std::string& schedule);

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

  // The folder in the bucket, new for every life of a name: an archive must start empty.
  std::string ServerName() const;
};

}  // namespace cnpg
