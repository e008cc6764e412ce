#include "store/rows.h"
#include "store/store_impl.h"

namespace slipway::store {

Result<void> InsertAudit(Connection& db, const AuditRecord& record, int64_t now_ms) {
  if (record.action.empty()) return {};
  TRY_VOID(db.Run(
      "INSERT INTO audit (at_ms, actor, action, target_kind, target_id, organization,"
      " request_id, data) VALUES (?,?,?,?,?,?,?,?)",
      record.at_ms != 0 ? record.at_ms : now_ms, record.actor, record.action, record.target_kind,
      record.target_id, record.organization, record.request_id, record.data));
  return {};
}

Result<void> Store::Audit(AuditRecord record) {
  return impl_->writer.Submit([record = std::move(record)](Transaction& tx) {
    return InsertAudit(tx.db, record, tx.now_ms);
  });
}

Result<std::vector<AuditRecord>> Store::ListAudit(const AuditFilter& filter) const {
  using Records = std::vector<AuditRecord>;
  return impl_->readers.Snapshot<Records>([&](Connection& db) -> Result<Records> {
    Records found;
    TRY_VOID(db.Each(
        "SELECT seq, at_ms, actor, action, target_kind, target_id, organization, request_id, data"
        " FROM audit WHERE (?1 = 0 OR seq < ?1) AND (?2 = '' OR actor = ?2)"
        " AND (?3 = '' OR action = ?3) AND (?4 = '' OR target_id = ?4)"
        " AND (?5 = '' OR organization = ?5) AND at_ms >= ?6 AND (?7 = 0 OR at_ms < ?7)"
        " ORDER BY seq DESC LIMIT ?8",
        [&](Row& row) {
          AuditRecord& record = found.emplace_back();
          record.seq = row.Int();
          record.at_ms = row.Int();
          record.actor = row.Text();
          record.action = row.Text();
          record.target_kind = row.Text();
          record.target_id = row.Text();
          record.organization = row.Text();
          record.request_id = row.Text();
          record.data = row.Text();
        },
        filter.before_seq, filter.actor, filter.action, filter.target_id, filter.organization,
        filter.from_ms, filter.until_ms, filter.limit));
    return found;
  });
}

}  // namespace slipway::store
