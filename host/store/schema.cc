#include "store/schema.h"

#include <map>
#include <string>

#include "base/crypto.h"

namespace slipway::store {
namespace {

Error Corrupt(std::string message) {
  return Error{Code::kInternal, "StoreCorrupt", std::move(message)};
}

Result<std::map<int64_t, std::string>> Applied(Connection& db) {
  std::map<int64_t, std::string> applied;
  int64_t tables = 0, versions = 0;
  TRY_VOID(
      db.Each("SELECT COUNT(*), COALESCE(SUM(name = 'schema_version'), 0) FROM sqlite_master"
              " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
              [&](Row& row) {
                tables = row.Int();
                versions = row.Int();
              }));
  if (versions == 0 && tables > 0) return Corrupt("the database is not Slipway's");
  if (versions == 0) return applied;
  TRY_VOID(db.Each("SELECT version, sha256 FROM schema_version", [&](Row& row) {
    const int64_t version = row.Int();
    applied[version] = row.Text();
  }));
  if (applied.empty()) return Corrupt("the database has no schema version");
  return applied;
}

Result<void> Apply(Connection& db, const std::vector<Migration>& migrations, const Clock& clock) {
  TRY(const auto applied, Applied(db));
  const int last = migrations.back().version;
  if (!applied.empty() && applied.rbegin()->first > last) {
    return Error{Code::kInternal, "StoreTooNew",
                 "the database has schema " + std::to_string(applied.rbegin()->first) +
                     ", this host knows " + std::to_string(last)};
  }
  if (applied.empty()) {
    TRY_VOID(
        db.Exec("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, sha256 TEXT NOT NULL,"
                " at_ms INTEGER NOT NULL) STRICT"));
  }
  const int64_t newest = applied.empty() ? 0 : applied.rbegin()->first;
  for (const Migration& migration : migrations) {
    const std::string sha256 = Sha256Hex(migration.sql);
    if (migration.version <= newest) {
      const auto found = applied.find(migration.version);
      if (found == applied.end() || found->second != sha256)
        return Corrupt("schema " + std::to_string(migration.version) + " is not the one applied");
      continue;
    }
    TRY_VOID(db.Exec(migration.sql));
    TRY_VOID(db.Run("INSERT INTO schema_version (version, sha256, at_ms) VALUES (?, ?, ?)",
                    migration.version, sha256, clock.NowMs()));
  }
  return {};
}

}  // namespace

Result<void> Migrate(Connection& db, const std::vector<Migration>& migrations, const Clock& clock) {
  TRY_VOID(db.Exec("BEGIN IMMEDIATE"));
  auto applied = Apply(db, migrations, clock);
  if (!applied) {
    static_cast<void>(db.Exec("ROLLBACK"));
    return applied;
  }
  return db.Exec("COMMIT");
}

}  // namespace slipway::store
