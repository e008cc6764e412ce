#include "pipeline/store_keys.h"

#include "base/crypto.h"
#include "pipeline/backup_stores.h"
#include "pipeline/effects.h"
#include "pipeline/failures.h"

namespace slipway::pipeline {
namespace {

// The keys that the backup section names: a Secret may hold more, which is nobody's business here.
Json NamedKeys(const Json& backup, const Json& data) {
  Json out = Json::MakeObject();
  for (const auto& [member, key] : backup.members()) {
    if (member.ends_with("Key") && data.Has(key.AsString()))
      out.Set(key.AsString(), data[key.AsString()]);
  }
  return out;
}

// The Secret of a bucket of the tenant's own, as it lies in the source's namespace.
Result<Json> CopyOfSecret(kube::Cluster& cluster, const Json& source, const std::string& ns,
                          const std::string& name) {
  const std::string& from = source["spec"]["backup"]["credentialsSecret"].AsString();
  const std::string& source_ns = source["instance"]["namespace"].AsString();
  TRY(const Json secret, GetOrNull(cluster, {"v1", "Secret", source_ns, from}));
  if (secret.is_null())
    return Error{
        Code::kPrecondition, "SourceKeysMissing",
        "Secret " + source_ns + "/" + from + " with the keys of the source's bucket is gone"};
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", Json::Obj({{"name", name}, {"namespace", ns}})},
                    {"type", "Opaque"},
                    {"data", NamedKeys(source["spec"]["backup"], secret["data"])}});
}

Json Labelled(Json secret, const store::InstanceRecord& instance) {
  secret["metadata"].Set("labels", Json::Obj({{kInstanceLabel, instance.id},
                                              {kEngineLabel, instance.engine},
                                              {kManagedByLabel, "slipway"}}));
  return secret;
}

// Applies it unless these very bytes were applied; the inventory's line comes first.
std::optional<StageOutcome> Put(Tick& tick, const Json& secret) {
  const EffectScope scope{tick.instance(), tick.instance().engine, Json::MakeArray()};
  store::ObjectRecord record = RecordOf(secret);
  const std::string sha = Sha256Hex(secret.Dump());
  if (const store::ObjectRecord* known = tick.inventory().Find(record)) {
    if (known->applied_sha256 == sha && !known->uid.empty()) return std::nullopt;
    record = *known;
  } else {
    record.uid.clear();
    record.order = static_cast<int64_t>(tick.inventory().records().size()) + 1;
    tick.inventory().Put(record);
    if (auto committed = tick.CommitIntent(); !committed)
      return FromClusterError(tick, committed.error());
  }
  const auto uid = ApplyObject(tick.deps().cluster, scope, secret, record.uid);
  if (!uid) {
    if (uid.error().reason == "ObjectNotOurs") tick.inventory().Erase(record);
    return FromClusterError(tick, uid.error());
  }
  record.uid = *uid;
  record.applied_sha256 = sha;
  tick.inventory().Put(record);
  return std::nullopt;
}

std::optional<StageOutcome> PutOf(Tick& tick, const std::string& store, const std::string& name) {
  const auto& stores = tick.deps().options.backup_stores;
  const auto found = FindStore(stores, store);
  if (!found) {
    // The configuration lost a store that instances use: a person must put it back.
    return StageOutcome::Of(
        StageBlocks{{Code::kPrecondition, found.error().reason, found.error().message}});
  }
  const auto secret = StoreKeysSecret(**found, tick.instance().ns, name);
  if (!secret) return FromClusterError(tick, secret.error());
  return Put(tick, Labelled(*secret, tick.instance()));
}

}  // namespace

std::optional<StageOutcome> PutStoreKeys(Tick& tick) {
  const auto spec = Json::Parse(tick.operation().spec);
  const auto arguments = Json::Parse(tick.operation().arguments);
  if (!spec || !arguments) return StageOutcome::Of(StageFails{(spec ? arguments : spec).error()});
  const store::InstanceRecord& instance = tick.instance();
  const std::string& own = (*spec)["backup"]["store"].AsString();
  if (!own.empty()) {
    if (auto unfinished = PutOf(tick, own, StoreKeysName(instance.name))) return unfinished;
  }
  const Json& source = (*arguments)["source"];
  if (!source.is_object()) return std::nullopt;
  const std::string name = SourceKeysName(instance.name);
  const std::string& store = source["spec"]["backup"]["store"].AsString();
  if (!store.empty()) return PutOf(tick, store, name);
  const auto copy = CopyOfSecret(tick.deps().cluster, source, instance.ns, name);
  if (!copy) {
    if (copy.error().reason == "SourceKeysMissing")
      return StageOutcome::Of(StageFails{copy.error()});
    return FromClusterError(tick, copy.error());
  }
  return Put(tick, Labelled(*copy, instance));
}

}  // namespace slipway::pipeline
