#include "api/problem.h"
#include "api/render.h"

namespace slipway::api {
namespace {

Json TimeOrNull(int64_t unix_ms) {
  return unix_ms > 0 ? Json(FormatTime(unix_ms)) : Json();
}

Json TextOrNull(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

Json RenderBackup(const store::BackupRecord& backup) {
  return Json::Obj(
      {{"id", backup.id},
       {"kind", "Backup"},
       {"path", "/v1/backups/" + backup.id},
       {"instanceId", backup.instance_id},
       {"name", backup.name},
       {"type", backup.type},
       {"trigger", backup.trigger},
       {"state", backup.state},
       {"startedAt", TimeOrNull(backup.started_ms)},
       {"finishedAt", TimeOrNull(backup.finished_ms)},
       {"sizeBytes", backup.size_bytes >= 0 ? Json(backup.size_bytes) : Json()},
       {"engineVersion", TextOrNull(backup.engine_version)},
       {"position", TextOrNull(backup.position)},
       {"error", TextOrNull(backup.error)},
       {"verified", backup.verified.empty() ? Json()
                                            : Json::Obj({{"at", TimeOrNull(backup.verified_ms)},
                                                         {"result", backup.verified}})},
       {"expiresAt", TimeOrNull(backup.expires_ms)},
       {"goneAt", TimeOrNull(backup.gone_ms)}});
}

Json RenderWindow(const store::InstanceRecord& instance) {
  const auto outputs = Json::Parse(instance.outputs);
  const Json none = Json::MakeObject();
  const Json& told = outputs ? (*outputs)["window"] : none;
  Json windows = Json::MakeArray();
  for (const Json& window : told["windows"].items())
    windows.Push(Json::Obj({{"from", TimeOrNull(window["from_ms"].AsInt())},
                            {"to", TimeOrNull(window["to_ms"].AsInt())},
                            {"open", window["open"].AsBool()}}));
  return Json::Obj({{"kind", "RecoveryWindow"},
                    {"instanceId", instance.id},
                    {"supported", told["supported"].AsBool()},
                    {"windows", std::move(windows)},
                    {"latestRestorable", TimeOrNull(told["latest_ms"].AsInt())},
                    {"archiving", TextOrNull(told["archiving"].AsString())},
                    {"archiveError", TextOrNull(told["archive_error"].AsString())},
                    {"lastBackupAt", TimeOrNull(told["last_backup_ms"].AsInt())},
                    {"lastBackupError", TextOrNull(told["last_backup_error"].AsString())},
                    {"observedAt", TimeOrNull(instance.observed_ms)}});
}

}  // namespace slipway::api
