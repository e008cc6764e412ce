#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "devcluster/kinds.h"
#include "devcluster/managed_fields.h"
#include "devcluster/object_store.h"
#include "devcluster/status.h"

namespace slipway::sim {

enum class FieldValidation { kIgnore, kWarn, kStrict };
enum class PatchKind { kMerge, kJson, kStrategic };

struct WriteOptions {
  std::string manager = "unknown";
  std::string subresource = {};  // "", "status", "finalize"
  FieldValidation validation = FieldValidation::kWarn;
  bool dry_run = false;
  bool force = false;  // apply only
};

struct Written {
  ObjectPtr object;
  bool created = false;
  std::vector<std::string> warnings;
};

struct DeleteRequest {
  std::string uid, version;  // preconditions, "" for none
  std::string propagation;   // Background, Foreground, Orphan; "" is Background
  bool dry_run = false;
};

struct Deleted {
  ObjectPtr object;  // last state, or the state that waits for its finalizers
  bool gone = false;
};

// Gives the milliseconds for which a deleted pod with this annotation is terminating.
inline constexpr char kDeletionGraceAnnotation[] = "sim.slipway.dev/deletion-grace-ms";

// Keeps a claim for as long as a pod uses it.
inline constexpr char kClaimFinalizer[] = "kubernetes.io/pvc-protection";

void AddFinalizer(Json& metadata, const char* finalizer);

// The verbs of the API server below HTTP: validation, defaults, ownership, preconditions and
// finalizers. Any thread may call it. It blocks on the store's lock only.
class Api {
 public:
  // `finalizing`: a controller will finish foreground and orphan deletions.
  Api(ObjectStore& store, KindRegistry& kinds, const Clock& clock, bool finalizing);

  Answer<ObjectPtr> Get(const Kind& kind, const std::string& ns, const std::string& name) const;
  Answer<Written> Create(const Kind& kind, const std::string& ns, Json object,
                         const WriteOptions& options);
  Answer<Written> Update(const Kind& kind, const std::string& ns, const std::string& name,
                         Json object, const WriteOptions& options);
  Answer<Written> Patch(const Kind& kind, const std::string& ns, const std::string& name,
                        PatchKind type, const Json& patch, const WriteOptions& options);
  Answer<Written> Apply(const Kind& kind, const std::string& ns, const std::string& name,
                        Json config, const WriteOptions& options);
  Answer<Deleted> Delete(const Kind& kind, const std::string& ns, const std::string& name,
                         const DeleteRequest& request);

  // Reads, changes and writes back until no other writer gets in between. `change` returns the new
  // object. Controllers use this too. A deleted object without finalizers is removed.
  using Change = std::function<Answer<Json>(const Json& before)>;
  Answer<Written> Modify(const Kind& kind, const std::string& ns, const std::string& name,
                         const Change& change, const WriteOptions& options);

  // Registers the kinds of all stored definitions. Call it after the journal was read.
  void RegisterStored();

  ObjectStore& store() { return store_; }

  KindRegistry& kinds() { return kinds_; }

  const Clock& clock() const { return clock_; }

  // Charging a quota before an object is stored and counting stored objects take turns: both hold
  // this.
  std::mutex& quota_turn() { return quota_turn_; }

 private:
  enum class Tracking { kUpdate, kApplied };

  Answer<Done> CheckNamespace(const Kind& kind, const std::string& ns,
                              const std::string& name) const;
  Answer<Done> CheckBody(const Kind& kind, const std::string& ns, const std::string& name,
                         const Json& object) const;
  Answer<Done> CheckFields(const Kind& kind, Json& object, const WriteOptions& options, bool patch,
                           std::vector<std::string>& warnings) const;
  Answer<Done> CheckValid(const Kind& kind, const Json& object, const Json* before) const;
  Answer<Done> CheckAccount(const Kind& kind, const Json& object) const;
  // Refuses a patch that would change what identifies the object.
  static Answer<Done> CheckIdentity(const Kind& kind, const StoredObject& current,
                                    const Json& after);
  Answer<Written> CreatePrepared(const Kind& kind, Json object, const WriteOptions& options,
                                 Tracking tracking, std::vector<std::string> warnings);
  Answer<Json> PrepareUpdate(const Kind& kind, const Json& before, Json after,
                             const WriteOptions& options, Tracking tracking) const;
  Answer<Written> Loop(const Kind& kind, const std::string& ns, const std::string& name,
                       const Change& change, const WriteOptions& options, Tracking tracking,
                       bool patch);
  // kStored and kAbsent give an answer; kChanged means that the caller should try again.
  ObjectStore::Outcome Store(const Kind& kind, const ObjectPtr& current, const Json& after,
                             bool dry_run, ObjectPtr& stored);
  void AfterStored(const Kind& kind, const StoredObject& object);
  void AfterRemoved(const Kind& kind, const StoredObject& object);
  Writer WriterOf(const WriteOptions& options) const;

  std::string Now() const { return FormatSeconds(clock_.NowMs()); }

  ObjectStore& store_;
  KindRegistry& kinds_;
  const Clock& clock_;
  const bool finalizing_;
  std::atomic<uint64_t> ordinal_ = 0;
  std::mutex quota_turn_;
};

}  // namespace slipway::sim
