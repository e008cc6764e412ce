#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// Certificates as the operator issues them: one authority per cluster, keys on P-256, valid for 90
// days. All errors are kInternal.
struct KeyPair {
  std::string cert_pem, key_pem;
};

Result<KeyPair> NewAuthority(const std::string& common_name);
// A certificate that `ca` signs. With `dns_names` it is one for a server. It is then valid for
// 127.0.0.1 and localhost too, because the database really listens there. Without `dns_names` it is
// one for a client.
Result<KeyPair> NewCertificate(const KeyPair& ca, const std::string& common_name,
                               const std::vector<std::string>& dns_names);
// The end of its validity: "2027-02-20 05:55:01 +0000 UTC". "" when the text is no certificate.
std::string ExpirationOf(const std::string& cert_pem);

}  // namespace slipway::sim::operators::cnpg
