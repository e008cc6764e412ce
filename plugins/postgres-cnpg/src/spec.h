// The spec of an instance: checks and completes what the user and the tier say.
#pragma once
#include <string>

#include "kit.h"

namespace cnpg {

// The longest name of an instance. The names of the Backups that its ScheduledBackup makes,
// NAME-backup-20260101010101, are label values.
inline constexpr int kLabelLimit = 63;
inline constexpr std::string_view kBackupSuffix = "-backup";
inline constexpr int kScheduledChildSuffix = 15;
inline constexpr int kNameLimit =
    kLabelLimit - static_cast<int>(kBackupSuffix.size()) - kScheduledChildSuffix;

// Every default written out; applied to its own result it changes nothing. `arguments.source`
// becomes `source`, which stays as it is where the arguments name none.
Json NormalisedSpec(const Request& request, const Complain& complain, const Warn& warn);

}  // namespace cnpg
