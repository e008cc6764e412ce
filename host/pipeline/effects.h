#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/results.h"
#include "kube/cluster.h"
#include "store/records.h"

namespace slipway::pipeline {

// What an engine may do with one instance; checked before every effect.
struct EffectScope {
  const store::InstanceRecord& instance;
  std::string engine;
  Json applies;       // "apiVersion/Kind" that the engine declared
  Json patches = {};  // the same of what it may patch, "/status" behind it for that subresource
  bool takes_fields = false;  // from other field managers: defaults that an operator wrote down
};

// The one guard over what a step wants to apply: declared kinds only, the instance's namespace
// only, a name, no resourceVersion, no deletion. Returns the objects as they go out, with our
// labels, and no patches. kInternal "ForbiddenEffect" names the rule that was broken.
Result<std::vector<Json>> GuardApply(const EffectScope& scope,
                                     const std::vector<engine::Effect>& effects);

// A merge patch as it goes out: with the UID that was seen as its precondition.
struct GuardedPatch {
  kube::ObjectRef ref;
  std::string subresource;
  Json body;
};

// The one guard over what a step wants to patch: declared kinds only, objects of the instance only
// (in `observed` or in the inventory), nothing of the metadata but annotations and labels, and no
// label of the host. kInternal "ForbiddenEffect" names the rule that was broken.
Result<std::vector<GuardedPatch>> GuardPatches(const EffectScope& scope,
                                               const std::vector<engine::Effect>& effects,
                                               const Json& observed,
                                               const std::vector<store::ObjectRecord>& inventory);

// Applies one object. `known_uid` "" means that we never saw it: then an object of that name which
// is not this instance's is left alone (kPrecondition "ObjectNotOurs"). Returns its uid.
Result<std::string> ApplyObject(kube::Cluster& cluster, const EffectScope& scope,
                                const Json& object, const std::string& known_uid);

class Warrant;

enum class Removal { kGone, kDeleting, kNotOurs };

struct RemovalState {
  Removal state = Removal::kGone;
  std::string finalizers;  // of an object that is stuck on them
};

// Looks at the object; deletes it by the uid that was seen when it is this instance's.
Result<RemovalState> RemoveObject(kube::Cluster& cluster, const Warrant& warrant,
                                  const std::string& instance_id,
                                  const store::ObjectRecord& record);

// The null value when there is no such object, or no such kind.
Result<Json> GetOrNull(kube::Cluster& cluster, const kube::ObjectRef& ref);

store::ObjectRecord RecordOf(const Json& object);

}  // namespace slipway::pipeline
