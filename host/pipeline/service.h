#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"
#include "kube/client.h"
#include "store/store.h"

namespace slipway::pipeline {

// A size that operators offer, from tiers.yaml.
struct Tier {
  std::string name;  // "STANDARD"
  int instances = 1;
  std::string storage, memory, cpu;  // Kubernetes quantities
  bool pod_monitor = false;
};

struct PipelineOptions {
  size_t workers = 16;
  std::map<std::string, int64_t> stage_timeout_ms;  // by stage name; "" is the default
  int64_t credential_login_timeout_ms = 5000;
  // For a load balancer to get an address that answers, before an instance goes without.
  int64_t address_timeout_ms = 60'000;
  std::vector<Tier> tiers;
  std::string cluster_domain = "svc";

  int64_t StageTimeoutMs(const std::string& stage) const;
};

// Master keys for credentials: key id → 32 bytes; `active` seals, the others only open.
struct MasterKeys {
  std::string active;
  std::map<std::string, std::string> keys;
};

struct CreateRequest {
  std::string organization, project, name;  // name "" means project
  std::string database_type, tier;
  Json parameters = Json::MakeObject();
  Json backup;  // null: none
  Json labels = Json::MakeObject();
  bool deletion_protection = false;
  std::string on_failure = "ROLLBACK";  // or RETAIN
  std::string requested_by, request_id;
  std::optional<store::IdempotencyKey> idempotency;
};

struct Warning {
  std::string field, message;
};

struct DeleteRequest {
  std::string instance_id;
  int64_t expected_generation = 0;  // from If-Match; 0: any
  bool retain_volumes = false;
  std::string requested_by, request_id;
  std::optional<store::IdempotencyKey> idempotency;
};

struct Check {
  std::string name;
  bool ok = true;
  std::string reason;
};

// What the API may ask of the pipeline. All calls block; any thread.
class Service {
 public:
  Service(PipelineOptions options, MasterKeys keys, engine::Registry& engines,
          kube::Client& cluster, store::Store& store, const Clock& clock, Logger& log,
          Metrics& metrics);
  ~Service();  // Stop()
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Informers, then every live operation gets a tick.
  Result<void> Start();
  // Hands out no more ticks, lets running ones end (up to drain_ms).
  void Stop(int64_t drain_ms = 10'000);
  // Engines were reloaded: watch their kinds, wake what waited for them.
  void EnginesChanged();

  // `problems` receives every validation error (JSON Pointer in `field`). Errors: kInvalid
  // "ValidationFailed", kAlreadyExists "NameTaken" (field = instance id), kConflict
  // "NamespaceTaken", kInvalid "IdempotencyKeyReused", kUnavailable
  // "EngineQuarantined"/"EngineUnavailable", kUnsupported "EngineUnknown" (field /databaseType).
  Result<store::Submitted> Create(const CreateRequest& request, std::vector<Error>* problems,
                                  std::vector<Warning>* warnings);
  // Always accepted, supersedes what runs; a second one returns the running one. kPrecondition
  // "DeletionProtected", "EtagMismatch"; kNotFound.
  Result<store::Submitted> Delete(const DeleteRequest& request);
  // kPrecondition "NotCancellable" / "NotRetryable".
  Result<store::OperationRecord> Cancel(const std::string& operation_id);
  Result<store::OperationRecord> Retry(const std::string& operation_id);
  // Decrypted fields {"username": …, "password": …, …}. kPrecondition "NoCredentialsYet";
  // kNotFound.
  Result<Json> Credentials(const std::string& instance_id);

  // Readiness, one entry a dependency: store, cluster, engines.
  std::vector<Check> Checks();
  const std::vector<Tier>& tiers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::pipeline
