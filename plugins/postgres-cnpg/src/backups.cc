#include "backups.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "objects.h"

namespace cnpg {

namespace {

constexpr size_t kOperationCharacters = 12;
constexpr char kNeed[] = "backup";

// Every other phase, known or not, is that of a backup that is being made.
constexpr std::pair<std::string_view, const char*> kStates[] = {
    {"", "PENDING"},
    {"pending", "PENDING"},
    {"completed", "COMPLETED"},
    {"failed", "FAILED"},
    {"invalid backup definition", "FAILED"}};

const std::string& PhaseOf(const Json& backup) {
  return backup.At("status/phase").AsString();
}

std::string StateOf(const Json& backup) {
  for (const auto& [phase, state] : kStates) {
    if (phase == PhaseOf(backup)) return state;
  }
  return "RUNNING";
}

int64_t TimeOr(const Json& time, int64_t otherwise) {
  return TimeMs(time.AsString()).value_or(otherwise);
}

// The operator's own words.
std::string ErrorOf(const Json& backup) {
  const std::string& error = backup.At("status/error").AsString();
  return error.empty() ? backup.At("status/commandError").AsString() : error;
}

BackupRecord RecordOf(const Json& backup) {
  const Json& metadata = backup["metadata"];
  const Json& status = backup["status"];
  BackupRecord out;
  out.id = metadata["name"].AsString();
  out.type = "FULL";
  out.trigger = metadata["labels"].Has("cnpg.io/scheduled-backup") ? "SCHEDULE" : "REQUEST";
  out.state = StateOf(backup);
  out.asked_ms = TimeOr(metadata["creationTimestamp"], 0);
  if (!out.Is("PENDING"))
    out.started_ms = TimeOr(status["startedAt"], TimeOr(status["reconciliationStartedAt"], 0));
  if (out.Is("COMPLETED") || out.Is("FAILED"))
    out.finished_ms = TimeOr(status["stoppedAt"], TimeOr(status["reconciliationTerminatedAt"], 0));
  if (status["majorVersion"].IsInt())
    out.engine_version = std::to_string(status["majorVersion"].AsInt());
  out.position = status["endLSN"].AsString();
  out.reference = status["backupId"].AsString();
  if (out.Is("FAILED")) out.error = ErrorOf(backup);
  return out;
}

std::vector<BackupRecord> Records(const Observed& observed, const Json* fresh) {
  std::vector<BackupRecord> out;
  for (const Json* backup : observed.backups) {
    const bool same =
        fresh != nullptr && (*backup)["metadata"]["name"] == (*fresh)["metadata"]["name"];
    if (!same) out.push_back(RecordOf(*backup));
  }
  if (fresh != nullptr) out.push_back(RecordOf(*fresh));
  Order(out);
  return out;
}

// The plugin writes into the ObjectStore what its archive holds.
RecoveryWindow WindowOf(const Instance& instance, const Observed& observed,
                        const std::vector<BackupRecord>& records) {
  static const Json kNone;
  const Json& archived =
      observed.store == nullptr
          ? kNone
          : observed.store->At("status/serverRecoveryWindow")[instance.LifeName()];
  RecoveryWindow out;
  out.from_ms = TimeOr(archived["firstRecoverabilityPoint"], 0);
  out.last_backup_ms = TimeOr(archived["lastSuccessfulBackupTime"], 0);
  for (const BackupRecord& record : records) {
    if (record.Is("COMPLETED"))
      out.last_backup_ms = std::max(out.last_backup_ms, record.finished_ms);
  }
  out.to_ms = out.last_backup_ms;
  const auto last = std::find_if(records.begin(), records.end(), [](const BackupRecord& record) {
    return record.Is("COMPLETED") || record.Is("FAILED");
  });
  if (last != records.end() && last->Is("FAILED"))
    out.last_backup_error = last->error.empty() ? "the operator gives no reason" : last->error;
  out.archiving = ArchiveState(observed);
  if (out.archiving == "FAILING") out.archive_error = ArchiveError(*observed.cluster);
  return out;
}

// The stage may have waited for the archive before there was a Backup to wait for.
int64_t SilentMs(const Json& backup, int64_t waited_ms, int64_t now_ms) {
  const auto made_ms = TimeMs(backup["metadata"]["creationTimestamp"].AsString());
  return made_ms ? std::clamp<int64_t>(now_ms - *made_ms, 0, waited_ms) : waited_ms;
}

}  // namespace

std::string BackupName(const Instance& instance, const std::string& operation_id) {
  std::string suffix;
  for (const char c : operation_id) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) suffix += c;
    if (c >= 'A' && c <= 'Z') suffix += static_cast<char>(c - 'A' + 'a');
  }
  if (suffix.size() > kOperationCharacters) suffix.erase(0, suffix.size() - kOperationCharacters);
  return instance.name + "-" + suffix;
}

Sought SeekBackup(const Json& input, const Observed& observed, const std::string& name) {
  for (const Json* backup : observed.backups) {
    if ((*backup)["metadata"]["name"].AsString() == name) return {backup, std::nullopt};
  }
  const Json& line = InventoryLine(input, "Backup", name);
  if (line.IsNull()) return {};
  // It may be there and not be observed yet.
  if (!input["needs"].Has(kNeed)) {
    Json out =
        Result(Progress("BackupRequested", "the backup " + name + " is looked up", -1,
                        WaitingFor("Backup", line["namespace"].AsString(), name, "NotObserved")));
    return {nullptr,
            out.Set("need", Json::Obj({{kNeed, ObjectName(kClusterApi, "Backup", name)}}))};
  }
  const Json& found = input["needs"][kNeed];
  if (found.IsObject()) return {&found, std::nullopt};
  // A line without a uid may be that of a Backup that the API server never got.
  if (line["uid"].AsString().empty()) return {};
  return {nullptr, Result(Failed("BackupVanished",
                                 "the backup " + name + " was deleted before it was complete"))};
}

Judgement JudgeBackup(const Observed& observed, const Json& backup, int64_t waited_ms,
                      int64_t now_ms) {
  const std::string named = "the backup " + backup["metadata"]["name"].AsString();
  const std::string& phase = PhaseOf(backup);
  const std::string state = StateOf(backup);
  if (state == "COMPLETED") return Ready("BackupCompleted", named + " is complete");
  if (state == "FAILED") {
    const std::string error = ErrorOf(backup);
    return Failed("BackupFailed", named + " failed" + (error.empty() ? "" : ": " + error));
  }
  if (phase.empty()) {
    const int64_t silent_ms = SilentMs(backup, waited_ms, now_ms);
    if (silent_ms > kSilentMs) {
      return OperatorSilent("the Backup has had no status", "CloudNativePG", silent_ms,
                            WaitingFor(backup, "OperatorNotResponding"));
    }
    return Progress("BackupRequested", named + " has not begun", -1,
                    WaitingFor(backup, "NoStatus"));
  }
  const std::string archive =
      ArchiveState(observed) == "FAILING"
          ? "; the write-ahead log is not archived: " + ArchiveError(*observed.cluster)
          : "";
  if (state == "PENDING") {
    return Progress(
        "BackupPending",
        named + " waits for another backup or for an instance that can make it" + archive, -1,
        WaitingFor(backup, phase));
  }
  return Progress("BackupRunning", named + " is being made" + archive, -1,
                  WaitingFor(backup, phase));
}

Json BackupOutputs(const Instance& instance, const Observed& observed, const Json* fresh) {
  const std::vector<BackupRecord> records = Records(observed, fresh);
  return Json::Obj({{"backups", BackupsOutput(records)},
                    {"window", WindowOf(instance, observed, records).ToJson()}});
}

}  // namespace cnpg
