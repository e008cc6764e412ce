#include "pipeline/backup_stores.h"

#include <algorithm>

#include "base/yaml.h"

namespace slipway::pipeline {
namespace {

constexpr std::string_view kDirectory = "file://";

std::string NamesOf(const std::vector<BackupStore>& stores) {
  std::string out;
  for (const BackupStore& store : stores) out += (out.empty() ? "" : ", ") + store.name;
  return out;
}

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

// The value of `key` in the first section of a credentials file.
std::string ValueIn(std::string_view text, std::string_view key) {
  size_t sections = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[') && ++sections > 1) break;
    const size_t equals = line.find('=');
    if (equals != std::string::npos && Trimmed(line.substr(0, equals)) == key)
      return Trimmed(std::string_view(line).substr(equals + 1));
  }
  return "";
}

struct StoreKeys {
  bucket::Keys pair;
  std::string ca;
};

Result<StoreKeys> ReadKeys(const BackupStore& store) {
  const auto unreadable = [&](const std::string& file, const std::string& why) {
    return Error{Code::kUnavailable, "StoreKeysUnreadable",
                 "the store " + store.name + ": " + file + " " + why};
  };
  // A directory has no keys, but operators want a Secret.
  if (store.url.starts_with(kDirectory)) return StoreKeys{{"none", "none"}, ""};
  StoreKeys out;
  const auto text = ReadFile(store.credentials_file);
  if (!text) return unreadable(store.credentials_file, "cannot be read: " + text.error().message);
  out.pair = {ValueIn(*text, "aws_access_key_id"), ValueIn(*text, "aws_secret_access_key")};
  if (out.pair.id.empty() || out.pair.secret.empty())
    return unreadable(store.credentials_file,
                      "has no aws_access_key_id and aws_secret_access_key in its first section");
  if (store.ca_file.empty()) return out;
  auto ca = ReadFile(store.ca_file);
  if (!ca) return unreadable(store.ca_file, "cannot be read: " + ca.error().message);
  out.ca = *std::move(ca);
  return out;
}

}  // namespace

Result<const BackupStore*> FindStore(const std::vector<BackupStore>& stores,
                                     const std::string& name) {
  const auto found = std::find_if(stores.begin(), stores.end(), [&](const BackupStore& store) {
    return name.empty() ? store.is_default : store.name == name;
  });
  if (found != stores.end()) return &*found;
  if (name.empty())
    return Error{Code::kInvalid, "NoBackupStore",
                 "this host has no default store for backups; give a store, or destinationPath "
                 "and credentialsSecret of a bucket of your own"};
  return Error{Code::kInvalid, "UnknownBackupStore",
               Json::Quote(name) + " is not a store of this host" +
                   (stores.empty() ? "" : "; it has " + NamesOf(stores))};
}

std::string FolderOf(const BackupStore& store, const std::string& organization,
                     const std::string& instance_id) {
  std::string url = store.url;
  while (url.ends_with('/')) url.pop_back();
  return url + "/" + organization + "/" + instance_id;
}

Result<Json> WithStore(const Json& backup, const std::vector<BackupStore>& stores,
                       const std::string& organization, const std::string& instance_id,
                       const std::string& instance_name) {
  if (!backup.is_object()) return backup;
  const Json& own = backup["destinationPath"];
  if (!own.is_null()) {
    if (own.AsString().starts_with(kDirectory))
      return Error{Code::kInvalid, "InvalidValue",
                   "destinationPath must look like s3://bucket/path", "/backup/destinationPath"};
    if (backup.Has("store"))
      return Error{Code::kInvalid, "InvalidValue",
                   "a backup goes to a store of the host or to a destinationPath, not to both",
                   "/backup/store"};
    return backup;
  }
  const Json& wanted = backup["store"];
  if (!wanted.is_null() && !wanted.is_string())
    return Error{Code::kInvalid, "InvalidType", "store must be a string", "/backup/store"};
  for (const char* ours : {"endpointURL", "credentialsSecret", "region", "regionKey", "caKey"}) {
    if (backup.Has(ours))
      return Error{
          Code::kInvalid, "InvalidValue",
          std::string(ours) + " belongs to a bucket of your own; its destinationPath is missing",
          std::string("/backup/") + ours};
  }
  const auto found = FindStore(stores, wanted.AsString());
  if (!found) return Error(found.error()).At(wanted.is_null() ? "/backup" : "/backup/store");
  const BackupStore& store = **found;
  Json out = backup;
  out.Set("store", store.name)
      .Set("destinationPath", FolderOf(store, organization, instance_id))
      .Set("credentialsSecret", StoreKeysName(instance_name));
  if (!store.endpoint.empty()) out.Set("endpointURL", store.endpoint);
  if (!store.region.empty()) out.Set("region", store.region).Set("regionKey", store_key::kRegion);
  if (!store.ca_file.empty()) out.Set("caKey", store_key::kCa);
  return out;
}

std::string StoreKeysName(const std::string& instance_name) {
  return instance_name + "-backup-keys";
}

std::string SourceKeysName(const std::string& instance_name) {
  return instance_name + "-source-keys";
}

Result<std::unique_ptr<bucket::Bucket>> OpenStore(const BackupStore& store,
                                                  const bucket::Limits& limits) {
  TRY(StoreKeys keys, ReadKeys(store));
  return bucket::Open({store.url, store.endpoint, store.region, std::move(keys.ca)}, keys.pair,
                      limits);
}

Result<Json> StoreKeysSecret(const BackupStore& store, const std::string& ns,
                             const std::string& name) {
  TRY(const StoreKeys keys, ReadKeys(store));
  const auto& [id, secret] = keys.pair;
  Json data =
      Json::Obj({{store_key::kAccessKeyId, id},
                 {store_key::kSecretAccessKey, secret},
                 {store_key::kCredentials, "[default]\naws_access_key_id = " + id +
                                               "\naws_secret_access_key = " + secret + "\n"}});
  if (!store.region.empty()) data.Set(store_key::kRegion, store.region);
  if (!store.ca_file.empty()) data.Set(store_key::kCa, keys.ca);
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", Json::Obj({{"name", name}, {"namespace", ns}})},
                    {"type", "Opaque"},
                    {"stringData", std::move(data)}});
}

}  // namespace slipway::pipeline
