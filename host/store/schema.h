#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/sqlite.h"

namespace slipway::store {

struct Migration {
  int version;
  const char* sql;
};

// schema/*.sql in order; the build embeds the text. Never edit a released file.
const std::vector<Migration>& Migrations();

// Brings the database to the last migration, in one transaction. kInternal "StoreTooNew" when a
// newer Slipway wrote it, "StoreCorrupt" when it is not ours or a migration's text has changed.
Result<void> Migrate(Connection& db, const std::vector<Migration>& migrations, const Clock& clock);

}  // namespace slipway::store
