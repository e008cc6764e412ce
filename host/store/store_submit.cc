#include "store/rows.h"
#include "store/store_impl.h"

namespace slipway::store {
namespace {

constexpr int64_t kIdempotencyMs = 24LL * 3600 * 1000;

Result<std::optional<std::string>> FindRepeated(Transaction& tx, const IdempotencyKey& key) {
  TRY_VOID(tx.db.Run("DELETE FROM idempotency WHERE expires_ms <= ?", tx.now_ms));
  std::optional<std::string> operation_id;
  std::string fingerprint;
  TRY_VOID(tx.db.Each(
      "SELECT operation_id, fingerprint FROM idempotency WHERE scope = ? AND key = ?",
      [&](Row& row) {
        operation_id = row.Text();
        fingerprint = row.Text();
      },
      key.scope, key.key));
  if (operation_id && fingerprint != key.fingerprint)
    return Error{Code::kInvalid, "IdempotencyKeyReused", "the key came with another request"};
  return operation_id;
}

Result<void> Remember(Transaction& tx, const Submission& submission,
                      const std::string& operation_id) {
  if (!submission.idempotency) return {};
  const IdempotencyKey& key = *submission.idempotency;
  TRY_VOID(
      tx.db.Run("INSERT INTO idempotency (scope, key, fingerprint, operation_id, expires_ms)"
                " VALUES (?,?,?,?,?)",
                key.scope, key.key, key.fingerprint, operation_id, tx.now_ms + kIdempotencyMs));
  return {};
}

Result<Submitted> Current(Transaction& tx, const std::string& operation_id) {
  Submitted submitted;
  TRY(submitted.operation, LoadOperation(tx.db, operation_id));
  TRY(submitted.instance, LoadInstance(tx.db, submitted.operation.instance_id));
  return submitted;
}

Result<void> AddInstance(Transaction& tx, InstanceRecord instance) {
  std::string holder;
  TRY_VOID(tx.db.Each(
      "SELECT id FROM instances"
      " WHERE organization = ? AND project = ? AND name = ? AND deleted_ms = 0",
      [&](Row& row) { holder = row.Text(); }, instance.organization, instance.project,
      instance.name));
  if (!holder.empty())
    return Error{Code::kAlreadyExists, "NameTaken", "an instance has this name"}.At(holder);
  TRY_VOID(tx.db.Each(
      "SELECT id FROM instances WHERE ns = ? AND deleted_ms = 0"
      " AND (organization <> ? OR project <> ?) LIMIT 1",
      [&](Row& row) { holder = row.Text(); }, instance.ns, instance.organization,
      instance.project));
  if (!holder.empty())
    return Error{Code::kConflict, "NamespaceTaken",
                 "the namespace " + instance.ns + " ({orgId}-{projectName}) is another project's"};
  if (instance.created_ms == 0) instance.created_ms = tx.now_ms;
  if (instance.updated_ms == 0) instance.updated_ms = instance.created_ms;
  return InsertInstance(tx.db, instance);
}

Result<void> Supersede(Transaction& tx, const OperationRecord& live, const std::string& by) {
  const Json error = Json::Obj({{"code", CodeName(Code::kCancelled)},
                                {"reason", "Superseded"},
                                {"message", "another operation took its place"}});
  TRY_VOID(
      tx.db.Run("UPDATE operations SET state = 'CANCELLED', error = ?, finished_ms = ?,"
                " fence = fence + 1 WHERE id = ?",
                error.Dump(), tx.now_ms, live.id));
  TRY_VOID(
      tx.db.Run("UPDATE stages SET state = 'FAILED', reason = 'Superseded', waiting_for = '',"
                " finished_ms = ? WHERE operation_id = ? AND state = 'RUNNING'",
                tx.now_ms, live.id));
  const Json data = Json::Obj({{"reason", "Superseded"}, {"by", by}});
  tx.events_of.push_back(live.id);
  return InsertEvent(tx.db, {0, live.id, tx.now_ms, "operation.cancelled", data.Dump()});
}

}  // namespace

Result<Submitted> SubmitIn(Transaction& tx, const Submission& submission) {
  if (submission.idempotency) {
    TRY(const auto repeated, FindRepeated(tx, *submission.idempotency));
    if (repeated) {
      TRY(Submitted submitted, Current(tx, *repeated));
      submitted.replayed = true;
      return submitted;
    }
  }
  OperationRecord operation = submission.operation;
  std::string superseded;
  if (submission.instance) {
    TRY_VOID(AddInstance(tx, *submission.instance));
    operation.instance_id = submission.instance->id;
  } else {
    TRY(const InstanceRecord instance, LoadInstance(tx.db, operation.instance_id));
    if (instance.deleted_ms != 0)
      return Error{Code::kNotFound, "InstanceNotFound", "the instance is deleted"};
    if (operation.organization.empty()) operation.organization = instance.organization;
    TRY(const auto live, LoadLive(tx.db, operation.instance_id));
    if (live && !submission.supersede)
      return Error{Code::kConflict, "OperationInProgress", "an operation works on the instance"}.At(
          live->id);
    if (live && live->verb == "delete") {
      TRY_VOID(Remember(tx, submission, live->id));
      TRY(Submitted submitted, Current(tx, live->id));
      submitted.replayed = true;
      return submitted;
    }
    if (live) {
      TRY_VOID(Supersede(tx, *live, operation.id));
      superseded = live->id;
    }
  }
  if (operation.created_ms == 0) operation.created_ms = tx.now_ms;
  TRY_VOID(InsertOperation(tx.db, operation));
  const Json data = Json::Obj({{"verb", operation.verb}, {"requestedBy", operation.requested_by}});
  TRY_VOID(InsertEvent(tx.db, {0, operation.id, tx.now_ms, "operation.created", data.Dump()}));
  tx.events_of.push_back(operation.id);
  TRY_VOID(Remember(tx, submission, operation.id));
  TRY(Submitted submitted, Current(tx, operation.id));
  submitted.superseded = superseded;
  return submitted;
}

}  // namespace slipway::store
