#include "pipeline/backups.h"

#include "base/crypto.h"
#include "base/ids.h"

namespace slipway::pipeline {
namespace {

constexpr size_t kMostBackups = 200;      // in a report, by the contract
constexpr char kSeen[] = "backups_seen";  // the digest of the last report

store::BackupRecord RecordOf(const Json& told, const store::InstanceRecord& instance,
                             const Clock& clock) {
  store::BackupRecord out;
  out.id = NewId("bkp", clock);
  out.instance_id = instance.id;
  out.organization = instance.organization;
  out.name = told["id"].AsString();
  out.type = told["type"].AsString();
  out.trigger = told["trigger"].AsString();
  out.state = told["state"].AsString();
  out.reference = told["reference"].AsString();
  out.position = told["position"].AsString();
  out.engine_version = told["engine_version"].AsString();
  out.error = told["error"].AsString();
  out.started_ms = told["started_ms"].AsInt();
  out.finished_ms = told["finished_ms"].AsInt();
  out.size_bytes = told["size_bytes"].AsInt(-1);
  out.created_ms = out.started_ms;
  return out;
}

}  // namespace

void TakeBackups(const Json& told, const store::InstanceRecord& instance, const Clock& clock,
                 Json& outputs, store::BackupReport& report) {
  if (told["window"].is_object()) outputs.Set("window", told["window"]);
  const Json& backups = told["backups"];
  if (!backups.is_array()) return;
  const std::string digest = Sha256Hex(backups.Dump()).substr(0, 16);
  if (std::as_const(outputs)[kSeen].AsString() == digest) return;
  outputs.Set(kSeen, digest);
  for (const Json& backup : backups.items())
    report.backups.push_back(RecordOf(backup, instance, clock));
  // A list at its limit is cut; the older backups are still there.
  report.is_complete = backups.size() < kMostBackups;
}

std::vector<Reach> WindowsOf(const Json& outputs) {
  std::vector<Reach> out;
  for (const Json& window : outputs["window"]["windows"].items())
    out.push_back({window["from_ms"].AsInt(), window["to_ms"].AsInt(), window["open"].AsBool()});
  return out;
}

}  // namespace slipway::pipeline
