#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "pipeline/service.h"
#include "store/records.h"

namespace slipway::pipeline {

// Seals and opens credentials. One data key per instance, wrapped by the active master key; each
// value AES-256-GCM under the data key with "organization/instance/field" as associated data, so
// that a ciphertext moved to another row does not open. Immutable after construction; any thread.
class Vault {
 public:
  explicit Vault(MasterKeys keys) : keys_(std::move(keys)) {}

  struct Sealed {
    store::DataKeyRecord data_key;
    std::vector<store::CredentialRecord> credentials;
  };

  // A fresh data key for this set of values.
  Sealed Seal(const std::string& organization, const std::string& instance_id,
              const std::vector<std::pair<std::string, std::string>>& values) const;
  // kInternal "MasterKeyMissing" | "SealBroken".
  Result<std::vector<std::pair<std::string, std::string>>> Open(
      const std::string& organization, const std::string& instance_id,
      const store::DataKeyRecord& data_key,
      const std::vector<store::CredentialRecord>& credentials) const;

 private:
  MasterKeys keys_;
};

}  // namespace slipway::pipeline
