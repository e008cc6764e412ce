#include "store/rows.h"
#include "store/store_impl.h"

// The instances that are to be drilled: ?1 the days of each store, ?2 the verbs of drills, ?3 now.
#define SLIPWAY_DRILLED                                                                           \
  " FROM (SELECT i.*, CASE WHEN drill_days >= 0 THEN drill_days ELSE COALESCE((SELECT value FROM" \
  " json_each(?1) WHERE key = i.spec ->> '$.backup.store'), 0) END AS days,"                      \
  " (SELECT MIN(b.finished_ms) FROM backups b WHERE b.instance_id = i.id"                         \
  " AND b.state = 'COMPLETED' AND b.gone_ms = 0) AS backed_up_ms,"                                \
  " COALESCE((SELECT MAX(o.finished_ms) FROM operations o WHERE o.source = i.id"                  \
  " AND o.source <> '' AND o.verb IN (SELECT value FROM json_each(?2))"                           \
  " AND o.state = 'SUCCEEDED'), 0) AS good_ms,"                                                   \
  " COALESCE((SELECT MAX(o.created_ms) FROM operations o WHERE o.source = i.id"                   \
  " AND o.source <> '' AND o.verb IN (SELECT value FROM json_each(?2))), 0) AS tried_ms"          \
  " FROM instances i WHERE i.deleted_ms = 0 AND i.state IN ('ACTIVE', 'DEGRADED')"                \
  " AND json_valid(i.spec)) WHERE days > 0 AND backed_up_ms IS NOT NULL"                          \
  " AND good_ms + days * 86400000 <= ?3"

namespace slipway::store {

Result<std::vector<InstanceRecord>> Store::DrillsDue(const DrillQuery& query,
                                                     int64_t& overdue) const {
  using Instances = std::vector<InstanceRecord>;
  Json days = Json::MakeObject();
  for (const auto& [name, value] : query.store_days) days.Set(name, value);
  return impl_->readers.Snapshot<Instances>([&](Connection& db) -> Result<Instances> {
    TRY_VOID(db.Each(
        "SELECT COUNT(*)" SLIPWAY_DRILLED
        " AND MAX(good_ms, backed_up_ms) + 2 * days * 86400000 <= ?3",
        [&](Row& row) { overdue = row.Int(); }, days.Dump(), JsonList(query.verbs), query.now_ms));
    Instances found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_INSTANCE_COLUMNS ", days" SLIPWAY_DRILLED
        " AND tried_ms + ?4 <= ?3"
        " AND id NOT IN (SELECT value FROM json_each(?6)) ORDER BY good_ms, tried_ms, id LIMIT ?5",
        [&](Row& row) {
          found.push_back(ReadInstance(row));
          found.back().drill_days = row.Int();
        },
        days.Dump(), JsonList(query.verbs), query.now_ms, query.retry_ms, query.limit,
        JsonList(query.except)));
    return found;
  });
}

}  // namespace slipway::store
