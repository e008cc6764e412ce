#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/catalog.h"
#include "kube/cluster.h"
#include "pipeline/create.h"
#include "pipeline/observer.h"
#include "pipeline/options.h"
#include "pipeline/update.h"
#include "secrets/vault.h"
#include "store/store.h"

namespace slipway::pipeline {

// The caller of an action, for the record.
struct Actor {
  std::string name, request_id;
};

// An operation that somebody asks for. A verb that makes its instance has `create`; the others name
// the instance.
struct OperationRequest {
  std::string verb;  // a name of verbs.h
  std::string instance_id;
  std::optional<CreateRequest> create;
  // Of a delete: {"retain_volumes": true}; of an update: {"changes": {…}}, see update.h.
  Json arguments = Json::MakeObject();
  std::string plan_hash;            // of the plan that the caller has seen; "": any
  int64_t expected_generation = 0;  // from If-Match; 0: any
  std::optional<store::IdempotencyKey> idempotency;
};

// The user's own part of an instance; an absent member stays as it is.
struct InstancePatch {
  std::string instance_id;
  int64_t expected_generation = 0;
  std::optional<bool> deletion_protection;
  std::optional<std::string> labels;  // JSON object
};

struct Check {
  std::string name;
  bool ok = true;
  std::string reason;
  bool required = true;  // false: the host serves without it
};

// What the API may ask of the pipeline. All calls block; any thread.
class Service {
 public:
  Service(PipelineOptions options, secrets::MasterKeys keys, engine::Catalog& engines,
          kube::Cluster& cluster, Observer::WatchFn watch, store::Store& store, const Clock& clock,
          Logger& log, Metrics& metrics);
  ~Service();  // Stop()
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Informers, then every live operation gets a tick, and every other instance a look soon.
  Result<void> Start();
  // Hands out no more ticks and lets the running ones end, which takes a call's deadline at most.
  void Stop();
  // Engines were reloaded: watch their kinds, look at everything that may have waited for them.
  void EnginesChanged();

  // The one way in for operations; the action is in the audit records when this returns. A second
  // request with the same key gives the first one's operation; one that joins a running operation
  // (a delete of an instance that is being deleted) gives that one: `replayed`.
  //   kInvalid "ValidationFailed" (findings has every problem), "IdempotencyKeyReused"
  //   kAlreadyExists "NameTaken" (field = instance id) · kNotFound "InstanceNotFound"
  //   kConflict "PlanStale", "NamespaceTaken", "OperationInProgress" (field = its id), "WrongState"
  //   kPrecondition "DeletionProtected", "EtagMismatch"
  //   kUnsupported "EngineUnknown", "RetainNotSupported", "VerbUnknown"
  //   kUnavailable "EngineQuarantined", "EngineUnavailable"
  Result<store::Submitted> Submit(const OperationRequest& request, const Actor& actor,
                                  Findings& findings);
  // What an update with these changes would do; nothing happens. Errors as for Submit.
  Result<UpdatePlan> Preview(const std::string& instance_id, const Json& changes,
                             Findings& findings);
  // kPrecondition "OperationNotCancellable" / "OperationNotRetryable"; kNotFound.
  Result<store::Submitted> Cancel(const std::string& operation_id, const Actor& actor,
                                  std::optional<store::IdempotencyKey> idempotency);
  Result<store::Submitted> Retry(const std::string& operation_id, const Actor& actor,
                                 std::optional<store::IdempotencyKey> idempotency);
  // kPrecondition "EtagMismatch"; kNotFound "InstanceNotFound".
  Result<store::InstanceRecord> Patch(const InstancePatch& patch, const Actor& actor);
  // Decrypted fields ("username", "password", …), as the cluster has them now if it answers.
  // kPrecondition "NoCredentialsYet"; kNotFound "NoCredentials": the engine names none.
  Result<secrets::Fields> Credentials(const std::string& instance_id, const Actor& actor);

  // Readiness, one entry per dependency: store, cluster, engines, watches, and each
  // store for backups.
  std::vector<Check> Checks();
  const std::vector<Tier>& tiers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::pipeline
