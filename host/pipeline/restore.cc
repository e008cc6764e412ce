#include "pipeline/restore.h"

#include <algorithm>

#include "engine/inputs.h"
#include "pipeline/ask.h"
#include "pipeline/backups.h"

namespace slipway::pipeline {
namespace {

constexpr size_t kBackupsLookedAt = 500;
constexpr char kTargetTime[] = "TIME", kLatest[] = "LATEST", kBackup[] = "BACKUP";

Error Problem(std::string field, std::string reason, std::string message) {
  return {Code::kInvalid, std::move(reason), std::move(message), std::move(field)};
}

std::string Listed(const Json& list) {
  std::string out;
  for (const Json& item : list.items()) out += (out.empty() ? "" : ", ") + item.AsString();
  return out;
}

// The target with its defaults: the backup that is named, else the latest point.
Json TargetOf(const Json& source) {
  Json target = source["target"].is_object() ? source["target"] : Json::MakeObject();
  if (!std::as_const(target)["type"].is_string())
    target.Set("type", source["backupId"].is_string() ? kBackup : kLatest);
  target.Set("exclusive", std::as_const(target)["exclusive"].AsBool());
  return target;
}

void CheckType(const Json& target, const Json& description, std::vector<Error>& found) {
  const auto& known = description["backup"]["targets"].items();
  const std::string& type = target["type"].AsString();
  if (std::find(known.begin(), known.end(), Json(type)) != known.end()) return;
  found.push_back(Problem("/source/target/type", "TargetUnsupported",
                          Json::Quote(type) + " is not a target of this engine; it has " +
                              Listed(description["backup"]["targets"])));
}

// A point of time must lie in a window. The refusal names the nearest points on both sides.
void CheckTime(const Json& target, const store::InstanceRecord& source, const Json& outputs,
               int64_t now_ms, std::vector<Error>& found) {
  const std::string& text = target["value"].AsString();
  const int64_t wanted = ParseTime(text);
  if (wanted <= 0) {
    found.push_back(Problem("/source/target/value", "InvalidTime",
                            "must be a time such as 2026-11-22T05:00:00Z"));
    return;
  }
  const int64_t end = source.deleted_ms != 0 ? source.deleted_ms : now_ms;
  int64_t before = 0, after = 0;
  for (const Reach& window : WindowsOf(outputs)) {
    const int64_t last = window.open ? std::max(window.to_ms, end) : window.to_ms;
    if (window.from_ms <= wanted && wanted <= last) return;
    if (last < wanted) before = std::max(before, last);
    if (wanted < window.from_ms && (after == 0 || window.from_ms < after)) after = window.from_ms;
  }
  std::string nearest;
  if (before != 0) nearest = FormatTime(before);
  if (after != 0) nearest += (nearest.empty() ? "" : " and ") + FormatTime(after);
  found.push_back(Problem("/source/target/value", "TargetOutsideWindow",
                          "no restore can reach " + text + "; the nearest points are " + nearest));
}

// The backup that the request names. nullopt when it names none, or a wrong one (a problem).
Result<std::optional<store::BackupRecord>> BackupOf(const Json& source, const store::Store& store,
                                                    const std::string& organization,
                                                    std::vector<Error>& found) {
  if (!source["backupId"].is_string()) return std::optional<store::BackupRecord>();
  const std::string& id = source["backupId"].AsString();
  auto backup = store.GetBackup(id);
  if (!backup && backup.error().code != Code::kNotFound) return backup.error();
  // Another organization's backup is unknown here.
  if (!backup || backup->organization != organization) {
    found.push_back(Problem("/source/backupId", "BackupNotFound", "there is no backup " + id));
    return std::optional<store::BackupRecord>();
  }
  if (backup->state != "COMPLETED" || backup->gone_ms != 0)
    found.push_back(
        Problem("/source/backupId", "BackupNotUsable",
                "the backup is " + (backup->gone_ms != 0 ? std::string("gone") : backup->state)));
  return std::optional(*std::move(backup));
}

// The newest backup that had ended at that time; 0: at any. "" when there is none, or when a
// cluster that counts whole seconds leaves open which it is.
Result<std::string> NewestBackup(const store::Store& store, const std::string& instance_id,
                                 int64_t until_ms) {
  store::BackupFilter filter;
  filter.instance_id = instance_id;
  filter.state = "COMPLETED";
  filter.limit = kBackupsLookedAt;
  TRY(const auto backups, store.ListBackups(filter));
  for (const auto& backup : backups) {
    if (until_ms != 0 && backup.finished_ms > until_ms) continue;
    const bool is_open = until_ms != 0 && backup.finished_ms / 1000 == until_ms / 1000;
    return is_open ? std::string() : backup.id;
  }
  return std::string();
}

Json ShownBackup(const store::BackupRecord& backup) {
  return Json::Obj({{"id", backup.name},
                    {"reference", backup.reference},
                    {"started_ms", backup.started_ms},
                    {"finished_ms", backup.finished_ms},
                    {"engine_version", backup.engine_version}});
}

}  // namespace

Result<Source> ResolveSource(const CreateRequest& request, const std::string& instance_name,
                             const Json& description, const store::Store& store, int64_t now_ms,
                             std::vector<Error>& found) {
  const Json& source = request.source;
  const size_t before = found.size();
  Source out;
  TRY(const auto backup, BackupOf(source, store, request.organization, found));
  std::string id = source["instanceId"].AsString();
  if (id.empty() && backup) id = backup->instance_id;
  if (id.empty()) {
    if (found.size() == before)
      found.push_back(Problem("/source", "Required", "must name an instanceId or a backupId"));
    return out;
  }
  auto instance = store.GetInstance(id);
  if (!instance && instance.error().code != Code::kNotFound) return instance.error();
  if (!instance || instance->organization != request.organization) {
    found.push_back(
        Problem("/source/instanceId", "InstanceNotFound", "there is no instance " + id));
    return out;
  }
  out.instance = *std::move(instance);
  if (backup && backup->instance_id != id)
    found.push_back(
        Problem("/source/backupId", "BackupNotFound", "the backup is not one of instance " + id));
  if (out.instance.database_type != request.database_type)
    found.push_back(Problem("/databaseType", "SourceDiffers",
                            "the source is of type " + out.instance.database_type));
  if (!description["backup"].is_object()) {
    found.push_back(Problem("/source", "RestoreNotSupported",
                            "the engine of " + request.database_type + " cannot restore"));
    return out;
  }
  TRY(const Json spec, Json::Parse(out.instance.spec));
  if (!spec["backup"].is_object()) {
    found.push_back(Problem("/source/instanceId", "NoBackups", "the instance never had backups"));
    return out;
  }
  TRY(const auto archive, store.Archive(id));
  if (archive && archive->expires_ms != 0 && archive->expires_ms <= now_ms)
    found.push_back(
        Problem(source["instanceId"].is_string() ? "/source/instanceId" : "/source/backupId",
                "BackupsExpired",
                "the backups of the instance expired at " + FormatTime(archive->expires_ms)));
  const auto parsed = Json::Parse(out.instance.outputs);
  const Json outputs = parsed ? *parsed : Json::MakeObject();
  const Json target = TargetOf(source);
  CheckType(target, description, found);
  if (!backup && WindowsOf(outputs).empty()) {
    found.push_back(Problem("/source/instanceId", "NoUsableBackup",
                            "no backup of the instance has been completed"));
  } else if (target["type"].AsString() == kTargetTime) {
    CheckTime(target, out.instance, outputs, now_ms, found);
  }
  out.arguments = Json::Obj({{"instance", FactsOf(out.instance).ToJson()},
                             {"spec", spec},
                             {"credentials_secret", SourceKeysName(instance_name)},
                             {"backup", backup ? ShownBackup(*backup) : Json()},
                             {"target", target}});
  if (backup) {
    out.backup_id = backup->id;
  } else if (const std::string& type = target["type"].AsString();
             type == kLatest || type == kTargetTime) {
    TRY(out.backup_id,
        NewestBackup(
            store, id,
            type == kLatest ? 0 : std::max<int64_t>(1, ParseTime(target["value"].AsString()))));
  }
  return out;
}

}  // namespace slipway::pipeline
