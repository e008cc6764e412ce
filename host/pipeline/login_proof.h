#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "connect/login.h"
#include "kube/cluster.h"

namespace slipway::pipeline {

// Values of credentials by field; wiped with the object.
struct CredentialValues {
  std::vector<std::pair<std::string, std::string>> list;

  CredentialValues() = default;
  CredentialValues(const CredentialValues&) = delete;
  CredentialValues& operator=(const CredentialValues&) = delete;
  ~CredentialValues();

  // nullptr when there is no such field.
  const std::string* Find(const std::string& field) const;
};

// Reads the fields that the engine named out of the operator's Secret.
Result<void> ReadSecret(kube::Cluster& cluster, const std::string& ns, const Json& credentials,
                        CredentialValues& out);

// The login that an engine's `login_proof` describes, at one of the instance's endpoints.
connect::LoginTarget LoginAt(const Json& endpoint, const Json& proof,
                             const CredentialValues& values, int64_t timeout_ms);

}  // namespace slipway::pipeline
