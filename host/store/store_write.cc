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
      " spec = CASE WHEN ?6 THEN ?7 ELSE spec END, generation = generation + ?6,"
      " tier = CASE WHEN ?6 THEN COALESCE(json_extract(?7, '$.tier'), tier) ELSE tier END,"
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
      "INSERT INTO objects (instance_id, api_group, api_version, kind, ns, name, uid,"
      " applied_sha256, passing, first_order) VALUES (?1,?9,?2,?3,?4,?5,?6,?7,?10,"
      " CASE WHEN ?8 <> 0 THEN ?8"
      " ELSE (SELECT COALESCE(MAX(first_order), 0) + 1 FROM objects WHERE instance_id = ?1) END)"
      " ON CONFLICT (instance_id, api_group, kind, ns, name) DO UPDATE SET"
      " api_version = excluded.api_version, uid = excluded.uid,"
      " applied_sha256 = excluded.applied_sha256",
      instance_id, object.api_version, object.kind, object.ns, object.name, object.uid,
      object.applied_sha256, object.order, GroupOf(object.api_version), object.passing));
  return {};
}

Result<void> EraseObjects(Transaction& tx, const std::string& instance_id,
                          const std::vector<ObjectRecord>& objects) {
  for (const ObjectRecord& object : objects) {
    TRY_VOID(
        tx.db.Run("DELETE FROM objects WHERE instance_id = ? AND api_group = ? AND kind = ?"
                  " AND ns = ? AND name = ?",
                  instance_id, GroupOf(object.api_version), object.kind, object.ns, object.name));
  }
  return {};
}

// Values under one data key replace all that were sealed before.
Result<void> PutCredentials(Transaction& tx, const std::string& instance_id,
                            const std::optional<DataKeyRecord>& data_key,
                            const std::vector<CredentialRecord>& credentials) {
  if (data_key) {
    TRY_VOID(tx.db.Run("DELETE FROM credentials WHERE instance_id = ?", instance_id));
    TRY_VOID(
        tx.db.Run("INSERT INTO data_keys (instance_id, master_key_id, wrapped) VALUES (?,?,?)"
                  " ON CONFLICT (instance_id) DO UPDATE SET master_key_id = excluded.master_key_id,"
                  " wrapped = excluded.wrapped",
                  instance_id, data_key->master_key_id, Blob{data_key->wrapped}));
  }
  for (const CredentialRecord& credential : credentials) {
    TRY_VOID(
        tx.db.Run("INSERT INTO credentials (instance_id, field, sealed) VALUES (?,?,?)"
                  " ON CONFLICT (instance_id, field) DO UPDATE SET sealed = excluded.sealed",
                  instance_id, credential.field, Blob{credential.sealed}));
  }
  return {};
}

Result<void> ChangeSecrets(Transaction& tx, const std::string& instance_id, const Change& change) {
  if (change.erase_credentials) {
    TRY_VOID(tx.db.Run("DELETE FROM credentials WHERE instance_id = ?", instance_id));
    TRY_VOID(tx.db.Run("DELETE FROM data_keys WHERE instance_id = ?", instance_id));
    TRY_VOID(tx.db.Run("DELETE FROM generated_secrets WHERE instance_id = ?", instance_id));
  }
  TRY_VOID(PutCredentials(tx, instance_id, change.data_key, change.credentials));
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
  TRY(const int64_t mine,
      tx.db.Run("UPDATE operations SET revision = revision + 1 WHERE id = ? AND revision = ?",
                operation.id, operation.revision));
  if (mine == 0)
    return Error{Code::kConflict, "FenceLost", "a write of before went through after all"};
  TRY_VOID(UpdateOperation(tx.db, operation));
  std::string instance_id;  // the row's: the caller's copy guards nothing
  TRY_VOID(tx.db.Each(
      "SELECT instance_id FROM operations WHERE id = ?",
      [&](Row& row) { instance_id = row.Text(); }, operation.id));
  if (change.instance) {
    TRY_VOID(ChangeInstance(tx, instance_id, *change.instance, 0));
    // An instance that is gone lives nowhere, however it went.
    if (change.instance->deleted)
      TRY_VOID(tx.db.Run("DELETE FROM residents WHERE instance_id = ?", instance_id));
  }
  TRY_VOID(EraseObjects(tx, instance_id, change.erase_objects));
  for (const ObjectRecord& object : change.put_objects)
    TRY_VOID(PutObject(tx, instance_id, object));
  TRY_VOID(ChangeSecrets(tx, instance_id, change));
  TRY_VOID(PutBackups(tx, instance_id, change.backups));
  if (change.archive_expires_ms)
    TRY_VOID(tx.db.Run("UPDATE archives SET expires_ms = ? WHERE instance_id = ?",
                       *change.archive_expires_ms, instance_id));
  if (change.proof)
    TRY_VOID(tx.db.Run("UPDATE backups SET verified_ms = ?, verified = ? WHERE id = ?", tx.now_ms,
                       change.proof->result, change.proof->backup_id));
  if (!change.forget_namespace.empty())
    TRY_VOID(tx.db.Run("DELETE FROM namespaces WHERE name = ? AND leaver = ?",
                       change.forget_namespace, instance_id));
  for (EventRecord event : change.events) {
    if (event.operation_id.empty()) event.operation_id = operation.id;
    if (event.at_ms == 0) event.at_ms = tx.now_ms;
    TRY_VOID(InsertEvent(tx.db, event));
    tx.events_of.push_back(event.operation_id);
  }
  return {};
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

Result<void> Store::Observe(const std::string& id, Observation observation) {
  return impl_->writer.Submit([id, seen = std::move(observation)](Transaction& tx) -> Result<void> {
    TRY(const auto live, LoadLive(tx.db, id));
    if (live)
      return Error{Code::kConflict, "OperationInProgress", "an operation works on the instance"}.At(
          live->id);
    TRY(const int64_t changed, ChangeInstance(tx, id, seen.instance, tx.now_ms));
    if (changed == 0) return Error{Code::kNotFound, "InstanceNotFound", "no such live instance"};
    TRY_VOID(EraseObjects(tx, id, seen.erase_objects));
    TRY_VOID(PutBackups(tx, id, seen.backups));
    return PutCredentials(tx, id, seen.data_key, seen.credentials);
  });
}

Result<InstanceRecord> Store::PatchInstance(const std::string& id, int64_t expected_generation,
                                            std::optional<bool> deletion_protection,
                                            const std::optional<std::string>& labels,
                                            const AuditRecord& audit) {
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
    AuditRecord written = audit;
    written.target_kind = "Instance";
    written.target_id = id;
    written.organization = instance.organization;
    TRY_VOID(InsertAudit(tx.db, written, tx.now_ms));
    return LoadInstance(tx.db, id);
  });
}

Result<Submitted> Store::Edit(const std::string& operation_id, Decide decide,
                              std::optional<IdempotencyKey> idempotency, AuditRecord audit) {
  return impl_->writer.Write<Submitted>([operation_id, decide = std::move(decide),
                                         idempotency = std::move(idempotency),
                                         audit = std::move(audit)](Transaction& tx) {
    return EditIn(tx, operation_id, decide, idempotency, audit);
  });
}

Result<int64_t> Store::ClaimLive() {
  return impl_->writer.Write<int64_t>([](Transaction& tx) {
    return tx.db.Run("UPDATE operations SET fence = fence + 1 WHERE " SLIPWAY_LIVE);
  });
}

}  // namespace slipway::store
