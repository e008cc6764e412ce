#include "app/settings_lists.h"

#include <algorithm>

#include "base/ids.h"
#include "pipeline/quantity.h"
#include "pipeline/verbs.h"

namespace slipway::app {
namespace {

constexpr int64_t kWeekSeconds = 7 * 86'400;
constexpr int64_t kMostDays = 3650, kMostDrillDays = 365, kDayMs = 86'400'000;

api::Token ReadToken(const YamlField& field) {
  api::Token token;
  field.Allow({"name", "sha256", "role", "organizations"});
  field["name"].Read(token.name);
  field["sha256"].Read(token.sha256_hex);
  field["role"].Read(token.role);
  field["organizations"].Read(token.organizations);
  const bool hex = token.sha256_hex.size() == 64 &&
                   token.sha256_hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (token.name.empty()) field["name"].Refuse("must name the token");
  if (!hex) {
    field["sha256"].Refuse(
        "must be the SHA-256 of the token, 64 lower-case hex digits (printf %s TOKEN | sha256sum)");
  }
  if (token.role != "admin" && token.role != "editor" && token.role != "viewer")
    field["role"].Refuse("must be admin, editor or viewer");
  if (token.organizations.empty())
    field["organizations"].Refuse("must name at least one organization, or \"*\"");
  for (const std::string& organization : token.organizations) {
    if (organization.empty()) field["organizations"].Refuse("must not hold an empty name");
  }
  return token;
}

bool IsHttpUrl(const std::string& text) {
  const bool has_scheme = text.starts_with("https://") || text.starts_with("http://");
  return has_scheme && text.size() > 8 && text.find_first_of(" \t\n\"'") == std::string::npos;
}

// A bucket with a prefix, or a directory.
bool IsStoreUrl(const std::string& text) {
  const std::string scheme = text.starts_with("s3://") ? "s3://" : "file:///";
  if (!text.starts_with(scheme)) return false;
  const std::string place = text.substr(scheme.size());
  const bool plain = std::all_of(place.begin(), place.end(), [](unsigned char c) {
    constexpr std::string_view kMore = "/.-_=";
    return std::isalnum(c) != 0 || kMore.find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (!plain || place.empty() || text.size() > 512 || place.find("..") != std::string::npos)
    return false;
  return scheme != "s3://" || (place.size() > 2 && place[0] != '/');
}

pipeline::BackupStore ReadBackupStore(const YamlField& field) {
  pipeline::BackupStore store;
  field.Allow({"name", "default", "url", "endpoint", "region", "ca_file", "credentials_file",
               "keep_deleted_days", "drill_days"});
  field["name"].Read(store.name);
  field["default"].Read(store.is_default);
  field["url"].Read(store.url);
  field["endpoint"].Read(store.endpoint);
  field["region"].Read(store.region);
  field["ca_file"].Read(store.ca_file);
  field["credentials_file"].Read(store.credentials_file);
  if (int64_t days = 0; field["keep_deleted_days"].Read(days, 0, kMostDays))
    store.keep_deleted_ms = days * kDayMs;
  field["drill_days"].Read(store.drill_days, 0, kMostDrillDays);
  if (!IsDnsLabel(store.name)) field["name"].Refuse("must be a lower-case DNS label");
  if (!IsStoreUrl(store.url))
    field["url"].Refuse("must look like s3://bucket/prefix, or file:///directory");
  if (!store.endpoint.empty() && !IsHttpUrl(store.endpoint))
    field["endpoint"].Refuse("must be an http or https URL");
  if (store.url.starts_with("s3://") && store.credentials_file.empty())
    field["credentials_file"].Refuse("must name a file with the keys of the bucket");
  return store;
}

// A quantity may be a number: cpu: 2.
std::string ReadQuantity(const YamlField& field) {
  const Json& value = field.value();
  std::string text = value.is_number() ? value.Dump() : value.AsString();
  const auto parsed = pipeline::ParseQuantity(text);
  if (!parsed || *parsed <= 0) field.Refuse("must be a quantity above 0, such as 500m, 2 or 16Gi");
  return text;
}

pipeline::Tier ReadTier(const std::string& name, const YamlField& field) {
  pipeline::Tier tier;
  tier.name = name;
  field.Allow({"instances", "storage", "memory", "cpu", "pod_monitor"});
  int64_t instances = 0;
  if (!field["instances"].Read(instances, 1, 9))
    field["instances"].Refuse("must be an integer from 1 to 9");
  tier.instances = static_cast<int>(instances);
  tier.storage = ReadQuantity(field["storage"]);
  tier.memory = ReadQuantity(field["memory"]);
  tier.cpu = ReadQuantity(field["cpu"]);
  field["pod_monitor"].Read(tier.pod_monitor);
  return tier;
}

}  // namespace

std::vector<api::Token> ReadTokens(const YamlField& tokens) {
  std::vector<api::Token> out;
  for (const YamlField& item : tokens.Items()) out.push_back(ReadToken(item));
  return out;
}

std::vector<pipeline::BackupStore> ReadBackupStores(const YamlField& stores) {
  std::vector<pipeline::BackupStore> out;
  for (const YamlField& item : stores.Items()) {
    pipeline::BackupStore store = ReadBackupStore(item);
    for (const auto& other : out) {
      if (other.name == store.name) item["name"].Refuse("is the name of another store");
      if (other.is_default && store.is_default)
        item["default"].Refuse("cannot be true of two stores");
    }
    out.push_back(std::move(store));
  }
  // The only one needs no word.
  if (out.size() == 1 && !stores.Items().front()["default"].given()) out.front().is_default = true;
  return out;
}

void ReadTimeouts(const YamlField& timeouts, std::map<std::string, int64_t>& out) {
  for (const auto& [key, field] : timeouts.Members()) {
    const bool known = key == "default" || pipeline::IsStage(key);
    int64_t seconds = 0;
    if (!known) {
      field.Refuse("is not a stage; \"default\" sets all other stages");
    } else if (field.Read(seconds, 1, kWeekSeconds)) {
      out[key == "default" ? "" : key] = seconds * 1000;
    }
  }
}

std::vector<pipeline::Tier> ReadTiers(const YamlField& root) {
  std::vector<pipeline::Tier> out;
  root.Allow({"tiers"});
  for (const auto& [name, field] : root["tiers"].Members()) {
    if (name.empty()) field.Refuse("must have a name");
    out.push_back(ReadTier(name, field));
  }
  if (out.empty()) root["tiers"].Refuse("must name at least one tier");
  return out;
}

std::vector<pipeline::Tier> BuiltInTiers() {
  return {{"FREE", 1, "5Gi", "512Mi", "500m", false},
          {"STANDARD", 3, "50Gi", "4Gi", "2", true},
          {"ENTERPRISE", 5, "500Gi", "16Gi", "4", true}};
}

}  // namespace slipway::app
