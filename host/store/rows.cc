#include "store/rows.h"

namespace slipway::store {
namespace {

std::string ToText(const Json& json) {
  return json.is_null() ? std::string() : json.Dump();
}

// Our own text parses; damaged text reads as null.
Json FromText(const std::string& text) {
  if (text.empty()) return {};
  auto json = Json::Parse(text);
  return json ? *std::move(json) : Json();
}

std::string ToText(const std::optional<WaitingFor>& waiting) {
  if (!waiting) return {};
  return Json::Obj({{"kind", waiting->kind},
                    {"namespace", waiting->ns},
                    {"name", waiting->name},
                    {"reason", waiting->reason},
                    {"sinceMs", waiting->since_ms},
                    {"sinceSpentMs", waiting->since_spent_ms},
                    {"message", waiting->message}})
      .Dump();
}

std::optional<WaitingFor> ToWaiting(const std::string& text) {
  const Json json = FromText(text);
  if (!json.is_object()) return std::nullopt;
  return WaitingFor{json["kind"].AsString(),     json["namespace"].AsString(),
                    json["name"].AsString(),     json["reason"].AsString(),
                    json["sinceMs"].AsInt(),     json["message"].AsString(),
                    json["sinceSpentMs"].AsInt()};
}

bool Same(const StageRecord& a, const StageRecord& b) {
  return a.name == b.name && a.rollback == b.rollback && a.state == b.state &&
         a.started_ms == b.started_ms && a.finished_ms == b.finished_ms &&
         a.spent_ms == b.spent_ms && a.attempts == b.attempts &&
         ToText(a.waiting_for) == ToText(b.waiting_for) && a.reason == b.reason &&
         a.message == b.message && a.error == b.error;
}

StageRecord ReadStage(Row& row) {
  StageRecord stage;
  stage.name = row.Text();
  stage.rollback = row.Bool();
  ParseState(row.Text(), stage.state);
  stage.started_ms = row.Int();
  stage.finished_ms = row.Int();
  stage.attempts = static_cast<int>(row.Int());
  stage.waiting_for = ToWaiting(row.Text());
  stage.reason = row.Text();
  stage.message = row.Text();
  stage.error = FromText(row.Text());
  stage.spent_ms = row.Int();
  return stage;
}

}  // namespace

std::string JsonList(const std::vector<std::string>& texts) {
  Json array = Json::MakeArray();
  for (const std::string& text : texts) array.Push(text);
  return array.Dump();
}

InstanceRecord ReadInstance(Row& row) {
  InstanceRecord instance;
  instance.id = row.Text();
  instance.organization = row.Text();
  instance.project = row.Text();
  instance.name = row.Text();
  instance.ns = row.Text();
  instance.database_type = row.Text();
  instance.tier = row.Text();
  instance.spec = row.Text();
  instance.labels = row.Text();
  instance.engine = row.Text();
  instance.deletion_protection = row.Bool();
  instance.generation = row.Int();
  instance.state = row.Text();
  instance.reason = row.Text();
  instance.message = row.Text();
  instance.outputs = row.Text();
  instance.seed = row.Text();
  instance.requested_by = row.Text();
  instance.created_ms = row.Int();
  instance.updated_ms = row.Int();
  instance.observed_ms = row.Int();
  instance.deleted_ms = row.Int();
  instance.drill_days = row.Int();
  return instance;
}

OperationRecord ReadOperation(Row& row) {
  OperationRecord operation;
  operation.id = row.Text();
  operation.instance_id = row.Text();
  operation.organization = row.Text();
  operation.verb = row.Text();
  operation.engine = row.Text();
  operation.engine_version = row.Text();
  operation.engine_sha256 = row.Text();
  operation.spec = row.Text();
  operation.plan = row.Text();
  ParseState(row.Text(), operation.state);
  operation.on_failure = row.Text();
  operation.rollback_reason = row.Text();
  operation.rollback_outcome = row.Text();
  operation.cancel_asked = row.Bool();
  operation.stage = static_cast<size_t>(row.Int());
  operation.error = FromText(row.Text());
  operation.remnants = FromText(row.Text());
  operation.requested_by = row.Text();
  operation.request_id = row.Text();
  operation.created_ms = row.Int();
  operation.started_ms = row.Int();
  operation.finished_ms = row.Int();
  operation.fence = row.Int();
  operation.arguments = row.Text();
  operation.previous_spec = row.Text();
  operation.revision = row.Int();
  operation.source = row.Text();
  return operation;
}

Result<void> LoadStages(Connection& db, OperationRecord& operation) {
  operation.stages.clear();
  TRY_VOID(db.Each(
      "SELECT name, is_rollback, state, started_ms, finished_ms, attempts, waiting_for, reason,"
      " message, error, spent_ms FROM stages WHERE operation_id = ? ORDER BY position",
      [&](Row& row) { operation.stages.push_back(ReadStage(row)); }, operation.id));
  return {};
}

Result<InstanceRecord> LoadInstance(Connection& db, const std::string& id) {
  std::optional<InstanceRecord> found;
  TRY_VOID(db.Each(
      "SELECT " SLIPWAY_INSTANCE_COLUMNS " FROM instances WHERE id = ?",
      [&](Row& row) { found = ReadInstance(row); }, id));
  if (!found) return Error{Code::kNotFound, "InstanceNotFound", "no such instance"};
  return *std::move(found);
}

Result<OperationRecord> LoadOperation(Connection& db, const std::string& id) {
  std::optional<OperationRecord> found;
  TRY_VOID(db.Each(
      "SELECT " SLIPWAY_OPERATION_COLUMNS " FROM operations WHERE id = ?",
      [&](Row& row) { found = ReadOperation(row); }, id));
  if (!found) return Error{Code::kNotFound, "OperationNotFound", "no such operation"};
  TRY_VOID(LoadStages(db, *found));
  return *std::move(found);
}

Result<std::optional<OperationRecord>> LoadLive(Connection& db, const std::string& instance_id) {
  std::optional<OperationRecord> found;
  TRY_VOID(db.Each(
      "SELECT " SLIPWAY_OPERATION_COLUMNS
      " FROM operations WHERE instance_id = ? AND " SLIPWAY_LIVE,
      [&](Row& row) { found = ReadOperation(row); }, instance_id));
  if (found) TRY_VOID(LoadStages(db, *found));
  return found;
}

Result<void> InsertInstance(Connection& db, const InstanceRecord& i) {
  TRY_VOID(db.Run("INSERT INTO instances (" SLIPWAY_INSTANCE_COLUMNS
                  ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                  i.id, i.organization, i.project, i.name, i.ns, i.database_type, i.tier, i.spec,
                  i.labels, i.engine, i.deletion_protection, i.generation, i.state, i.reason,
                  i.message, i.outputs, i.seed, i.requested_by, i.created_ms, i.updated_ms,
                  i.observed_ms, i.deleted_ms, i.drill_days));
  return {};
}

Result<void> InsertOperation(Connection& db, const OperationRecord& o) {
  TRY_VOID(db.Run("INSERT INTO operations (" SLIPWAY_OPERATION_COLUMNS
                  ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                  o.id, o.instance_id, o.organization, o.verb, o.engine, o.engine_version,
                  o.engine_sha256, o.spec, o.plan, Name(o.state), o.on_failure, o.rollback_reason,
                  o.rollback_outcome, o.cancel_asked, o.stage, ToText(o.error), ToText(o.remnants),
                  o.requested_by, o.request_id, o.created_ms, o.started_ms, o.finished_ms, o.fence,
                  o.arguments, o.previous_spec, o.revision, o.source));
  return WriteStages(db, o);
}

Result<void> UpdateOperation(Connection& db, const OperationRecord& o) {
  TRY(const int64_t changed,
      db.Run("UPDATE operations SET engine = ?, engine_version = ?, engine_sha256 = ?, spec = ?,"
             " plan = ?, state = ?, on_failure = ?, rollback_reason = ?, rollback_outcome = ?,"
             " cancel_asked = MAX(cancel_asked, ?), stage = ?, error = ?, remnants = ?,"
             " started_ms = ?, finished_ms = ? WHERE id = ? AND fence = ?",
             o.engine, o.engine_version, o.engine_sha256, o.spec, o.plan, Name(o.state),
             o.on_failure, o.rollback_reason, o.rollback_outcome, o.cancel_asked, o.stage,
             ToText(o.error), ToText(o.remnants), o.started_ms, o.finished_ms, o.id, o.fence));
  if (changed == 0)
    return Error{Code::kConflict, "FenceLost", "somebody else owns the operation now"};
  return WriteStages(db, o);
}

Result<void> WriteStages(Connection& db, const OperationRecord& operation) {
  OperationRecord stored;
  stored.id = operation.id;
  TRY_VOID(LoadStages(db, stored));
  for (size_t i = 0; i < operation.stages.size(); ++i) {
    const StageRecord& s = operation.stages[i];
    if (i < stored.stages.size() && Same(stored.stages[i], s)) continue;
    TRY_VOID(db.Run(
        "INSERT OR REPLACE INTO stages (operation_id, position, name, is_rollback, state,"
        " started_ms, finished_ms, attempts, waiting_for, reason, message, error, spent_ms)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        operation.id, i, s.name, s.rollback, Name(s.state), s.started_ms, s.finished_ms, s.attempts,
        ToText(s.waiting_for), s.reason, s.message, ToText(s.error), s.spent_ms));
  }
  if (stored.stages.size() <= operation.stages.size()) return {};
  TRY_VOID(db.Run("DELETE FROM stages WHERE operation_id = ? AND position >= ?", operation.id,
                  operation.stages.size()));
  return {};
}

Result<void> InsertEvent(Connection& db, const EventRecord& event) {
  TRY_VOID(db.Run("INSERT INTO events (operation_id, at_ms, type, data) VALUES (?,?,?,?)",
                  event.operation_id, event.at_ms, event.type, event.data));
  return {};
}

}  // namespace slipway::store
