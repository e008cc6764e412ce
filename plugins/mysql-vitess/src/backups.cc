#include "backups.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "judge.h"
#include "objects.h"

namespace vitess {

namespace {

constexpr size_t kOperationCharacters = 12;
constexpr size_t kTimeLength = sizeof "2026-11-22.060102" - 1;
// The longest that any run may take; what is incomplete then stays so.
constexpr int64_t kLongestMs = 21600000;
// The clock of the tablet dates a backup, that of the API server its Job.
constexpr int64_t kSkewMs = 5000;

int64_t TimeOr(const Json& time, int64_t otherwise) {
  return TimeMs(time.AsString()).value_or(otherwise);
}

// "2026-11-22.060102.vtbackup-2093948112" ends with who wrote it.
bool ByVtbackup(const Json& backup) {
  const std::string& name = backup.At("status/storageName").AsString();
  return name.size() > kTimeLength && name.compare(kTimeLength, 10, ".vtbackup-") == 0;
}

// Vitess makes full backups by the engine of the spec, and incremental ones by its own, always.
bool IsFull(const Json& backup) {
  return ByVtbackup(backup) || backup.At("status/engine").AsString() != "builtin";
}

bool IsComplete(const Json& backup) {
  return backup.At("status/complete").AsBool();
}

bool HasCondition(const Json& job, const char* type) {
  return IsTrue(Condition(job, type));
}

// Whether the Job may have made the backup, by their times.
bool Fits(const Json& job, const Json& backup) {
  const int64_t began = TimeOr(job.At("status/startTime"), 0);
  const int64_t at = TimeOr(backup.At("status/startTime"), 0);
  const int64_t ended = TimeOr(job.At("status/completionTime"),
                               TimeOr(Condition(job, "Failed")["lastTransitionTime"], at));
  // One that was there before the Job, by the API server's clock, is another's.
  return began > 0 && at >= began - kSkewMs && at <= ended + kSkewMs && !ByVtbackup(backup) &&
         backup["metadata"]["labels"]["planetscale.com/shard"] ==
             job["metadata"]["labels"]["planetscale.com/shard"] &&
         TimeOr(backup["metadata"]["creationTimestamp"], at) >=
             TimeOr(job["metadata"]["creationTimestamp"], 0);
}

// The words of the Job's pod; nullopt: not fetched yet.
std::optional<std::string> WordsOf(const Scene& scene, const Json& job) {
  const std::string label = "batch.kubernetes.io/job-name=" + job["metadata"]["name"].AsString();
  const Json* pods = scene.looks.List("v1", "Pod", label);
  if (pods == nullptr) return std::nullopt;
  for (const Json& pod : pods->items()) {
    if (const auto trouble = PodTrouble(pod)) return trouble->message;
  }
  const std::string& message = Condition(job, "Failed")["message"].AsString();
  return message.empty() ? "its Job failed" : message;
}

Run Sought(const Scene& scene, const Json& input, const std::string& name) {
  Run out;
  for (const Json* job : scene.observed.jobs) {
    if ((*job)["metadata"]["name"].AsString() == name) out.job = job;
  }
  const Json& line = InventoryLine(input, "Job", name);
  if (out.job != nullptr) return out;
  out.missing = line.IsNull();
  if (out.missing) return out;
  const Json* job = scene.looks.Find(kJobApi, "Job", name);
  if (job == nullptr) {
    out.judgement = Progress("BackupRequested", "the Job " + name + " is looked up", -1,
                             scene.On("Job", name, "NotObserved"));
  } else if (job->IsObject()) {
    out.job = job;
  } else if (line["uid"].AsString().empty()) {
    out.missing = true;  // the API server may never have got it
  } else {
    out.judgement =
        Failed("BackupVanished", "the Job " + name + " was deleted before its backup was seen");
  }
  return out;
}

// A record of a failed Job that left nothing in the bucket.
BackupRecord RecordOfJob(const Json& job, const std::string& words) {
  BackupRecord out;
  out.id = job["metadata"]["name"].AsString();
  out.type = "FULL";
  out.trigger = "REQUEST";
  out.state = "FAILED";
  out.started_ms = TimeOr(job.At("status/startTime"), 0);
  out.asked_ms = TimeOr(job["metadata"]["creationTimestamp"], out.started_ms);
  out.finished_ms = TimeOr(Condition(job, "Failed")["lastTransitionTime"], 0);
  out.error = words;
  return out;
}

BackupRecord RecordOf(const Json& backup, int64_t now_ms) {
  const Json& status = backup["status"];
  BackupRecord out;
  out.id = backup["metadata"]["name"].AsString();
  out.type = IsFull(backup) ? "FULL" : "INCREMENTAL";
  // The schedule of full backups is vtbackup's.
  out.trigger = IsFull(backup) && !ByVtbackup(backup) ? "REQUEST" : "SCHEDULE";
  out.started_ms = out.asked_ms = TimeOr(status["startTime"], 0);
  if (IsComplete(backup)) {
    out.state = "COMPLETED";
    out.finished_ms = TimeOr(status["finishedTime"], 0);
    out.position = status["position"].AsString();
    if (out.Is("COMPLETED") && IsFull(backup))
      out.reference = status["storageName"].AsString().substr(0, kTimeLength);
  } else if (now_ms - out.started_ms <= kLongestMs) {
    out.state = "RUNNING";
  } else {
    out.state = "FAILED";
    out.error = "it was never completed";
  }
  return out;
}

// Nullopt as long as something is not fetched.
std::optional<std::vector<BackupRecord>> Records(const Scene& scene) {
  const Json* backups = ListedBackups(scene);
  std::vector<BackupRecord> out;
  if (backups != nullptr) {
    for (const Json& backup : backups->items()) out.push_back(RecordOf(backup, scene.now_ms));
  }
  bool known = backups != nullptr;
  for (const Json* job : scene.observed.jobs) {
    if (!HasCondition(*job, "Failed")) continue;
    const auto words = WordsOf(scene, *job);
    known = known && words;
    if (!known) continue;
    const auto begun =
        std::find_if(backups->items().begin(), backups->items().end(),
                     [&](const Json& backup) { return !IsComplete(backup) && Fits(*job, backup); });
    if (begun == backups->items().end()) {
      out.push_back(RecordOfJob(*job, *words));
      continue;
    }
    BackupRecord& record = out[static_cast<size_t>(begun - backups->items().begin())];
    record.state = "FAILED";
    record.error = *words;
  }
  if (!known) return std::nullopt;
  Order(out);
  return out;
}

// A full backup can be restored, to the moment of its end; nothing between two of them can.
Json WindowOf(const Scene& scene, const std::vector<BackupRecord>& records,
              const Judgement& archive) {
  RecoveryWindow told;
  std::vector<int64_t> points;
  const BackupRecord* newest = nullptr;
  for (const BackupRecord& record : records) {
    if (record.type != "FULL" || record.Is("RUNNING")) continue;
    if (newest == nullptr) newest = &record;
    if (record.Is("COMPLETED")) points.push_back(record.finished_ms);
  }
  std::sort(points.begin(), points.end());
  if (!points.empty()) told.last_backup_ms = points.back();
  if (newest != nullptr && newest->Is("FAILED")) told.last_backup_error = newest->error;
  const bool begun = archive.IsReady() || !points.empty();
  told.archiving = archive.IsReady() ? "HEALTHY" : begun ? "FAILING" : "NOT_STARTED";
  if (told.archiving == "FAILING") told.archive_error = archive.message;
  Json out = told.ToJson();
  // The backups of shards are of different moments.
  if (scene.database.Shards() > 1) points.clear();
  if (points.size() > kMostBackups)
    points.erase(points.begin(), points.end() - static_cast<ptrdiff_t>(kMostBackups));
  Json windows = Json::Arr();
  for (const int64_t at : points) windows.Push(Json::Obj({{"from_ms", at}, {"to_ms", at}}));
  if (!points.empty()) out.Set("latest_ms", points.back());
  return out.Set("windows", std::move(windows)).Set("supported", scene.database.Shards() == 1);
}

}  // namespace

std::string RunName(const Database& database, const std::string& operation_id,
                    const KeyRange& range) {
  std::string suffix;
  for (const char c : operation_id) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) suffix += c;
    if (c >= 'A' && c <= 'Z') suffix += static_cast<char>(c - 'A' + 'a');
  }
  if (suffix.size() > kOperationCharacters) suffix.erase(0, suffix.size() - kOperationCharacters);
  return database.name + "-" + suffix + (database.Shards() > 1 ? "-" + range.Safe() : "");
}

const Json* ListedBackups(const Scene& scene) {
  return scene.looks.List(kApi, "VitessBackup", "planetscale.com/cluster=" + scene.database.name);
}

std::string OldestSeed(const Json& backups) {
  std::string out;
  for (const Json& backup : backups.items()) {
    const std::string& name = backup.At("status/storageName").AsString();
    if (ByVtbackup(backup) && IsComplete(backup) && (out.empty() || name < out)) out = name;
  }
  return out;
}

Run JudgeRun(const Scene& scene, const Json& input, const std::string& name,
             const KeyRange& range) {
  Run out = Sought(scene, input, name);
  const std::string named = "the backup of the shard " + range.Text();
  if (out.job == nullptr) {
    if (out.missing)
      out.judgement = Progress("BackupRequested", named + " is being requested", -1,
                               scene.On("Job", name, "NotObserved"));
    return out;
  }
  const Json& job = *out.job;
  if (HasCondition(job, "Failed")) {
    const auto words = WordsOf(scene, job);
    out.judgement =
        words ? Failed("BackupFailed", named + " failed: " + *words)
              : Progress("BackupFailing", named + " failed", -1, WaitingFor(job, "NotRead"));
    return out;
  }
  const Json* backups = ListedBackups(scene);
  if (!HasCondition(job, "Complete")) {
    const bool runs = job.At("status/startTime").IsString();
    out.judgement = Progress(runs ? "BackupRunning" : "BackupPending",
                             named + (runs ? " is being written" : " has not begun"), -1,
                             WaitingFor(job, runs ? "JobRunning" : "JobPending"));
    return out;
  }
  if (backups != nullptr) {
    for (const Json& backup : backups->items()) {
      if (IsComplete(backup) && IsFull(backup) && Fits(job, backup)) out.backup = &backup;
    }
  }
  out.judgement =
      out.backup != nullptr
          ? Ready("BackupCompleted", named + " is complete")
          : Progress(
                "BackupNotListed", named + " is written; it is listed within a minute", -1,
                scene.On("VitessBackupStorage", JoinedName({scene.database.name}), "NotListed"));
  return out;
}

Json BackupOutputs(const Scene& scene) {
  const auto records = Records(scene);
  const Judgement archive = JudgeArchive(scene);
  if (!records || scene.looks.Asks()) return {};
  return Json::Obj(
      {{"backups", BackupsOutput(*records)}, {"window", WindowOf(scene, *records, archive)}});
}

}  // namespace vitess
