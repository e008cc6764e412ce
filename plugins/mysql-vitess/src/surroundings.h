// The objects around the cluster that the operator does not make.
#pragma once
#include <string>

#include "settings.h"
#include "spec.h"

namespace vitess {

std::string BackupAccountName(const Instance& instance);

Json NetworkPolicies(const Database& database, const Settings& settings);
Json DisruptionBudgets(const Database& database);
// The rights of the pod that reads the bucket. It runs in the instance's namespace.
Json BackupRights(const Database& database);
// The requests of containers that have none: the namespace's quota would refuse such containers.
Json Defaults(const Database& database);
Json PodMonitor(const Database& database);

}  // namespace vitess
