#include "recovery.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace vitess {

namespace {

constexpr char kMount[] = "/vt/source-backups", kKeysMount[] = "/vt/source-keys",
               kVolume[] = "source-backups";
// Underscores: as the operator writes the flags that these replace.
constexpr char kFileRoot[] = "file_backup_storage_root", kS3Root[] = "s3_backup_storage_root";

// The flag that says where the source's backups are, and its value.
std::pair<const char*, std::string> RootOf(const Json& source) {
  const Store store = StoreOf(source.At("archive/destinationPath").AsString());
  const std::string name = "/" + source.At("instance/name").AsString();
  if (store.directory) return {kFileRoot, kMount + name};
  return {kS3Root, store.In(source["folder"].AsString()) + name};
}

void CheckTarget(const Json& given, Json& out, const Complain& complain) {
  const Json& target = given["target"];
  const std::string& type = target["type"].AsString();
  out.Set("target", Json::Obj({{"type", type}}));
  if (type != "LATEST" && type != "BACKUP") {
    complain("/source/target/type", "TargetUnsupported",
             "type must be LATEST or BACKUP: MySQL is restored to the moment of a full backup");
    return;
  }
  if (!target["value"].IsNull())
    complain("/source/target/value", "UnknownField", "a target " + type + " has no value");
  if (type == "LATEST") return;
  const std::string& reference = given["backup"]["reference"].AsString();
  if (given["backup"].IsNull()) {
    complain("/source/backupId", "Required", "a backup is needed for a target BACKUP");
  } else if (reference.empty()) {
    complain("/source/backupId", "BackupNotUsable",
             "this backup is incremental or not complete; a restore begins with a full one");
  }
  out.Set("reference", reference);
}

void CheckRoom(const Json& given, const Sizing& sizing, const Complain& complain) {
  const std::string& storage = given["spec"]["storage"].AsString();
  if (Bytes(storage).value_or(0) <= sizing.storage_bytes) return;
  complain("/tier", "TierTooSmall",
           "the source has a storage of " + storage + ", a restore needs as much, and here are " +
               FromBytes(sizing.storage_bytes));
}

// A new replica begins with a backup of its own cluster, so the copy must have backups.
void CheckOwnBackups(const Json& given, const Json& backup, const Complain& complain) {
  if (!backup.IsObject()) {
    complain("/backup", "Required",
             "a restored MySQL needs backups of its own, for its replicas begin with one: add "
             "\"backup\": {}");
    return;
  }
  const auto directory = [](const Json& of) {
    return StoreOf(of["destinationPath"].AsString()).directory;
  };
  if (directory(backup) != directory(given["spec"]["backup"]))
    complain("/backup", "StoreDiffers",
             "the backups of the source and those of the copy must both be in buckets, or both in "
             "directories");
}

void CheckShards(const Json& given, const Json& spec, const Complain& complain) {
  const int64_t shards = given["spec"].At("parameters/shards").AsInt(1);
  if (shards > 1)
    complain("/source/instanceId", "SourceSharded",
             "the source has " + std::to_string(shards) +
                 " shards, and the backups of shards are of different moments");
  if (spec.At("parameters/shards").AsInt(1) > 1)
    complain("/parameters/shards", "OutOfRange", "a restored instance has one shard");
}

Json ArchiveOf(const Json& given) {
  const Json& backup = given["spec"]["backup"];
  Json out = Json::Obj({{"destinationPath", backup["destinationPath"]},
                        {"credentialsSecret", given["credentials_secret"]}});
  for (const char* member : {"credentialsKey", "endpointURL", "region", "store"}) {
    if (backup.Has(member)) out.Set(member, backup[member]);
  }
  return out;
}

void Mount(Json& pool, Json volume, const char* path) {
  Json mount = Json::Obj({{"name", volume["name"]}, {"mountPath", path}, {"readOnly", true}});
  pool.Set("extraVolumes", Json::Arr({std::move(volume)}))
      .Set("extraVolumeMounts", Json::Arr({std::move(mount)}));
}

// Another bucket has other keys, too. The tablet writes no backup as long as it reads them.
void ReadOtherBucket(const Json& archive, const std::string& bucket, Json& flags, Json& pool) {
  const std::string& endpoint = archive["endpointURL"].AsString();
  flags.Set("s3_backup_storage_bucket", bucket)
      .Set("s3_backup_aws_region", archive["region"])
      .Set("s3_backup_aws_endpoint", endpoint)
      .Set("s3_backup_force_path_style", endpoint.empty() ? "false" : "true");
  const Json& key = archive["credentialsKey"];
  Mount(pool,
        Json::Obj(
            {{"name", kVolume},
             {"secret",
              Json::Obj({{"secretName", archive["credentialsSecret"]},
                         {"items", Json::Arr({Json::Obj({{"key", key}, {"path", "keys"}})})}})}}),
        kKeysMount);
  Json env = pool["extraEnv"];
  env.Push(Json::Obj(
      {{"name", "AWS_SHARED_CREDENTIALS_FILE"}, {"value", std::string(kKeysMount) + "/keys"}}));
  pool.Set("extraEnv", std::move(env));
}

}  // namespace

Json NormalisedSource(const Json& given, const Json& spec, const Sizing& sizing,
                      const Complain& complain) {
  const Json& instance = given["instance"];
  Json out =
      Json::Obj({{"instance", Json::Obj({{"id", instance["id"]}, {"name", instance["name"]}})},
                 {"archive", ArchiveOf(given)},
                 {"folder", LifeNameOf(instance)}});
  if (!given["spec"]["backup"].IsObject())
    complain("/source/instanceId", "NoBackups", "the source has no backups");
  CheckTarget(given, out, complain);
  CheckShards(given, spec, complain);
  CheckOwnBackups(given, spec["backup"], complain);
  CheckRoom(given, sizing, complain);
  return out;
}

void CheckSource(const Json& source, const Complain& complain) {
  if (source.IsNull()) return;
  const std::string& type = source.At("target/type").AsString();
  const bool good = source["folder"].IsString() && source.At("instance/name").IsString() &&
                    source.At("archive/destinationPath").IsString() &&
                    source.At("archive/credentialsSecret").IsString() &&
                    (type == "LATEST" || (type == "BACKUP" && source["reference"].IsString()));
  if (!good) complain("/source", "WrongType", "source is not what this engine wrote");
}

void ReadSource(const Database& database, Json& pool) {
  const Json& source = database.source;
  const Json& archive = source["archive"];
  const Store store = StoreOf(archive["destinationPath"].AsString());
  const auto [flag, root] = RootOf(source);
  Json vttablet = pool["vttablet"];
  Json flags = vttablet["extraFlags"];
  if (source.Has("reference")) flags.Set("restore-from-backup-ts", source["reference"]);
  flags.Set(flag, root);
  if (store.directory) {
    const std::string path = store.path + "/" + source["folder"].AsString();
    Mount(pool, Json::Obj({{"name", kVolume}, {"hostPath", Json::Obj({{"path", path}})}}), kMount);
  } else {
    const std::string& own = database.backup["store"].AsString();
    if (own.empty() || own != archive["store"].AsString())
      ReadOtherBucket(archive, store.bucket, flags, pool);
  }
  pool.Set("vttablet", vttablet.Set("extraFlags", std::move(flags)));
}

bool WaitsForSecondTablet(const Json& cluster) {
  const auto& keyspaces = cluster.At("spec/keyspaces").items();
  return std::any_of(keyspaces.begin(), keyspaces.end(), [](const Json& keyspace) {
    return keyspace["durabilityPolicy"].AsString() == "semi_sync";
  });
}

bool ClusterReadsSource(const Json& cluster) {
  for (const Json& keyspace : cluster.At("spec/keyspaces").items()) {
    for (const Json& partitioning : keyspace["partitionings"].items()) {
      for (const Json& pool : partitioning.At("equal/shardTemplate/tabletPools").items()) {
        const Json& flags = pool.At("vttablet/extraFlags");
        if (flags.Has(kFileRoot) || flags.Has(kS3Root)) return true;
      }
    }
  }
  return false;
}

bool PodReadsSource(const Database& database, const Json& pod) {
  const auto [flag, root] = RootOf(database.source);
  for (const Json& container : pod.At("spec/containers").items()) {
    for (const Json& argument : container["args"].items()) {
      if (argument.AsString() == "--" + std::string(flag) + "=" + root) return true;
    }
  }
  return false;
}

}  // namespace vitess
