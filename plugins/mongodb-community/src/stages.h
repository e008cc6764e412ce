// One step of one stage: what should exist and how far it is.
#pragma once
#include <cstdint>

#include "kit.h"
#include "settings.h"

namespace mongodb {

inline constexpr char kNoBackups[] = "BackupNotSupported";
inline constexpr char kNoBackupsText[] = "the MongoDB Community operator makes no backups";

// `input` is step's document. Throws slipway::Error UNSUPPORTED for an unknown verb or stage.
Json Step(const Settings& settings, const Json& input, int64_t now_ms);

}  // namespace mongodb
