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
  Json applies;  // "apiVersion/Kind" that the engine declared
};

// The one guard over what a step wants to apply: declared kinds only, the instance's namespace
// only, a name, no resourceVersion, no deletion. Returns the objects as they go out, with our
// labels. kInternal "ForbiddenEffect" names the rule that was broken.
Result<std::vector<Json>> GuardApply(const EffectScope& scope,
                                     const std::vector<engine::Effect>& effects);

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
