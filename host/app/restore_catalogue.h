#pragma once

#include <string>

#include "app/settings.h"

namespace slipway::app {

// `slipwayd restore-catalogue`: makes the records of the instances whose backups lie in that store
// of the configuration ("": the default one), and prints what it found. The exit status: 1 when
// the store or our database cannot be read, or a manifest is refused.
int RestoreCatalogue(const Settings& settings, const std::string& store_name);

}  // namespace slipway::app
