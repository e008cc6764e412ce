#include "settings.h"

#include "kit.h"

namespace mongodb {

namespace {

void Refuse(const char* setting, const std::string& rule) {
  throw slipway::Error(SLIPWAY_INVALID, "InvalidSetting", std::string(setting) + " must be " + rule,
                       std::string("/") + setting);
}

}  // namespace

Settings Settings::Parse(std::string_view config) {
  Settings out;
  ParseSettings(config, {{"image", &out.image},
                         {"image_type", &out.image_type},
                         {"agent_image", &out.agent_image},
                         {"storage_class", &out.storage_class},
                         {"cluster_domain", &out.cluster_domain},
                         {"tls_issuer", &out.tls_issuer},
                         {"tls_issuer_kind", &out.tls_issuer_kind}});
  if (out.image.empty()) Refuse("image", "a repository without a tag");
  if (!OneOf("ubi8|ubi9", out.image_type)) Refuse("image_type", "ubi8 or ubi9");
  if (!OneOf("Issuer|ClusterIssuer", out.tls_issuer_kind))
    Refuse("tls_issuer_kind", "Issuer or ClusterIssuer");
  return out;
}

}  // namespace mongodb
