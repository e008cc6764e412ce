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

// The one thing a stage waits for.
struct WaitingFor {
  std::string kind, ns, name, reason;
  int64_t since_ms = 0;

  bool SameAs(const WaitingFor& other) const {
    return kind == other.kind && ns == other.ns && name == other.name && reason == other.reason;
  }
};

struct StageRecord {
  std::string name;
  bool rollback = false;  // a step of the rollback, not of the verb itself
  StageState state = StageState::kPending;
  int64_t started_ms = 0, finished_ms = 0;
  int attempts = 0;  // ticks that tried and did not finish it by a failure
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
  int64_t generation = 1;              // write revision: what the ETag is made of
  std::string state = "PROVISIONING";  // PROVISIONING ACTIVE DEGRADED DELETING DELETED FAILED
  std::string reason, message;         // of state
  std::string outputs = "{}";          // {"endpoints": […], "login_proof": {…}}, JSON
  std::string seed;                    // 32 hex digits, fixed for life
  std::string requested_by;
  int64_t created_ms = 0, updated_ms = 0, observed_ms = 0, deleted_ms = 0;
};

struct OperationRecord {
  std::string id, instance_id, organization, verb;  // verb: create, delete
  std::string engine, engine_version, engine_sha256;
  std::string spec = "{}";  // what this operation works towards
  std::string plan;         // the engine's plan document, "" until planned
  OperationState state = OperationState::kPending;
  std::string on_failure = "ROLLBACK";
  std::string rollback_reason;   // "Failed" or "Cancelled" once rolling back
  std::string rollback_outcome;  // "", COMPLETE, PARTIAL, RETAINED
  bool cancel_asked = false;
  size_t stage = 0;  // index of the current stage
  std::vector<StageRecord> stages;
  Json error;                         // null, or {code, reason, message, stage, waitingFor?}
  Json remnants = Json::MakeArray();  // what a rollback could not see gone, or a delete kept
  std::string requested_by, request_id;
  int64_t created_ms = 0, started_ms = 0, finished_ms = 0;
  int64_t fence = 0;
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

// An object that we applied for an instance. Written before the first apply (uid empty), so that
// no crash can leave an object behind that nobody knows of.
struct ObjectRecord {
  std::string api_version, kind, ns, name;
  std::string uid;
  std::string applied_sha256;  // of the bytes last applied; "" until they were
  int64_t order = 0;           // of the first apply
};

// A secret value as it is stored. See pipeline/vault.h.
struct CredentialRecord {
  std::string field, sealed;
};

struct DataKeyRecord {
  std::string master_key_id, wrapped;
};

// A secret that the host made for an engine, under a data key of its own. See pipeline/generated.h.
struct GeneratedRecord {
  std::string name;
  DataKeyRecord data_key;
  std::string sealed;
};

}  // namespace slipway::store
