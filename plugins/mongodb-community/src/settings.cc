#include "settings.h"

#include "kit.h"

namespace mongodb {

Settings Settings::Parse(std::string_view config) {
  Settings out;
  ParseSettings(config, {{"image", &out.image},
                         {"image_type", &out.image_type},
                         {"agent_image", &out.agent_image},
                         {"storage_class", &out.storage_class},
                         {"cluster_domain", &out.cluster_domain},
                         {"tls_issuer", &out.tls_issuer},
                         {"tls_issuer_kind", &out.tls_issuer_kind}});
  if (out.image.empty()) RefuseSetting("image", "must be a repository without a tag");
  if (!OneOf("ubi8|ubi9", out.image_type)) RefuseSetting("image_type", "must be ubi8 or ubi9");
  if (!OneOf("Issuer|ClusterIssuer", out.tls_issuer_kind))
    RefuseSetting("tls_issuer_kind", "must be Issuer or ClusterIssuer");
  return out;
}

}  // namespace mongodb
