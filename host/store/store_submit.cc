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

Result<void> Remember(Transaction& tx, const std::optional<IdempotencyKey>& idempotency,
                      const std::string& operation_id) {
  if (!idempotency) return {};
  const IdempotencyKey& key = *idempotency;
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

Result<Admission> Admitted(const Submission& submission, const InstanceRecord& instance,
                           const OperationRecord* live) {
  if (submission.admit) return submission.admit(instance, live);
  if (live == nullptr) return Admission{};
  return Error{Code::kConflict, "OperationInProgress", "an operation works on the instance"}.At(
      live->id);
}

Result<void> WriteAudit(Transaction& tx, AuditRecord audit, const OperationRecord& operation) {
  if (audit.target_id.empty()) {
    audit.target_kind = "Instance";
    audit.target_id = operation.instance_id;
  }
  if (audit.organization.empty()) audit.organization = operation.organization;
  return InsertAudit(tx.db, audit, tx.now_ms);
}

// Is there room for one more operation of that verb?
Result<void> CheckRoom(Transaction& tx, const OperationRecord& wanted, size_t most) {
  size_t live = 0;
  std::string same;
  TRY_VOID(tx.db.Each(
      "SELECT id, source FROM operations WHERE verb = ? AND " SLIPWAY_LIVE,
      [&](Row& row) {
        ++live;
        std::string id = row.Text();
        if (row.Text() == wanted.source) same = std::move(id);
      },
      wanted.verb));
  if (!same.empty())
    return Error{Code::kConflict, "OperationInProgress",
                 "operation " + same + " (" + wanted.verb + ") has the same source"}
        .At(same);
  if (live < most) return {};
  return Error{Code::kExhausted, "TooManyOperations",
               std::to_string(live) + " operations of verb " + wanted.verb +
                   " are under way, as many as may be"};
}

}  // namespace

Result<void> WriteEdit(Transaction& tx, const OperationEdit& edit) {
  TRY_VOID(UpdateOperation(tx.db, edit.operation));
  TRY_VOID(tx.db.Run("UPDATE operations SET fence = fence + ?, cancel_asked = ? WHERE id = ?",
                     edit.takes_over ? 1 : 0, edit.operation.cancel_asked, edit.operation.id));
  for (EventRecord event : edit.events) {
    if (event.operation_id.empty()) event.operation_id = edit.operation.id;
    if (event.at_ms == 0) event.at_ms = tx.now_ms;
    TRY_VOID(InsertEvent(tx.db, event));
    tx.events_of.push_back(event.operation_id);
  }
  return {};
}

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
    if (!operation.source.empty()) TRY_VOID(CheckSource(tx, operation.source));
    if (submission.most_live != 0) TRY_VOID(CheckRoom(tx, operation, submission.most_live));
    TRY_VOID(AddInstance(tx, *submission.instance));
    if (submission.archive) TRY_VOID(PutArchive(tx, *submission.archive));
    operation.instance_id = submission.instance->id;
  } else {
    TRY(const InstanceRecord instance, LoadInstance(tx.db, operation.instance_id));
    if (instance.deleted_ms != 0)
      return Error{Code::kNotFound, "InstanceNotFound", "the instance is deleted"};
    if (operation.organization.empty()) operation.organization = instance.organization;
    TRY(const auto live, LoadLive(tx.db, operation.instance_id));
    TRY(const Admission admission, Admitted(submission, instance, live ? &*live : nullptr));
    if (admission.join) {
      TRY_VOID(Remember(tx, submission.idempotency, live->id));
      TRY_VOID(WriteAudit(tx, submission.audit, *live));
      TRY(Submitted submitted, Current(tx, live->id));
      submitted.replayed = true;
      return submitted;
    }
    if (admission.superseded) {
      TRY_VOID(WriteEdit(tx, *admission.superseded));
      superseded = admission.superseded->operation.id;
    }
  }
  if (operation.created_ms == 0) operation.created_ms = tx.now_ms;
  TRY_VOID(InsertOperation(tx.db, operation));
  const Json data = Json::Obj({{"verb", operation.verb}, {"requestedBy", operation.requested_by}});
  TRY_VOID(InsertEvent(tx.db, {0, operation.id, tx.now_ms, "operation.created", data.Dump()}));
  tx.events_of.push_back(operation.id);
  TRY_VOID(Remember(tx, submission.idempotency, operation.id));
  TRY_VOID(WriteAudit(tx, submission.audit, operation));
  TRY(Submitted submitted, Current(tx, operation.id));
  submitted.superseded = superseded;
  return submitted;
}

Result<Submitted> EditIn(Transaction& tx, const std::string& id, const Decide& decide,
                         const std::optional<IdempotencyKey>& idempotency,
                         const AuditRecord& audit) {
  if (idempotency) {
    TRY(const auto repeated, FindRepeated(tx, *idempotency));
    if (repeated) {
      TRY(Submitted submitted, Current(tx, *repeated));
      submitted.replayed = true;
      return submitted;
    }
  }
  TRY(const Submitted now, Current(tx, id));
  TRY(const auto live, LoadLive(tx.db, now.instance.id));
  TRY(const OperationEdit edit, decide(now.operation, now.instance, live ? &*live : nullptr));
  TRY_VOID(WriteEdit(tx, edit));
  TRY_VOID(Remember(tx, idempotency, id));
  TRY_VOID(WriteAudit(tx, audit, now.operation));
  return Current(tx, id);
}

}  // namespace slipway::store
