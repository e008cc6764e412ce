// The settings of this engine in its file in engines.d.
#pragma once
#include <string>
#include <string_view>

namespace mongodb {

struct Settings {
  // The server's repository and the base image in its tags. The spec always has both: the
  // operator's own default, ubi8, has no images of newer releases.
  std::string image = "quay.io/mongodb/mongodb-community-server";
  std::string image_type = "ubi9";
  std::string agent_image;     // empty: the operator's default
  std::string storage_class;   // empty: the cluster's default
  std::string cluster_domain;  // empty: the operator's default
  std::string tls_issuer;      // of cert-manager; empty: no TLS
  std::string tls_issuer_kind = "ClusterIssuer";

  bool Tls() const { return !tls_issuer.empty(); }

  // The domain that certificates are made for.
  std::string Domain() const { return cluster_domain.empty() ? "cluster.local" : cluster_domain; }

  // Throws slipway::Error INVALID with the setting at fault.
  static Settings Parse(std::string_view config);
};

}  // namespace mongodb
