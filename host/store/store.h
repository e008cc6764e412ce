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

// A new operation, with its new instance when the verb is create.
struct Submission {
  OperationRecord operation;
  std::optional<InstanceRecord> instance;
  bool supersede = false;  // end the live operation instead of refusing (delete)
  std::optional<IdempotencyKey> idempotency;
};

struct Submitted {
  OperationRecord operation;
  InstanceRecord instance;
  bool replayed = false;   // the same idempotency key came before
  std::string superseded;  // id of the operation that this one ended
};

// What the pipeline may change of an instance. The user's part (labels, protection) is not here.
struct InstanceChange {
  std::string state, reason, message;
  std::optional<std::string> outputs;
  std::optional<std::string> spec;
  bool deleted = false;
};

// One state change of one operation: everything in it is one transaction, guarded by the fence.
struct Change {
  OperationRecord operation;  // row and stages as they should be; operation.fence is the guard
  std::vector<EventRecord> events;
  std::optional<InstanceChange> instance;
  std::vector<ObjectRecord> put_objects;
  std::vector<ObjectRecord> erase_objects;  // by kind, namespace, name
  std::optional<DataKeyRecord> data_key;
  std::vector<CredentialRecord> credentials;
  std::vector<GeneratedRecord> generated;  // new ones; one that is there already stays as it is
  bool erase_credentials = false;          // the generated ones too
  std::string forget_namespace;            // its row goes: the namespace was seen gone
};

struct InstanceFilter {
  std::vector<std::string> organizations;  // empty: all
  std::string project, name, database_type, tier, state;
  bool include_deleted = false;
  int64_t before_created_ms = 0;  // keyset: strictly after this row in (created desc, id desc)
  std::string before_id;
  size_t limit = 50;
};

struct OperationFilter {
  std::vector<std::string> organizations;
  std::string instance_id, state, verb;
  int64_t before_created_ms = 0;
  std::string before_id;
  size_t limit = 50;
};

struct StoreOptions {
  std::string directory;  // created 0700; locked against a second host
};

// SQLite, WAL, synchronous=FULL. One writer thread owns the writing connection and puts all
// waiting changes into one transaction (group commit), each under a savepoint of its own; readers
// have a connection a thread. All calls block; any thread.
class Store {
 public:
  // kConflict "StoreLocked" when another host has the directory; kInternal "StoreCorrupt",
  // "StoreTooNew" otherwise.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options, const Clock& clock,
                                             Logger& log, Metrics& metrics);
  ~Store();

  // kConflict "OperationInProgress" (field = the live operation's id), kAlreadyExists "NameTaken"
  // (field = the instance's id), kConflict "NamespaceTaken", kInvalid "IdempotencyKeyReused",
  // kNotFound "InstanceNotFound".
  Result<Submitted> Submit(Submission submission);
  // kConflict "FenceLost": somebody else owns the operation now; drop it.
  Result<void> Commit(Change change);
  // Outside of operations: what observation says about a finished instance.
  Result<void> UpdateInstance(const std::string& id, const InstanceChange& change);
  // The user's part. expected_generation 0 for any; kPrecondition "EtagMismatch".
  Result<InstanceRecord> PatchInstance(const std::string& id, int64_t expected_generation,
                                       std::optional<bool> deletion_protection,
                                       const std::optional<std::string>& labels);
  // Sets cancel_asked; kPrecondition "NotCancellable" when it is over.
  Result<OperationRecord> AskCancel(const std::string& operation_id);
  // FAILED (retained) or BLOCKED → RUNNING at the stage that failed. kPrecondition "NotRetryable".
  Result<OperationRecord> AskRetry(const std::string& operation_id);

  // After a start: takes every live operation over (fence + 1). Returns (instance id, operation
  // id).
  Result<std::vector<std::pair<std::string, std::string>>> ClaimLive();

  Result<InstanceRecord> GetInstance(const std::string& id) const;  // kNotFound
  Result<std::vector<InstanceRecord>> ListInstances(const InstanceFilter& filter) const;
  Result<OperationRecord> GetOperation(const std::string& id) const;  // kNotFound
  Result<std::vector<OperationRecord>> ListOperations(const OperationFilter& filter) const;
  // The operation that works on an instance now; nullopt when none.
  Result<std::optional<OperationRecord>> LiveOperation(const std::string& instance_id) const;
  Result<std::vector<EventRecord>> Events(const std::string& operation_id, int64_t after_seq,
                                          size_t limit) const;
  Result<std::vector<ObjectRecord>> Inventory(const std::string& instance_id) const;
  Result<std::vector<CredentialRecord>> Credentials(const std::string& instance_id) const;
  Result<std::optional<DataKeyRecord>> DataKey(const std::string& instance_id) const;
  Result<std::vector<GeneratedRecord>> Generated(const std::string& instance_id) const;

  // Namespaces are shared by the instances of a project.
  // True: it is ours to use. False: it is being deleted, wait.
  Result<bool> AcquireNamespace(const std::string& ns, const std::string& organization,
                                const std::string& project);
  // True: nobody else uses it, it is now marked as being deleted. False: keep it.
  Result<bool> ReleaseNamespace(const std::string& ns, const std::string& instance_id);
  // Plans of the live instances of a namespace (their `quota` is summed up).
  Result<std::vector<std::string>> PlansInNamespace(const std::string& ns) const;

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
