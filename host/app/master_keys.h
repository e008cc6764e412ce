#pragma once

#include <string>

#include "app/settings.h"
#include "base/result.h"
#include "secrets/vault.h"

namespace slipway::app {

enum class MissingKey { kRefuse, kMake };

// Reads master keys from SLIPWAY_MASTER_KEY, otherwise from the file. Both hold lines "ID:BASE64".
// The first key seals; all keys open. A missing file is an error or is created with mode 0600.
// Errors are kInvalid with a reason.
Result<secrets::MasterKeys> LoadMasterKeys(const std::string& file, const Environment& environment,
                                           MissingKey missing);

}  // namespace slipway::app
