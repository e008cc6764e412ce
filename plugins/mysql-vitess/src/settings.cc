#include "settings.h"

#include <optional>

#include <slipway/engine.hpp>

namespace vitess {

namespace {

// The text behind the colon of the last path segment; empty if there is no tag.
std::string_view TagOf(std::string_view image) {
  const size_t slash = image.rfind('/');
  const size_t from = slash == std::string_view::npos ? 0 : slash;
  const size_t colon = image.find(':', from);
  return colon == std::string_view::npos ? std::string_view() : image.substr(colon + 1);
}

void CheckPinned(const char* setting, const std::string& image) {
  if (image.find('@') != std::string::npos) return;
  if (const auto tag = TagOf(image); tag.empty() || tag == "latest")
    RefuseSetting(setting,
                  "must have a tag or a digest: an image that moves rolls every database's pods");
}

// The operator takes the text behind the first colon of mysqld's image for MySQL's version if it
// begins with a digit, even a registry's port or a digest.
bool IsTakenForAVersion(std::string_view image) {
  const size_t colon = image.find(':');
  if (colon == std::string_view::npos || colon + 1 == image.size()) return false;
  const char next = image[colon + 1];
  return next >= '0' && next <= '9';
}

// Older exporters do not know the option that the operator gives them.
bool IsOldExporter(std::string_view image) {
  std::string_view tag = TagOf(image);
  if (tag.starts_with("v")) tag.remove_prefix(1);
  if (!tag.starts_with("0.")) return false;
  tag.remove_prefix(2);
  const auto minor = Integer(tag.substr(0, tag.find('.')));
  return minor && *minor < 15;
}

// One of "key=value:Effect" or "key:Effect".
std::optional<Json> Toleration(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view taint = text.substr(0, colon), effect = text.substr(colon + 1);
  const size_t equal = taint.find('=');
  const std::string_view key = taint.substr(0, equal);
  if (key.empty() || !OnlyOf(key, "-_./") ||
      !OneOf("NoSchedule|PreferNoSchedule|NoExecute", effect))
    return std::nullopt;
  Json out = Json::Obj({{"key", key}});
  if (equal == std::string_view::npos) {
    out.Set("operator", "Exists");
  } else {
    out.Set("operator", "Equal").Set("value", taint.substr(equal + 1));
  }
  return out.Set("effect", effect);
}

}  // namespace

Settings Settings::Parse(std::string_view config) {
  Settings out;
  std::string tolerations;
  ParseSettings(config, {{"image", &out.image},
                         {"mysqld_exporter_image", &out.mysqld_exporter_image},
                         {"etcd_image", &out.etcd_image},
                         {"mysql_server_version", &out.mysql_server_version},
                         {"storage_class", &out.storage_class},
                         {"operator_namespace", &out.operator_namespace},
                         {"monitoring_namespace", &out.monitoring_namespace},
                         {"tolerations", &tolerations}});
  CheckPinned("image", out.image);
  CheckPinned("mysqld_exporter_image", out.mysqld_exporter_image);
  if (!out.etcd_image.empty()) CheckPinned("etcd_image", out.etcd_image);
  if (IsTakenForAVersion(out.image) && out.mysql_server_version.empty()) {
    RefuseSetting(
        "image",
        "makes the operator tell clients a wrong version of MySQL: set mysql_server_version too");
  }
  if (IsOldExporter(out.mysqld_exporter_image))
    RefuseSetting("mysqld_exporter_image", "must be 0.15 or later");
  for (std::string_view rest = tolerations; !rest.empty();) {
    const size_t comma = rest.find(',');
    auto one = Toleration(rest.substr(0, comma));
    if (!one)
      RefuseSetting("tolerations",
                    "must be a list such as dedicated=mysql:NoSchedule,spot:NoExecute");
    out.tolerations.Push(*std::move(one));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return out;
}

}  // namespace vitess
