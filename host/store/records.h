#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace slipway::store {

enum class OperationState {
  kPending,
  kRunning,
  kWaiting,
  kCancelling,
  kRollingBack,
  kBlocked,
  kSucceeded,
  kFailed,
  kCancelled
};
enum class StageState { kPending, kRunning, kSucceeded, kSkipped, kFailed, kCompensated };

// The words of the API: "PENDING" "ROLLING_BACK" …
const char* Name(OperationState state);
const char* Name(StageState state);
bool ParseState(const std::string& name, OperationState& state);
bool ParseState(const std::string& name, StageState& state);
bool IsTerminal(OperationState state);

// The one thing a stage waits for. `message`: the last words of the party that refused.
struct WaitingFor {
  std::string kind, ns, name, reason;
  int64_t since_ms = 0;
  std::string message = {};
  int64_t since_spent_ms = 0;  // the stage's spent_ms at `since_ms`

  // True for the same thing, whatever its reason and message.
  bool SameAs(const WaitingFor& other) const {
    return kind == other.kind && ns == other.ns && name == other.name && reason == other.reason;
  }
};

struct StageRecord {
  std::string name;
  bool rollback = false;  // a step of the rollback, not of the verb itself
  StageState state = StageState::kPending;
  int64_t started_ms = 0, finished_ms = 0;  // wall clock, to show; no limit is judged by it
  int64_t spent_ms = 0;  // observed time: the host ran and the API server answered
  int attempts = 0;      // ticks that tried and did not finish it by a failure
  std::optional<WaitingFor> waiting_for;
  std::string reason, message;  // why skipped, or the last verdict
  Json error;                   // {code, reason, message} of the last failure, null when none
};

struct InstanceRecord {
  std::string id, organization, project, name, ns, database_type, tier;
  std::string spec = "{}";    // normalised, JSON
  std::string labels = "{}";  // the user's, JSON
  std::string engine;         // engine name that serves it
  bool deletion_protection = false;
  int64_t generation = 1;              // write revision, the source of the ETag
  std::string state = "PROVISIONING";  // as the API's Instance has it
  std::string reason, message;         // of state
  std::string outputs = "{}";          // {"endpoints": […], "login_proof": {…}}, JSON
  std::string seed;                    // 32 hex digits, fixed for life
  std::string requested_by;
  int64_t created_ms = 0, updated_ms = 0, observed_ms = 0, deleted_ms = 0;
  int64_t drill_days = -1;  // between two restore drills; 0: none, -1: as its store says
};

struct OperationRecord {
  std::string id, instance_id, organization, verb;  // verb: a name of pipeline/verbs.h
  std::string engine, engine_version, engine_sha256;
  std::string spec = "{}";       // the goal of this operation
  std::string plan;              // the engine's plan document, "" until planned
  std::string arguments = "{}";  // the caller's arguments, a JSON object
  std::string source;            // id of the instance whose backups it reads; "": none
  std::string previous_spec;     // the state to go back to, "" for none
  OperationState state = OperationState::kPending;
  std::string on_failure = "ROLLBACK";
  std::string rollback_reason;   // "Failed" or "Cancelled" once rolling back
  std::string rollback_outcome;  // "", COMPLETE, PARTIAL, RETAINED
  bool cancel_asked = false;
  size_t stage = 0;  // index of the current stage
  std::vector<StageRecord> stages;
  Json error;                         // null, or {code, reason, message, stage, waitingFor?}
  Json remnants = Json::MakeArray();  // objects that a rollback saw remain, or a delete kept
  std::string requested_by, request_id;
  int64_t created_ms = 0, started_ms = 0, finished_ms = 0;
  int64_t fence = 0;     // of its owner
  int64_t revision = 0;  // each Commit counts it up
};

// One line of an operation's journal: history, audit and the progress feed.
struct EventRecord {
  int64_t seq = 0;  // of the whole database, given by the store
  std::string operation_id;
  int64_t at_ms = 0;
  std::string type;  // "operation.created", "stage.started", "stage.waiting", "stage.succeeded",
                     // "operation.succeeded" …
  std::string data = "{}";  // JSON
};

// An object that we applied for an instance. The record exists before the first apply (uid empty),
// so that no crash can leave an unknown object behind.
struct ObjectRecord {
  std::string api_version, kind, ns, name;
  std::string uid;
  std::string applied_sha256;  // of the bytes last applied; "" until they were
  int64_t order = 0;           // of the first apply
  bool passing = false;        // it records what happened and may vanish by itself
};

// True for the same object, under any version of its API group.
bool SameObject(const ObjectRecord& a, const ObjectRecord& b);
// "apps" of "apps/v1", "" of "v1".
std::string GroupOf(const std::string& api_version);

// A backup of an instance, as its engine reported it last.
struct BackupRecord {
  std::string id;  // "bkp_…", given by the host
  std::string instance_id, organization;
  std::string name;                  // given by the engine; one per instance
  std::string type, trigger, state;  // FULL · SCHEDULE REQUEST · PENDING RUNNING COMPLETED FAILED
  std::string reference, position, engine_version, error;    // the engine's own words; may be ""
  int64_t started_ms = 0, finished_ms = 0, size_bytes = -1;  // 0, -1: unknown
  int64_t created_ms = 0;                                    // of this record
  int64_t gone_ms = 0;                                       // since when the engine misses it
  int64_t expires_ms = 0;                                    // of its archive; read only
  int64_t verified_ms = 0;  // when a restore drill last showed something of it; read only
  std::string verified;     // "" PASSED FAILED; read only
};

// The folder of an instance in a store of the host, with all that the store holds of it.
struct ArchiveRecord {
  std::string instance_id, organization;
  std::string store;              // its name in the configuration
  std::string folder;             // URL
  int64_t revision = 0;           // of what there is to tell in the manifest; 0: nothing yet
  int64_t manifest_revision = 0;  // of the manifest that the store has; 0: it has none
  int64_t expires_ms = 0;         // the host removes the folder then; 0: never
  int64_t removal_ms = 0;         // since when it is being removed; nothing is restored any more
  int64_t gone_ms = 0;            // since when the store has nothing of it
};

// One action of a caller. Nobody changes a written record; `data` never holds a secret's value.
struct AuditRecord {
  int64_t seq = 0;  // given by the store
  int64_t at_ms = 0;
  std::string actor, action;           // "ci", "instance.create" "credentials.read" …
  std::string target_kind, target_id;  // "Instance", "ins_…"
  std::string organization, request_id;
  std::string data = "{}";
};

// A secret value in its stored form. See secrets/vault.h.
struct CredentialRecord {
  std::string field, sealed;
};

struct DataKeyRecord {
  std::string master_key_id, wrapped;
};

// The credentials of an instance, all of one moment.
struct SealedCredentials {
  std::optional<DataKeyRecord> data_key;
  std::vector<CredentialRecord> values;
};

// A secret that the host made for an engine, under a data key of its own. See secrets/generated.h.
struct GeneratedRecord {
  std::string name;
  DataKeyRecord data_key;
  std::string sealed;
};

}  // namespace slipway::store
