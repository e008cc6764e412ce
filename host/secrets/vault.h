#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "secrets/secret_text.h"
#include "store/records.h"

namespace slipway::secrets {

// Master keys: key id → 32 bytes. The `active` key seals; the others only open.
struct MasterKeys {
  std::string active;
  std::map<std::string, std::string> keys;
};

// Seals and opens credentials. The active master key wraps one data key per instance. The data key
// encrypts each value by AES-256-GCM with "organization/instance/field" as associated data, so a
// ciphertext in another row does not open. Immutable after construction; any thread.
class Vault {
 public:
  explicit Vault(MasterKeys keys) : keys_(std::move(keys)) {}

  struct Sealed {
    store::DataKeyRecord data_key;
    std::vector<store::CredentialRecord> credentials;
  };

  // Seals the values under a new data key.
  Sealed Seal(const std::string& organization, const std::string& instance_id,
              const Fields& values) const;
  // kInternal "MasterKeyMissing" | "SealBroken".
  Result<Fields> Open(const std::string& organization, const std::string& instance_id,
                      const store::DataKeyRecord& data_key,
                      const std::vector<store::CredentialRecord>& credentials) const;

 private:
  MasterKeys keys_;
};

}  // namespace slipway::secrets
