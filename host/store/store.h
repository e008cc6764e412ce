#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "store/records.h"

namespace slipway::store {

// A request that the client may repeat. scope = caller + method + route + path parameters.
struct IdempotencyKey {
  std::string scope, key, fingerprint;
};

// A decision about an operation: its new content.
struct OperationEdit {
  OperationRecord operation;
  std::vector<EventRecord> events;
  bool takes_over = false;  // a tick that runs now loses the operation (fence + 1)
};

// The relation of a new operation to the one that works on its instance.
struct Admission {
  bool join = false;                        // the running one is the answer
  std::optional<OperationEdit> superseded;  // the running one, as it ends
};

// Runs inside the transaction, so it must be pure and quick; `live` is null when nothing runs.
using Admit =
    std::function<Result<Admission>(const InstanceRecord& instance, const OperationRecord* live)>;
using Decide = std::function<Result<OperationEdit>(
    const OperationRecord& operation, const InstanceRecord& instance, const OperationRecord* live)>;

// A new operation, with its new instance when the verb makes one.
struct Submission {
  OperationRecord operation;
  std::optional<InstanceRecord> instance;
  std::optional<ArchiveRecord> archive;  // of the new instance
  size_t most_live = 0;  // operations of its verb, of which one has its source; 0: any number
  Admit admit;           // for an instance that exists; empty: refused while an operation runs
  std::optional<IdempotencyKey> idempotency;
  AuditRecord audit;  // written when it has an action; target ids are filled in
};

struct Submitted {
  OperationRecord operation;
  InstanceRecord instance;
  bool replayed = false;   // the same idempotency key came before, or the running one was joined
  std::string superseded;  // id of the operation that this one ended
};

// The pipeline's part of an instance. The user's part (labels, protection) is not here.
struct InstanceChange {
  std::string state, reason, message;
  std::optional<std::string> outputs;
  std::optional<std::string> spec;  // a new one is a new generation, and has the tier
  bool deleted = false;
};

// Backups to be written. Known by instance and name; a known one keeps its id, type and trigger.
struct BackupReport {
  std::vector<BackupRecord> backups;
  bool is_complete = false;  // the instance has no other: the rest is gone
};

// What an operation showed of a backup.
struct BackupProof {
  std::string backup_id, result;  // PASSED FAILED
};

// One state change of one operation: everything in it is one transaction, guarded by the fence and
// the revision that the operation had when it was read.
struct Change {
  OperationRecord operation;  // row and stages as they should be
  std::vector<EventRecord> events;
  std::optional<InstanceChange> instance;
  std::vector<ObjectRecord> put_objects;
  std::vector<ObjectRecord> erase_objects;  // by identity, see SameObject
  std::optional<DataKeyRecord> data_key;
  std::vector<CredentialRecord> credentials;
  std::vector<GeneratedRecord> generated;  // new ones; one that is there already stays as it is
  bool erase_credentials = false;          // the generated ones too
  BackupReport backups;
  std::optional<int64_t> archive_expires_ms;  // of the operation's instance
  std::optional<BackupProof> proof;
  std::string forget_namespace;  // seen gone: its row goes, if the operation's instance left last
};

// The observed state of an instance without a live operation.
struct Observation {
  InstanceChange instance;
  std::optional<DataKeyRecord> data_key;
  std::vector<CredentialRecord> credentials;     // replace the stored ones; none: they stay
  std::vector<ObjectRecord> erase_objects = {};  // by identity, see SameObject
  BackupReport backups = {};
};

struct InstanceFilter {
  std::vector<std::string> organizations;  // empty: all
  std::string project, name, database_type, tier, state;
  bool include_deleted = false;
  int64_t before_created_ms = 0;  // keyset: strictly after this row in (created desc, id desc)
  std::string before_id;
  size_t limit = 50;
};

struct BackupFilter {
  std::vector<std::string> organizations;  // empty: all
  std::string instance_id, state;
  bool include_gone = false;
  bool deleted = false;  // only those of deleted instances
  int64_t before_created_ms = 0;
  std::string before_id;
  size_t limit = 50;
};

struct OperationFilter {
  std::vector<std::string> organizations;
  std::string instance_id, state, verb, source;
  int64_t before_created_ms = 0;
  std::string before_id;
  size_t limit = 50;
};

// For whom a restore drill is due.
struct DrillQuery {
  std::vector<std::string> verbs;                           // the names of drills
  std::vector<std::pair<std::string, int64_t>> store_days;  // store → days between two drills
  int64_t now_ms = 0;
  int64_t retry_ms = 0;                  // after the last attempt
  std::vector<std::string> except = {};  // ids of instances that are not due now
  size_t limit = 50;
};

// The scheduler's view of an instance.
struct InstanceKey {
  std::string id, organization, engine;
};

struct AuditFilter {
  std::string actor, action, target_id, organization;
  int64_t from_ms = 0, until_ms = 0;  // [from, until); 0: no bound
  int64_t before_seq = 0;             // keyset; 0: from the newest
  size_t limit = 50;
};

struct StoreOptions {
  std::string directory;  // created 0700; locked against a second host
  bool durable = true;    // false: a power failure may lose the last commits (tests)
};

// SQLite, WAL, synchronous=FULL. One writer thread owns the writing connection and puts all
// waiting changes into one transaction (group commit), each under its own savepoint; each reading
// thread has a connection. All calls block; any thread.
class Store {
 public:
  // kConflict "StoreLocked" when another host has the directory; kInternal "StoreCorrupt",
  // "StoreTooNew" otherwise.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options, const Clock& clock,
                                             Logger& log, Metrics& metrics);
  ~Store();

  // kConflict "OperationInProgress" (field = the live operation's id), kExhausted
  // "TooManyOperations" (see Submission::most_live), kAlreadyExists "NameTaken"
  // (field = the instance's id), kConflict "NamespaceTaken", kInvalid "IdempotencyKeyReused",
  // kNotFound "InstanceNotFound", kConflict "BackupsExpired" (of the source), and what `admit`
  // refuses with.
  Result<Submitted> Submit(Submission submission);
  // An operation as `decide` wants it: kNotFound "OperationNotFound", "IdempotencyKeyReused", and
  // what `decide` refuses with. `replayed` when the key came before.
  Result<Submitted> Edit(const std::string& operation_id, Decide decide,
                         std::optional<IdempotencyKey> idempotency, AuditRecord audit);
  // kConflict "FenceLost": somebody else owns the operation now; drop it.
  Result<void> Commit(Change change);
  // kConflict "OperationInProgress": an operation works on the instance, so it is the one to say;
  // kNotFound "InstanceNotFound".
  Result<void> Observe(const std::string& id, Observation observation);
  // The user's part. expected_generation 0 for any; kPrecondition "EtagMismatch".
  Result<InstanceRecord> PatchInstance(const std::string& id, int64_t expected_generation,
                                       std::optional<bool> deletion_protection,
                                       const std::optional<std::string>& labels,
                                       const AuditRecord& audit = {});
  // For actions that change nothing else, such as a look at credentials.
  Result<void> Audit(AuditRecord record);
  // Newest first.
  Result<std::vector<AuditRecord>> ListAudit(const AuditFilter& filter) const;

  // After a start: takes every live operation over (fence + 1). Returns how many.
  Result<int64_t> ClaimLive();

  Result<InstanceRecord> GetInstance(const std::string& id) const;  // kNotFound
  Result<std::vector<InstanceRecord>> ListInstances(const InstanceFilter& filter) const;
  Result<OperationRecord> GetOperation(const std::string& id) const;  // kNotFound
  Result<std::vector<OperationRecord>> ListOperations(const OperationFilter& filter) const;
  // The operation that works on an instance now; nullopt when none.
  Result<std::optional<OperationRecord>> LiveOperation(const std::string& instance_id) const;
  Result<std::vector<EventRecord>> Events(const std::string& operation_id, int64_t after_seq,
                                          size_t limit) const;
  Result<std::vector<ObjectRecord>> Inventory(const std::string& instance_id) const;
  Result<SealedCredentials> Credentials(const std::string& instance_id) const;
  Result<std::vector<GeneratedRecord>> Generated(const std::string& instance_id) const;

  // Newest first.
  Result<std::vector<BackupRecord>> ListBackups(const BackupFilter& filter) const;
  Result<BackupRecord> GetBackup(const std::string& id) const;  // kNotFound

  // The instances whose last good drill is too long ago, longest first. Their `drill_days` are the
  // days that hold. `overdue` counts those that have missed two drills.
  Result<std::vector<InstanceRecord>> DrillsDue(const DrillQuery& query, int64_t& overdue) const;

  Result<std::optional<ArchiveRecord>> Archive(const std::string& instance_id) const;
  // Those with work: the manifest is behind, or the time has come. In the order of their instances,
  // from the one after `after` on.
  Result<std::vector<ArchiveRecord>> ArchivesToKeep(int64_t now_ms, const std::string& after,
                                                    size_t limit) const;
  // The store has the manifest of that revision.
  Result<void> ManifestWritten(const std::string& instance_id, int64_t revision);
  // False while an operation restores from it. From true on no operation begins to.
  Result<bool> BeginRemoval(const std::string& instance_id);
  // The store has nothing more of it; its backups are gone.
  Result<void> ArchiveGone(const std::string& instance_id);
  // Takes a deleted instance with its backups over from a manifest. False when it is known.
  Result<bool> Adopt(const InstanceRecord& instance, const std::vector<BackupRecord>& backups,
                     const ArchiveRecord& archive);

  // The newest operation of one of these verbs that has a plan; nullopt when none.
  Result<std::optional<OperationRecord>> LastPlanned(const std::string& instance_id,
                                                     const std::vector<std::string>& verbs) const;
  // The instances that an operation works on, or the others that are not deleted.
  Result<std::vector<InstanceKey>> InstanceKeys(bool live) const;

  // Namespaces are shared by the instances of a project; see namespaces.cc.
  // True: the instance lives there from now on. False: the namespace is being deleted, wait.
  // kConflict "NamespaceTaken".
  Result<bool> EnterNamespace(const InstanceRecord& instance);
  // True: the instance was the last one there and deletes the namespace. Asking again answers the
  // same. False: others live there, or it never did.
  Result<bool> LeaveNamespace(const InstanceRecord& instance);
  // The newest plan of one of these verbs, per resident; oldest instance first.
  Result<std::vector<std::string>> PlansInNamespace(const std::string& ns,
                                                    const std::vector<std::string>& verbs) const;

  // Called after each commit that wrote events, from the writer thread; must not block.
  void OnEvents(std::function<void(const std::string& operation_id)> listener);
  Result<void> Ping() const;

  struct Stats {
    uint64_t writes = 0;  // that are on the disk
    uint64_t groups = 0;  // transactions that put them there, one fsync each
    size_t queued = 0;
  };

  Stats stats() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::store
