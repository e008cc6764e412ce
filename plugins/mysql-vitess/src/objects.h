// The Kubernetes objects of an instance. Each is complete and the same every time: server-side
// apply takes away what is no longer sent.
#pragma once
#include <string>

#include "settings.h"
#include "spec.h"

namespace vitess {

inline constexpr char kApi[] = "planetscale.com/v2";

std::string CredentialsName(const Instance& instance);
std::string BackupAccountName(const Instance& instance);

Json VitessCluster(const Database& database, const Settings& settings);
// The full backups, and the incremental ones when there are any.
Json BackupSchedules(const Database& database, const Settings& settings);

// secrets.cc: users.json for vtgate, init_db.sql for mysqld, and what the user is shown.
Json Secrets(const Database& database);

// surroundings.cc
Json NetworkPolicies(const Database& database, const Settings& settings);
Json DisruptionBudgets(const Database& database);
// The rights of the pod that reads the bucket, which runs in the instance's namespace.
Json BackupRights(const Database& database);
// What containers that ask for nothing get: under the namespace's quota they would be refused.
Json Defaults(const Database& database);
Json PodMonitor(const Database& database);
// ResourceQuota `hard` keys.
Json Quota(const Database& database);

}  // namespace vitess
