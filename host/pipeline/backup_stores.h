#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "bucket/bucket.h"

namespace slipway::pipeline {

// A place for backups that the host offers, from the configuration.
struct BackupStore {
  std::string name;
  bool is_default = false;
  std::string url;  // s3://bucket/prefix, or file:///directory in a development cluster
  std::string endpoint = {}, region = {};  // of an S3 store; "": the provider's own
  std::string ca_file = {};                // the authority of the endpoint, PEM; "": the system's
  std::string credentials_file = {};       // in AWS' format, read again for each use
  // For how long the backups of a deleted instance stay.
  int64_t keep_deleted_ms = 30LL * 24 * 3600 * 1000;
  int64_t drill_days = 0;  // between two restore drills of each of its instances; 0: none
};

// The keys under which a Secret with a store's credentials holds them.
namespace store_key {
inline constexpr char kAccessKeyId[] = "ACCESS_KEY_ID";
inline constexpr char kSecretAccessKey[] = "ACCESS_SECRET_KEY";
inline constexpr char kRegion[] = "REGION";
inline constexpr char kCa[] = "ca.crt";
inline constexpr char kCredentials[] = "credentials";  // a file in AWS' format
}  // namespace store_key

// The store of that name, or the default one for "". kInvalid "NoBackupStore",
// "UnknownBackupStore".
Result<const BackupStore*> FindStore(const std::vector<BackupStore>& stores,
                                     const std::string& name);

// An instance's folder in a store. No other instance ever gets it, so an archive begins empty.
std::string FolderOf(const BackupStore& store, const std::string& organization,
                     const std::string& instance_id);

// `backup` as an engine wants it. A section without a destinationPath gets a store of the host;
// null, and one with a bucket of the tenant's own, stay as they are. Problems have a JSON Pointer.
Result<Json> WithStore(const Json& backup, const std::vector<BackupStore>& stores,
                       const std::string& organization, const std::string& instance_id,
                       const std::string& instance_name);

// The Secret in an instance's namespace that holds the keys of its store.
std::string StoreKeysName(const std::string& instance_name);
// The one that holds the keys of the store from which it is restored.
std::string SourceKeysName(const std::string& instance_name);

// The store with its keys of now. kUnavailable "StoreKeysUnreadable" names the file.
Result<std::unique_ptr<bucket::Bucket>> OpenStore(const BackupStore& store,
                                                  const bucket::Limits& limits);

// That Secret, with `stringData`. Errors as above.
Result<Json> StoreKeysSecret(const BackupStore& store, const std::string& ns,
                             const std::string& name);

}  // namespace slipway::pipeline
