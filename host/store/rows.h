#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/records.h"
#include "store/sqlite.h"
#include "store/store.h"

// Records as rows. One list names the columns, in the order of reads and binds.
#define SLIPWAY_INSTANCE_COLUMNS                                                    \
  "id, organization, project, name, ns, database_type, tier, spec, labels, engine," \
  " deletion_protection, generation, state, reason, message, outputs, seed,"        \
  " requested_by, created_ms, updated_ms, observed_ms, deleted_ms, drill_days"
#define SLIPWAY_OPERATION_COLUMNS                                                            \
  "id, instance_id, organization, verb, engine, engine_version, engine_sha256, spec,"        \
  " plan, state, on_failure, rollback_reason, rollback_outcome, cancel_asked, stage,"        \
  " error, remnants, requested_by, request_id, created_ms, started_ms, finished_ms, fence, " \
  "arguments,"                                                                               \
  " previous_spec, revision, source"
// The exact words of the partial index, so that the planner uses it.
#define SLIPWAY_LIVE "state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')"

namespace slipway::store {

// The list as one parameter for json_each().
std::string JsonList(const std::vector<std::string>& texts);

InstanceRecord ReadInstance(Row& row);
OperationRecord ReadOperation(Row& row);  // without its stages

Result<InstanceRecord> LoadInstance(Connection& db, const std::string& id);    // kNotFound
Result<OperationRecord> LoadOperation(Connection& db, const std::string& id);  // kNotFound
Result<std::optional<OperationRecord>> LoadLive(Connection& db, const std::string& instance_id);
Result<void> LoadStages(Connection& db, OperationRecord& operation);

Result<void> InsertInstance(Connection& db, const InstanceRecord& instance);
Result<void> InsertOperation(Connection& db, const OperationRecord& operation);
// kConflict "FenceLost" when the row has another fence. cancel_asked only ever rises, because the
// caller's copy may be older than the question.
Result<void> UpdateOperation(Connection& db, const OperationRecord& operation);
Result<void> WriteStages(Connection& db, const OperationRecord& operation);  // changed rows only
Result<void> InsertEvent(Connection& db, const EventRecord& event);
Result<void> InsertAudit(Connection& db, const AuditRecord& record,
                         int64_t now_ms);  // none without action

}  // namespace slipway::store
