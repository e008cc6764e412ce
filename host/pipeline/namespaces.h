#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/cluster.h"
#include "store/records.h"

namespace slipway::pipeline {

// The namespace of a project, shared by its instances. All calls are repeatable.

// nullopt: it exists and is ours. A WaitingFor: it is going away, come back.
// kPrecondition "NamespaceNotOurs" when it belongs to somebody else.
Result<std::optional<store::WaitingFor>> EnsureNamespace(kube::Cluster& cluster,
                                                         const store::InstanceRecord& instance);

// One ResourceQuota "slipway" with the sum of the plans' `quota`. `without` is a plan that no
// longer counts.
Result<void> ApplyQuota(kube::Cluster& cluster, const std::string& ns,
                        const std::vector<std::string>& plans, const std::string& without);

// nullopt: it is gone (or was never ours, and is left alone). A WaitingFor: what holds it.
Result<std::optional<store::WaitingFor>> RemoveNamespace(kube::Cluster& cluster,
                                                         const store::InstanceRecord& instance);

}  // namespace slipway::pipeline
