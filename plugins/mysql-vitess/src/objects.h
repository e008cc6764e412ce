// The operator's custom resources. Each is complete and the same every time: server-side apply
// removes the fields that are no longer sent.
#pragma once
#include "settings.h"
#include "spec.h"

namespace vitess {

inline constexpr char kApi[] = "planetscale.com/v2";
inline constexpr char kJobApi[] = "batch/v1";
inline constexpr char kScheduleKind[] = "planetscale.com/v2/VitessBackupSchedule";  // as in applies

// What a cluster goes through before it is what was asked for.
enum class Form {
  kFromSource,  // its tablet, when new, begins with a backup of the source
  kGrowing,     // no write waits for a second tablet
  kComplete
};

Json VitessCluster(const Database& database, const Settings& settings, Form form = Form::kComplete);
// The full backups, and the incremental ones when there are any.
Json BackupSchedules(const Database& database, const Settings& settings);
// Lets vtctld back up a shard; then removes the backup `remove`, if that is not empty. `owner` is
// the VitessCluster.
Json BackupJob(const Database& database, const Settings& settings, const std::string& name,
               const KeyRange& range, const Json& owner, const std::string& remove = "");

}  // namespace vitess
