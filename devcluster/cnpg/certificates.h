#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// Certificates as the operator issues them: one P-256 CA a cluster, 90 days.
struct KeyPair {
  std::string cert_pem, key_pem;
};

Result<KeyPair> NewAuthority(const std::string& common_name);
// Signed by `ca`. `dns_names` of a server get 127.0.0.1 and localhost added, because that is where
// the database really listens; empty for a client certificate.
Result<KeyPair> NewCertificate(const KeyPair& ca, const std::string& common_name,
                               const std::vector<std::string>& dns_names);
// "2027-02-20 05:55:01 +0000 UTC", "" when it is not a certificate.
std::string ExpirationOf(const std::string& cert_pem);

}  // namespace slipway::sim::operators::cnpg
