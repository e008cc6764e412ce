#include "store/rows.h"
#include "store/store_impl.h"

namespace slipway::store {
namespace {

// Never the user's columns. An empty state keeps state, reason and message.
Result<int64_t> ChangeInstance(Transaction& tx, const std::string& id, const InstanceChange& change,
                               int64_t observed_ms) {
  const std::string state = change.deleted ? "DELETED" : change.state;
  return tx.db.Run(
      "UPDATE instances SET state = CASE WHEN ?1 = '' THEN state ELSE ?1 END,"
      " reason = CASE WHEN ?1 = '' THEN reason ELSE ?2 END,"
      " message = CASE WHEN ?1 = '' THEN message ELSE ?3 END,"
      " outputs = CASE WHEN ?4 THEN ?5 ELSE outputs END,"
      " spec = CASE WHEN ?6 THEN ?7 ELSE spec END,"
      " deleted_ms = CASE WHEN ?8 THEN ?9 ELSE deleted_ms END,"
      " updated_ms = ?9, observed_ms = MAX(observed_ms, ?10)"
      " WHERE id = ?11 AND deleted_ms = 0",
      state, change.reason, change.message, change.outputs.has_value(),
      change.outputs.value_or(std::string()), change.spec.has_value(),
      change.spec.value_or(std::string()), change.deleted, tx.now_ms, observed_ms, id);
}

Result<void> PutObject(Transaction& tx, const std::string& instance_id,
                       const ObjectRecord& object) {
  // The order is that of the first apply, so a later write leaves it.
  TRY_VOID(tx.db.Run(
      "INSERT INTO objects (instance_id, api_version, kind, ns, name, uid, applied_sha256,"
      " first_order) VALUES (?1,?2,?3,?4,?5,?6,?7, CASE WHEN ?8 <> 0 THEN ?8 ELSE"
      " (SELECT COALESCE(MAX(first_order), 0) + 1 FROM objects WHERE instance_id = ?1) END)"
      " ON CONFLICT (instance_id, kind, ns, name) DO UPDATE SET"
      " api_version = excluded.api_version, uid = excluded.uid,"
      " applied_sha256 = excluded.applied_sha256",
      instance_id, object.api_version, object.kind, object.ns, object.name, object.uid,
      object.applied_sha256, object.order));
  return {};
}

Result<void> ChangeSecrets(Transaction& tx, const std::string& instance_id, const Change& change) {
  if (change.erase_credentials) {
    TRY_VOID(tx.db.Run("DELETE FROM credentials WHERE instance_id = ?", instance_id));
    TRY_VOID(tx.db.Run("DELETE FROM data_keys WHERE instance_id = ?", instance_id));
    TRY_VOID(tx.db.Run("DELETE FROM generated_secrets WHERE instance_id = ?", instance_id));
  }
  if (change.data_key) {
    TRY_VOID(
        tx.db.Run("INSERT INTO data_keys (instance_id, master_key_id, wrapped) VALUES (?,?,?)"
                  " ON CONFLICT (instance_id) DO UPDATE SET master_key_id = excluded.master_key_id,"
                  " wrapped = excluded.wrapped",
                  instance_id, change.data_key->master_key_id, Blob{change.data_key->wrapped}));
  }
  for (const CredentialRecord& credential : change.credentials) {
    TRY_VOID(
        tx.db.Run("INSERT INTO credentials (instance_id, field, sealed) VALUES (?,?,?)"
                  " ON CONFLICT (instance_id, field) DO UPDATE SET sealed = excluded.sealed",
                  instance_id, credential.field, Blob{credential.sealed}));
  }
  // The first one stays: it may be in a Secret already.
  for (const GeneratedRecord& generated : change.generated) {
    TRY_VOID(
        tx.db.Run("INSERT INTO generated_secrets (instance_id, name, master_key_id, wrapped,"
                  " sealed) VALUES (?,?,?,?,?) ON CONFLICT (instance_id, name) DO NOTHING",
                  instance_id, generated.name, generated.data_key.master_key_id,
                  Blob{generated.data_key.wrapped}, Blob{generated.sealed}));
  }
  return {};
}

Result<void> CommitIn(Transaction& tx, const Change& change) {
  const OperationRecord& operation = change.operation;
  TRY_VOID(UpdateOperation(tx.db, operation));
  std::string instance_id;  // the row's: the caller's copy guards nothing
  TRY_VOID(tx.db.Each(
      "SELECT instance_id FROM operations WHERE id = ?",
      [&](Row& row) { instance_id = row.Text(); }, operation.id));
  if (change.instance) TRY_VOID(ChangeInstance(tx, instance_id, *change.instance, 0));
  for (const ObjectRecord& object : change.erase_objects) {
    TRY_VOID(
        tx.db.Run("DELETE FROM objects WHERE instance_id = ? AND kind = ? AND ns = ? AND name = ?",
                  instance_id, object.kind, object.ns, object.name));
  }
  for (const ObjectRecord& object : change.put_objects)
    TRY_VOID(PutObject(tx, instance_id, object));
  TRY_VOID(ChangeSecrets(tx, instance_id, change));
  if (!change.forget_namespace.empty())
    TRY_VOID(tx.db.Run("DELETE FROM namespaces WHERE name = ?", change.forget_namespace));
  for (EventRecord event : change.events) {
    if (event.operation_id.empty()) event.operation_id = operation.id;
    if (event.at_ms == 0) event.at_ms = tx.now_ms;
    TRY_VOID(InsertEvent(tx.db, event));
    tx.events_of.push_back(event.operation_id);
  }
  return {};
}

bool MayRetry(const OperationRecord& operation) {
  if (operation.state == OperationState::kBlocked) return true;
  if (operation.state != OperationState::kFailed) return false;
  return operation.rollback_outcome == "RETAINED" ||
         (operation.rollback_outcome.empty() && operation.on_failure == "RETAIN");
}

// The stage that failed starts afresh; one of a rollback continues the rollback.
void Rearm(OperationRecord& operation) {
  for (size_t i = 0; i < operation.stages.size(); ++i) {
    if (operation.stages[i].state != StageState::kFailed) continue;
    operation.stage = i;
    break;
  }
  bool rollback = false;
  if (operation.stage < operation.stages.size()) {
    StageRecord& stage = operation.stages[operation.stage];
    rollback = operation.state == OperationState::kBlocked && stage.rollback;
    StageRecord fresh;
    fresh.name = stage.name;
    fresh.rollback = stage.rollback;
    stage = fresh;
  }
  operation.state = rollback ? OperationState::kRollingBack : OperationState::kRunning;
  operation.error = Json();
  operation.finished_ms = 0;
  if (rollback) return;
  operation.rollback_reason.clear();
  operation.rollback_outcome.clear();
  if (operation.verb != "delete") operation.remnants = Json::MakeArray();  // a delete's are kept
}

Result<OperationRecord> RetryIn(Transaction& tx, const std::string& id) {
  TRY(OperationRecord operation, LoadOperation(tx.db, id));
  if (!MayRetry(operation))
    return Error{Code::kPrecondition, "NotRetryable", "the operation did not stop for a person"};
  TRY(const auto live, LoadLive(tx.db, operation.instance_id));
  if (live && live->id != id)
    return Error{Code::kConflict, "OperationInProgress", "an operation works on the instance"}.At(
        live->id);
  TRY(const InstanceRecord instance, LoadInstance(tx.db, operation.instance_id));
  if (instance.deleted_ms != 0)
    return Error{Code::kPrecondition, "NotRetryable", "the instance is deleted"};
  Rearm(operation);
  TRY_VOID(UpdateOperation(tx.db, operation));
  TRY_VOID(tx.db.Run("UPDATE operations SET fence = fence + 1, cancel_asked = 0 WHERE id = ?", id));
  TRY_VOID(InsertEvent(tx.db, {0, id, tx.now_ms, "operation.retried", "{}"}));
  tx.events_of.push_back(id);
  return LoadOperation(tx.db, id);
}

Result<OperationRecord> CancelIn(Transaction& tx, const std::string& id) {
  TRY(OperationRecord operation, LoadOperation(tx.db, id));
  if (IsTerminal(operation.state))
    return Error{Code::kPrecondition, "NotCancellable", "the operation is over"};
  if (operation.cancel_asked) return operation;
  TRY_VOID(tx.db.Run("UPDATE operations SET cancel_asked = 1 WHERE id = ?", id));
  TRY_VOID(InsertEvent(tx.db, {0, id, tx.now_ms, "operation.cancelAsked", "{}"}));
  tx.events_of.push_back(id);
  operation.cancel_asked = true;
  return operation;
}

}  // namespace

Result<Submitted> Store::Submit(Submission submission) {
  return impl_->writer.Write<Submitted>(
      [submission = std::move(submission)](Transaction& tx) { return SubmitIn(tx, submission); });
}

Result<void> Store::Commit(Change change) {
  return impl_->writer.Submit(
      [change = std::move(change)](Transaction& tx) { return CommitIn(tx, change); });
}

Result<void> Store::UpdateInstance(const std::string& id, const InstanceChange& change) {
  return impl_->writer.Submit([id, change](Transaction& tx) -> Result<void> {
    TRY(const int64_t changed, ChangeInstance(tx, id, change, tx.now_ms));
    if (changed == 0) return Error{Code::kNotFound, "InstanceNotFound", "no such live instance"};
    return {};
  });
}

Result<InstanceRecord> Store::PatchInstance(const std::string& id, int64_t expected_generation,
                                            std::optional<bool> deletion_protection,
                                            const std::optional<std::string>& labels) {
  return impl_->writer.Write<InstanceRecord>([=](Transaction& tx) -> Result<InstanceRecord> {
    TRY(const InstanceRecord instance, LoadInstance(tx.db, id));
    if (instance.deleted_ms != 0)
      return Error{Code::kNotFound, "InstanceNotFound", "the instance is deleted"};
    if (expected_generation != 0 && expected_generation != instance.generation)
      return Error{Code::kPrecondition, "EtagMismatch", "the instance has changed"};
    TRY_VOID(
        tx.db.Run("UPDATE instances SET deletion_protection = ?, labels = ?,"
                  " generation = generation + 1, updated_ms = ? WHERE id = ?",
                  deletion_protection.value_or(instance.deletion_protection),
                  labels.value_or(instance.labels), tx.now_ms, id));
    return LoadInstance(tx.db, id);
  });
}

Result<OperationRecord> Store::AskCancel(const std::string& operation_id) {
  return impl_->writer.Write<OperationRecord>(
      [operation_id](Transaction& tx) { return CancelIn(tx, operation_id); });
}

Result<OperationRecord> Store::AskRetry(const std::string& operation_id) {
  return impl_->writer.Write<OperationRecord>(
      [operation_id](Transaction& tx) { return RetryIn(tx, operation_id); });
}

Result<std::vector<std::pair<std::string, std::string>>> Store::ClaimLive() {
  using Claims = std::vector<std::pair<std::string, std::string>>;
  return impl_->writer.Write<Claims>([](Transaction& tx) -> Result<Claims> {
    Claims claims;
    TRY_VOID(tx.db.Run("UPDATE operations SET fence = fence + 1 WHERE " SLIPWAY_LIVE));
    TRY_VOID(tx.db.Each("SELECT instance_id, id FROM operations WHERE " SLIPWAY_LIVE
                        " ORDER BY created_ms, id",
                        [&](Row& row) {
                          std::string instance_id = row.Text();
                          claims.emplace_back(std::move(instance_id), row.Text());
                        }));
    return claims;
  });
}

Result<bool> Store::AcquireNamespace(const std::string& ns, const std::string& organization,
                                     const std::string& project) {
  return impl_->writer.Write<bool>([=](Transaction& tx) -> Result<bool> {
    TRY_VOID(
        tx.db.Run("INSERT INTO namespaces (name, organization, project, state)"
                  " VALUES (?,?,?,'ACTIVE') ON CONFLICT DO NOTHING",
                  ns, organization, project));
    bool active = false, ours = false;
    TRY_VOID(tx.db.Each(
        "SELECT state = 'ACTIVE', organization = ? AND project = ? FROM namespaces WHERE name = ?",
        [&](Row& row) {
          active = row.Bool();
          ours = row.Bool();
        },
        organization, project, ns));
    // One that is going away will be free, whosever it was.
    if (active && !ours)
      return Error{Code::kConflict, "NamespaceTaken",
                   "the namespace " + ns + " ({orgId}-{projectName}) is another project's"};
    return active;
  });
}

Result<bool> Store::ReleaseNamespace(const std::string& ns, const std::string& instance_id) {
  return impl_->writer.Write<bool>([=](Transaction& tx) -> Result<bool> {
    bool shared = false;
    TRY_VOID(tx.db.Each(
        "SELECT 1 FROM instances WHERE ns = ? AND deleted_ms = 0 AND id <> ? LIMIT 1",
        [&](Row&) { shared = true; }, ns, instance_id));
    if (shared) return false;
    TRY_VOID(
        tx.db.Run("INSERT INTO namespaces (name, organization, project, state)"
                  " SELECT ?, organization, project, 'DELETING' FROM instances WHERE id = ?"
                  " ON CONFLICT (name) DO UPDATE SET state = 'DELETING'",
                  ns, instance_id));
    return true;
  });
}

}  // namespace slipway::store
