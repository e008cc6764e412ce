#include "store/rows.h"
#include "store/store_impl.h"

#define SLIPWAY_BACKUP_COLUMNS                                                      \
  "id, instance_id, organization, name, type, trigger, state, reference, position," \
  " engine_version, error, started_ms, finished_ms, size_bytes, created_ms, gone_ms"
#define SLIPWAY_BACKUP_READ_ONLY                                                                  \
  ", COALESCE((SELECT expires_ms FROM archives a WHERE a.instance_id = backups.instance_id), 0)," \
  " verified_ms, verified"

namespace slipway::store {
namespace {

BackupRecord ReadBackup(Row& row) {
  BackupRecord out;
  for (std::string* text :
       {&out.id, &out.instance_id, &out.organization, &out.name, &out.type, &out.trigger,
        &out.state, &out.reference, &out.position, &out.engine_version, &out.error})
    *text = row.Text();
  for (int64_t* number : {&out.started_ms, &out.finished_ms, &out.size_bytes, &out.created_ms,
                          &out.gone_ms, &out.expires_ms, &out.verified_ms})
    *number = row.Int();
  out.verified = row.Text();
  return out;
}

Result<void> PutBackup(Transaction& tx, const BackupRecord& backup) {
  // A cluster's times have no milliseconds. Neither have ours, so that of two in the same second
  // the id decides, which knows the order.
  const int64_t created_ms = backup.created_ms != 0 ? backup.created_ms : tx.now_ms;
  TRY_VOID(tx.db.Run("INSERT INTO backups (" SLIPWAY_BACKUP_COLUMNS
                     ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,0)"
                     " ON CONFLICT (instance_id, name) DO UPDATE SET state = excluded.state,"
                     " reference = excluded.reference, position = excluded.position,"
                     " engine_version = excluded.engine_version, error = excluded.error,"
                     " started_ms = excluded.started_ms, finished_ms = excluded.finished_ms,"
                     " size_bytes = excluded.size_bytes, gone_ms = 0",
                     backup.id, backup.instance_id, backup.organization, backup.name, backup.type,
                     backup.trigger, backup.state, backup.reference, backup.position,
                     backup.engine_version, backup.error, backup.started_ms, backup.finished_ms,
                     backup.size_bytes, created_ms - created_ms % 1000));
  return {};
}

}  // namespace

Result<void> PutBackups(Transaction& tx, const std::string& instance_id,
                        const BackupReport& report) {
  std::vector<std::string> names;
  for (const BackupRecord& backup : report.backups) {
    TRY_VOID(PutBackup(tx, backup));
    names.push_back(backup.name);
  }
  if (!report.is_complete) return {};
  TRY_VOID(
      tx.db.Run("UPDATE backups SET gone_ms = ?1 WHERE instance_id = ?2 AND gone_ms = 0"
                " AND name NOT IN (SELECT value FROM json_each(?3))",
                tx.now_ms, instance_id, JsonList(names)));
  return {};
}

Result<std::vector<BackupRecord>> Store::ListBackups(const BackupFilter& filter) const {
  using Backups = std::vector<BackupRecord>;
  return impl_->readers.Snapshot<Backups>([&](Connection& db) -> Result<Backups> {
    Backups found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_BACKUP_COLUMNS SLIPWAY_BACKUP_READ_ONLY
        " FROM backups WHERE (?1 = '' OR instance_id = ?1)"
        " AND (?2 = '[]' OR organization IN (SELECT value FROM json_each(?2)))"
        " AND (?3 = '' OR state = ?3) AND (?4 OR gone_ms = 0)"
        " AND (NOT ?8 OR EXISTS (SELECT 1 FROM instances i WHERE i.id = instance_id"
        " AND i.deleted_ms <> 0))"
        " AND (?5 = 0 OR (created_ms, id) < (?5, ?6)) ORDER BY created_ms DESC, id DESC LIMIT ?7",
        [&](Row& row) { found.push_back(ReadBackup(row)); }, filter.instance_id,
        JsonList(filter.organizations), filter.state, filter.include_gone, filter.before_created_ms,
        filter.before_id, filter.limit, filter.deleted));
    return found;
  });
}

Result<BackupRecord> Store::GetBackup(const std::string& id) const {
  return impl_->readers.Snapshot<BackupRecord>([&](Connection& db) -> Result<BackupRecord> {
    std::optional<BackupRecord> found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_BACKUP_COLUMNS SLIPWAY_BACKUP_READ_ONLY " FROM backups WHERE id = ?",
        [&](Row& row) { found = ReadBackup(row); }, id));
    if (!found) return Error{Code::kNotFound, "BackupNotFound", "there is no backup " + id};
    return *found;
  });
}

}  // namespace slipway::store
