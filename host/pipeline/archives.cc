#include "pipeline/archives.h"

#include <utility>

#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr char kKind[] = "SlipwayManifest";
constexpr int64_t kVersion = 1;

// The members of a record and their names in the manifest, once for both directions.
template <class Record>
using Texts = std::vector<std::pair<const char*, std::string Record::*>>;
template <class Record>
using Numbers = std::vector<std::pair<const char*, int64_t Record::*>>;

const Texts<store::InstanceRecord>& InstanceTexts() {
  using R = store::InstanceRecord;
  static const Texts<R> kTexts = {{"id", &R::id},           {"organization", &R::organization},
                                  {"project", &R::project}, {"name", &R::name},
                                  {"namespace", &R::ns},    {"databaseType", &R::database_type},
                                  {"tier", &R::tier},       {"engine", &R::engine},
                                  {"seed", &R::seed},       {"requestedBy", &R::requested_by}};
  return kTexts;
}

const Numbers<store::InstanceRecord>& InstanceNumbers() {
  using R = store::InstanceRecord;
  static const Numbers<R> kNumbers = {{"createdMs", &R::created_ms}, {"deletedMs", &R::deleted_ms}};
  return kNumbers;
}

const Texts<store::BackupRecord>& BackupTexts() {
  using R = store::BackupRecord;
  static const Texts<R> kTexts = {{"id", &R::id},
                                  {"name", &R::name},
                                  {"type", &R::type},
                                  {"trigger", &R::trigger},
                                  {"state", &R::state},
                                  {"reference", &R::reference},
                                  {"position", &R::position},
                                  {"engineVersion", &R::engine_version},
                                  {"error", &R::error}};
  return kTexts;
}

const Numbers<store::BackupRecord>& BackupNumbers() {
  using R = store::BackupRecord;
  static const Numbers<R> kNumbers = {{"startedMs", &R::started_ms},
                                      {"finishedMs", &R::finished_ms},
                                      {"sizeBytes", &R::size_bytes},
                                      {"createdMs", &R::created_ms}};
  return kNumbers;
}

template <class Record>
Json Written(const Record& record, const Texts<Record>& texts, const Numbers<Record>& numbers) {
  Json out = Json::MakeObject();
  for (const auto& [name, member] : texts) out.Set(name, record.*member);
  for (const auto& [name, member] : numbers) out.Set(name, record.*member);
  return out;
}

template <class Record>
void Read(const Json& json, const Texts<Record>& texts, const Numbers<Record>& numbers,
          Record& record) {
  for (const auto& [name, member] : texts) record.*member = json[name].AsString();
  for (const auto& [name, member] : numbers) record.*member = json[name].AsInt();
}

}  // namespace

std::optional<store::ArchiveRecord> ArchiveOf(const store::InstanceRecord& instance) {
  const Json spec = Json::ParseObject(instance.spec);
  const std::string& name = spec["backup"]["store"].AsString();
  if (name.empty()) return std::nullopt;
  store::ArchiveRecord out;
  out.instance_id = instance.id;
  out.organization = instance.organization;
  out.store = name;
  out.folder = spec["backup"]["destinationPath"].AsString();
  return out;
}

std::optional<bool> RetainsBackups(const store::OperationRecord& operation) {
  const Json arguments = Json::ParseObject(operation.arguments);
  const Json& said = arguments["retain_backups"];
  if (said.is_null()) return std::nullopt;
  return said.AsBool();
}

bool HasFinalBackup(const store::OperationRecord& operation) {
  return Json::ParseObject(operation.arguments)[kFinalBackup].AsBool();
}

int64_t KeptAfterDeleteMs(const store::InstanceRecord& instance,
                          const std::vector<BackupStore>& stores) {
  const auto archive = ArchiveOf(instance);
  const auto store = FindStore(stores, archive ? archive->store : "");
  return store ? (*store)->keep_deleted_ms : BackupStore().keep_deleted_ms;
}

int64_t ArchiveExpiry(const store::OperationRecord& operation,
                      const store::InstanceRecord& instance, const std::vector<BackupStore>& stores,
                      int64_t now_ms) {
  // An instance that never came to be has nothing that anybody wants back.
  if (!PolicyOf(operation.verb).ends_instance) return now_ms;
  if (!RetainsBackups(operation).value_or(true)) return now_ms;
  return now_ms + KeptAfterDeleteMs(instance, stores);
}

std::string ManifestText(const Manifest& manifest) {
  const store::InstanceRecord& instance = manifest.instance;
  const Json outputs = Json::ParseObject(instance.outputs);
  Json shown = Written(instance, InstanceTexts(), InstanceNumbers());
  shown.Set("spec", Json::ParseObject(instance.spec))
      .Set("labels", Json::ParseObject(instance.labels))
      .Set("window", outputs["window"]);
  Json backups = Json::MakeArray();
  for (const store::BackupRecord& backup : manifest.backups)
    backups.Push(Written(backup, BackupTexts(), BackupNumbers()));
  return Json::Obj({{"kind", kKind},
                    {"version", kVersion},
                    {"expiresMs", manifest.expires_ms},
                    {"instance", std::move(shown)},
                    {"backups", std::move(backups)}})
      .Dump();
}

Result<Manifest> ReadManifest(const std::string& text) {
  const auto parsed = Json::Parse(text);
  if (!parsed || (*parsed)["kind"].AsString() != kKind)
    return Error{Code::kInvalid, "NoManifest", "this is not a manifest of Slipway"};
  if ((*parsed)["version"].AsInt() != kVersion)
    return Error{Code::kInvalid, "NoManifest",
                 "the manifest has version " + (*parsed)["version"].Dump() + "; this host reads " +
                     std::to_string(kVersion)};
  const Json& shown = (*parsed)["instance"];
  Manifest out;
  out.expires_ms = (*parsed)["expiresMs"].AsInt();
  Read(shown, InstanceTexts(), InstanceNumbers(), out.instance);
  out.instance.spec = shown["spec"].Dump();
  out.instance.labels = shown["labels"].Dump();
  out.instance.outputs = Json::Obj({{"window", shown["window"]}}).Dump();
  for (const Json& backup : (*parsed)["backups"].items()) {
    store::BackupRecord& record = out.backups.emplace_back();
    Read(backup, BackupTexts(), BackupNumbers(), record);
    record.instance_id = out.instance.id;
    record.organization = out.instance.organization;
  }
  if (out.instance.id.empty() || out.instance.organization.empty())
    return Error{Code::kInvalid, "NoManifest", "the manifest names no instance"};
  return out;
}

}  // namespace slipway::pipeline
