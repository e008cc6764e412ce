#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/cluster.h"
#include "store/store.h"

namespace slipway::pipeline {

// The namespace of a project, shared by its instances. All calls are repeatable.

// nullopt: it exists and is ours. A WaitingFor: it is going away, come back.
// kPrecondition "NamespaceNotOurs" when it belongs to somebody else.
Result<std::optional<store::WaitingFor>> EnsureNamespace(kube::Cluster& cluster,
                                                         const store::InstanceRecord& instance);

class Warrant;

// nullopt: it is gone (or was never ours, and is left alone). A WaitingFor: what holds it.
Result<std::optional<store::WaitingFor>> RemoveNamespace(kube::Cluster& cluster,
                                                         const Warrant& warrant,
                                                         const store::InstanceRecord& instance);

}  // namespace slipway::pipeline
