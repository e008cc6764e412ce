#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "kube/cluster.h"
#include "store/records.h"

namespace slipway::pipeline {

// The addresses of an instance: the services that its engine names, with what the cluster knows.
struct Endpoints {
  Json list =
      Json::MakeArray();  // [{name, role, service, host, port, tls?, external?, simulated?}]
  std::string pending;    // a load balancer that has no address yet, "" when none
  std::string missing;    // a Service that is named and is not there, "" when none
};

// From `outputs.endpoints` of a step or of an instance; where it is no array, `list` is null.
Result<Endpoints> ReadEndpoints(kube::Cluster& cluster, const Json& description,
                                const store::InstanceRecord& instance,
                                const std::string& cluster_domain, const Json& outputs,
                                const Json& observed);

}  // namespace slipway::pipeline
