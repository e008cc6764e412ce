#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "connect/login.h"
#include "kube/cluster.h"
#include "secrets/secret_text.h"
#include "store/records.h"

namespace slipway::pipeline {

// Credentials live in a Secret that the engine names; the host reads them and proves them by a
// login.

struct ReadCredentials {
  secrets::Fields fields;
  std::string version;  // the Secret's uid and resourceVersion: another one means read again
};

// `source` is `outputs.credentials` of a step: {"secret", "fields": {field: key}}. `of_instance`:
// the objects that are known to be the instance's. kUnavailable "SecretKeyMissing", kNotFound,
// kInternal "ForbiddenEffect" when the Secret is not the instance's.
Result<ReadCredentials> ReadSecret(kube::Cluster& cluster, const store::InstanceRecord& instance,
                                   const Json& source,
                                   const std::vector<store::ObjectRecord>& inventory,
                                   const Json& observed);

// Is it an object that the host applied for the instance, one that carries its label, or one that
// is owned by such an object?
bool BelongsTo(const Json& object, const store::InstanceRecord& instance,
               const std::vector<store::ObjectRecord>& inventory, const Json& observed);

// The login that an engine's `login_proof` describes, at one of the instance's endpoints.
connect::LoginTarget LoginAt(const Json& endpoint, const Json& proof, const secrets::Fields& values,
                             int64_t timeout_ms);

// The endpoint of that name; the null value when there is none.
const Json& EndpointOf(const Json& outputs, const std::string& name);

}  // namespace slipway::pipeline
