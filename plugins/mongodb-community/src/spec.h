// The spec of an instance: checks and completes what the user and the tier say, and names its
// objects.
#pragma once
#include <algorithm>
#include <string>

#include "kit.h"

namespace mongodb {

// The longest name of an instance. The operator's second StatefulSet is NAME-arb, and the revisions
// that a StatefulSet labels its pods with append up to ten letters and a dash: NAME-arb-5f6c9d7b8f
// is a label value. CronJobs may have 52 characters, and NAME-pbm-cleanup is kept free for backups.
inline constexpr int kLabelLimit = 63;
inline constexpr int kCronJobLimit = 52;
inline constexpr std::string_view kArbiters = "-arb";
inline constexpr int kRevisionSuffix = 11;
inline constexpr std::string_view kBackupCronJob = "-pbm-cleanup";
inline constexpr int kNameLimit =
    std::min(kLabelLimit - static_cast<int>(kArbiters.size()) - kRevisionSuffix,
             kCronJobLimit - static_cast<int>(kBackupCronJob.size()));

// The application's database. It also keeps the application's user, so that a URI names it once.
inline constexpr char kDatabase[] = "app";
inline constexpr char kUser[] = "app";

// Every default written out; applied to its own result it changes nothing.
Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn);
// Complains about names that Kubernetes would take and the operator would not.
void CheckName(const std::string& name, const Complain& complain);

std::string VersionOf(const Instance& instance);

std::string AccountName(const Instance& instance);           // ServiceAccount, Role, RoleBinding
std::string PasswordSecretName(const Instance& instance);    // tells the operator the password
std::string ConnectionSecretName(const Instance& instance);  // written by the operator
std::string MetricsName(const Instance& instance);           // its Secret and the PodMonitor
std::string TlsName(const Instance& instance);               // Certificate and its Secret
std::string ServiceName(const Instance& instance);           // the operator's headless one

}  // namespace mongodb
