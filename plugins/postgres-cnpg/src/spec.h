// The spec of one instance: normalising what the user and the tier say.
#pragma once
#include <string>

#include "kit.h"

namespace cnpg {

// Longest instance name: its ScheduledBackup's children NAME-backup-20260101010101 are label
// values.
inline constexpr int kLabelLimit = 63;
inline constexpr std::string_view kBackupSuffix = "-backup";
inline constexpr int kScheduledChildSuffix = 15;
inline constexpr int kNameLimit =
    kLabelLimit - static_cast<int>(kBackupSuffix.size()) - kScheduledChildSuffix;

// Every default written out; applied to its own result it changes nothing.
Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn);

}  // namespace cnpg
