#include "store/rows.h"
#include "store/store_impl.h"

#define SLIPWAY_ARCHIVE_COLUMNS                                                        \
  "instance_id, organization, store, folder, revision, manifest_revision, expires_ms," \
  " removal_ms, gone_ms"

namespace slipway::store {
namespace {

ArchiveRecord ReadArchive(Row& row) {
  ArchiveRecord out;
  for (std::string* text : {&out.instance_id, &out.organization, &out.store, &out.folder})
    *text = row.Text();
  for (int64_t* number :
       {&out.revision, &out.manifest_revision, &out.expires_ms, &out.removal_ms, &out.gone_ms})
    *number = row.Int();
  return out;
}

Result<bool> IsRestoredFrom(Transaction& tx, const std::string& instance_id) {
  bool restored = false;
  TRY_VOID(tx.db.Each(
      "SELECT 1 FROM operations WHERE " SLIPWAY_LIVE " AND source = ? AND source <> '' LIMIT 1",
      [&](Row&) { restored = true; }, instance_id));
  return restored;
}

}  // namespace

Result<void> PutArchive(Transaction& tx, const ArchiveRecord& archive) {
  TRY_VOID(tx.db.Run(
      "INSERT INTO archives (" SLIPWAY_ARCHIVE_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?)",
      archive.instance_id, archive.organization, archive.store, archive.folder, archive.revision,
      archive.manifest_revision, archive.expires_ms, archive.removal_ms, archive.gone_ms));
  return {};
}

Result<void> CheckSource(Transaction& tx, const std::string& instance_id) {
  bool ends = false;
  TRY_VOID(tx.db.Each(
      "SELECT 1 FROM archives WHERE instance_id = ?1 AND (removal_ms <> 0 OR gone_ms <> 0"
      " OR (expires_ms <> 0 AND expires_ms <= ?2))",
      [&](Row&) { ends = true; }, instance_id, tx.now_ms));
  if (!ends) return {};
  return Error{Code::kConflict, "BackupsExpired",
               "the backups of instance " + instance_id + " have expired"};
}

Result<std::optional<ArchiveRecord>> Store::Archive(const std::string& instance_id) const {
  using Found = std::optional<ArchiveRecord>;
  return impl_->readers.Snapshot<Found>([&](Connection& db) -> Result<Found> {
    Found found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_ARCHIVE_COLUMNS " FROM archives WHERE instance_id = ?",
        [&](Row& row) { found = ReadArchive(row); }, instance_id));
    return found;
  });
}

Result<std::vector<ArchiveRecord>> Store::ArchivesToKeep(int64_t now_ms, const std::string& after,
                                                         size_t limit) const {
  using Archives = std::vector<ArchiveRecord>;
  return impl_->readers.Snapshot<Archives>([&](Connection& db) -> Result<Archives> {
    Archives found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_ARCHIVE_COLUMNS
        " FROM archives WHERE gone_ms = 0 AND manifest_revision < revision AND instance_id > ?2"
        " UNION SELECT " SLIPWAY_ARCHIVE_COLUMNS
        " FROM archives WHERE gone_ms = 0 AND expires_ms <> 0 AND expires_ms <= ?1"
        " AND instance_id > ?2 ORDER BY instance_id LIMIT ?3",
        [&](Row& row) { found.push_back(ReadArchive(row)); }, now_ms, after, limit));
    return found;
  });
}

Result<void> Store::ManifestWritten(const std::string& instance_id, int64_t revision) {
  return impl_->writer.Submit([=](Transaction& tx) -> Result<void> {
    TRY_VOID(tx.db.Run(
        "UPDATE archives SET manifest_revision = MAX(manifest_revision, ?) WHERE instance_id = ?",
        revision, instance_id));
    return {};
  });
}

Result<bool> Store::BeginRemoval(const std::string& instance_id) {
  return impl_->writer.Write<bool>([=](Transaction& tx) -> Result<bool> {
    TRY(const bool restored, IsRestoredFrom(tx, instance_id));
    if (restored) return false;
    TRY_VOID(
        tx.db.Run("UPDATE archives SET removal_ms = ? WHERE instance_id = ? AND removal_ms = 0",
                  tx.now_ms, instance_id));
    return true;
  });
}

Result<void> Store::ArchiveGone(const std::string& instance_id) {
  return impl_->writer.Submit([=](Transaction& tx) -> Result<void> {
    TRY_VOID(tx.db.Run("UPDATE backups SET gone_ms = ? WHERE instance_id = ? AND gone_ms = 0",
                       tx.now_ms, instance_id));
    TRY_VOID(
        tx.db.Run("UPDATE archives SET gone_ms = ? WHERE instance_id = ?", tx.now_ms, instance_id));
    return {};
  });
}

Result<bool> Store::Adopt(const InstanceRecord& instance, const std::vector<BackupRecord>& backups,
                          const ArchiveRecord& archive) {
  return impl_->writer.Write<bool>([=](Transaction& tx) -> Result<bool> {
    bool known = false;
    TRY_VOID(tx.db.Each(
        "SELECT 1 FROM instances WHERE id = ?", [&](Row&) { known = true; }, instance.id));
    if (known) return false;
    TRY_VOID(InsertInstance(tx.db, instance));
    TRY_VOID(PutArchive(tx, archive));
    TRY_VOID(PutBackups(tx, instance.id, {backups, false}));
    // The manifest is where all this comes from.
    TRY_VOID(tx.db.Run("UPDATE archives SET manifest_revision = revision WHERE instance_id = ?",
                       instance.id));
    return true;
  });
}

}  // namespace slipway::store
