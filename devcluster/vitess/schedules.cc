#include "devcluster/vitess/schedules.h"

#include <algorithm>

#include "devcluster/operators/cron.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/backups.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/schedule_plan.h"
#include "devcluster/vitess/servers.h"
#include "devcluster/vitess/topology.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr char kSchedule[] = "planetscale.com/backup-schedule",
               kMethod[] = "planetscale.com/backup-method",
               kScheduledAt[] = "planetscale.com/backup-scheduled-at";
constexpr int64_t kSyncMs = 20'000, kLookMs = 60'000, kMinuteMs = 60'000, kHangMs = 500;

bool Ended(const Json& job) {
  return JobComplete(job) || JobFailed(job);
}

int64_t ScheduledAt(const Json& job) {
  return ParseTime(AnnotationOf(job, kScheduledAt));
}

class SchedulePass : public Pass {
 public:
  SchedulePass(Environment& environment, PassMemory& memory)
      : Pass(environment, memory), servers_(*environment.servers) {}

  Result<void> Read(const std::string& ns, const std::string& name) {
    TRY(schedule_, kube().Get({kGroup, "VitessBackupSchedule", ns, name}));
    TRY(const Json cluster,
        FindOrNull({kGroup, kKind, ns, schedule_.At("/spec/cluster").AsString()}));
    spec_ = ClusterSpec::Parse(cluster);
    vtbackup_ = schedule_.At("/spec/backupMethod").AsString("vtbackup") == "vtbackup";
    const kube::ListOptions options{.label_selector = std::string(kSchedule) + "=" + name};
    TRY(kube::ObjectList jobs, kube().List("batch/v1", "Job", ns, options));
    TRY(kube::ObjectList pods, kube().List("v1", "Pod", ns, options));
    TRY(kube::ObjectList claims, kube().List("v1", "PersistentVolumeClaim", ns, options));
    jobs_ = std::move(jobs.items);
    pods_ = std::move(pods.items);
    claims_ = std::move(claims.items);
    return {};
  }

  bool Idle() {
    if (spec_.uid.empty()) RequeueIn(kSyncMs);  // the cluster may appear later
    return spec_.uid.empty() || BeingDeleted(schedule_) || schedule_.At("/spec/suspend").AsBool() ||
           spec_.fault == "operator-absent";
  }

  Result<void> Run(Jobs jobs) {
    if (jobs == Jobs::kPlayed) TRY_VOID(PlayJobs());
    for (Json& job : jobs_) {
      TRY_VOID(EndOverdue(job));
      TRY_VOID(Save(job));
    }
    TRY_VOID(ForgetOld());
    if (!Due("sync", kSyncMs)) return {};
    RequeueIn(kLookMs);
    return Plan();
  }

 private:
  Result<void> Plan() {
    const Json before = schedule_["status"];
    Json status = Json::MakeObject();
    if (before.Has("lastScheduledTimes"))
      status.Set("lastScheduledTimes", before["lastScheduledTimes"]);
    for (const ShardSchedule& one : Expand(schedule_, spec_)) {
      if (schedule_.At("/spec/frequency").is_string() && !one.cron.empty())
        status["generatedSchedules"].Set(one.key, one.cron);
      const int64_t next = ParseTime(before["nextScheduledTimes"][one.key].AsString());
      if (next > 0 && next <= now()) {
        TRY(const bool started, Start(one, next));
        if (started) status["lastScheduledTimes"].Set(one.key, FormatSeconds(next));
      }
      // When a schedule changes, the new one counts from now on.
      const int64_t fresh = NextSchedule(one.cron, now());
      if (fresh < 0) continue;
      status["nextScheduledTimes"].Set(one.key, FormatSeconds(fresh));
      RequeueIn(std::clamp<int64_t>(fresh - now(), 0, kLookMs));
    }
    return PutStatusOf(schedule_, std::move(status));
  }

  bool Forbidden(const ShardSchedule& one) const {
    return schedule_.At("/spec/concurrencyPolicy").AsString("Forbid") == "Forbid" &&
           std::any_of(jobs_.begin(), jobs_.end(), [&](const Json& job) {
             return !Ended(job) && OfShard(job, *one.keyspace, *one.shard);
           });
  }

  static bool OfShard(const Json& object, const Keyspace& keyspace, const Shard& shard) {
    return LabelOf(object, kKeyspaceLabel) == keyspace.name &&
           LabelOf(object, kShardLabel) == shard.safe;
  }

  // Creates the Job, and its claim when it restores into a volume of its own.
  Result<bool> Start(const ShardSchedule& one, int64_t at_ms) {
    if (Forbidden(one)) return false;
    TRY(const Json shard, FindOrNull({kGroup, "VitessShard", spec_.ns, one.shard->name}));
    const bool bootstrapped = shard.At("/status/backupLocations/0/completeBackups").AsInt() > 0;
    if (!shard.is_object() || (vtbackup_ && !bootstrapped)) return false;
    const std::string name = ServiceName(
        {NameOf(schedule_), one.keyspace->name, one.shard->safe, std::to_string(at_ms / 1000)});
    const Json labels =
        ShardLabels(spec_, *one.keyspace, *one.shard, vtbackup_ ? "vtbackup" : "vtctldclient")
            .Set(kSchedule, NameOf(schedule_))
            .Set(kMethod, vtbackup_ ? "vtbackup" : "vtctldclient");
    // The resources of the schedule are for vtctldclient only.
    const Json& pool = one.shard->tablets.front().pool;
    Json container =
        Container(vtbackup_ ? "vtbackup" : "vtctldclient",
                  vtbackup_ ? MysqldImage(spec_) : Image(spec_, "vtctld"),
                  vtbackup_ ? pool.At("/mysqld/resources") : schedule_.At("/spec/resources"), {});
    Json body =
        Json::Obj({{"containers", Json::Arr({std::move(container)})}, {"restartPolicy", "Never"}});
    if (vtbackup_) {
      auto claim = CreateObject(Claim(name, labels, schedule_, pool["dataVolumeClaimTemplate"]));
      if (!claim) return std::move(claim).error();
      MountClaim(body, name);
    }
    Json job = Owned("batch/v1", "Job", name, labels, schedule_);
    job["metadata"].Set("annotations", Json::Obj({{kScheduledAt, FormatSeconds(at_ms)}}));
    job.Set("spec",
            Json::Obj({{"template", Json::Obj({{"metadata", Json::Obj({{"labels", labels}})},
                                               {"spec", std::move(body)}})}}));
    auto made = CreateObject(job);
    if (!made) return std::move(made).error();
    return true;
  }

  Result<Json> FindOrNull(const kube::ObjectRef& ref) {
    auto found = kube().Get(ref);
    if (!found && found.error().code == Code::kNotFound) return Json();
    return found;
  }

  Result<void> PlayJobs() {
    for (Json& claim : claims_)
      if (!BeingDeleted(claim)) TRY_VOID(BindVolume(*this, claim));
    for (Json& job : jobs_) {
      if (Ended(job) || BeingDeleted(job)) continue;
      Json* pod = nullptr;
      for (Json& one : pods_)
        if (LabelOf(one, "job-name") == NameOf(job)) pod = &one;
      const auto done = [&](std::string& failure) { return BackupEnds(job, failure); };
      TRY_VOID(PlayJob(*this, job, pod, {"slipway-sim-1", spec_.fault, {}, done}));
    }
    return {};
  }

  bool BackupEnds(const Json& job, std::string& failure) {
    for (const ShardSchedule& one : Expand(schedule_, spec_)) {
      if (!OfShard(job, *one.keyspace, *one.shard)) continue;
      BackupRun run{spec_, *one.keyspace, *one.shard, UidOf(job)};
      run.vtbackup = vtbackup_;
      run.flags = Flags();
      run.start_ms = ParseTime(job.At("/status/startTime").AsString());
      uint32_t uid = 0;
      auto by = WriterOf(job, uid);
      if (!by) {
        failure = by.error().message;
        return true;
      }
      run.by = *std::move(by);
      for (const Json& claim : claims_)
        if (NameOf(claim) == NameOf(job)) run.owner = UidOf(claim);
      if (const auto ended = servers_.Backup(*this, run, failure)) return *ended;
    }
    if (spec_.fault == "bad-bucket") failure = "NoSuchBucket";
    if (spec_.fault == "backup-hangs") RequeueIn(kHangMs);
    return spec_.fault != "backup-hangs";
  }

  Result<void> EndOverdue(Json& job) {
    const int64_t limit = schedule_.At("/spec/jobTimeoutMinute").AsInt(10) * kMinuteMs;
    if (Ended(job) || now() < ScheduledAt(job) + limit) return {};
    return RemoveRun(job);
  }

  Result<void> RemoveRun(const Json& job) {
    for (const Json& claim : claims_)
      if (NameOf(claim) == NameOf(job) && !BeingDeleted(claim)) TRY_VOID(DeleteObject(claim));
    return BeingDeleted(job) ? Result<void>() : DeleteObject(job);
  }

  // Writes into the bucket the backup that the job has written or is writing.
  Result<void> Save(const Json& job) {
    const Json& started = job.At("/status/startTime");
    if (!started.is_string() || job.At("/status/ready").AsInt() + (Ended(job) ? 1 : 0) == 0)
      return {};
    TRY(kube::ObjectList storages,
        kube().List(kGroup, "VitessBackupStorage", spec_.ns,
                    {.label_selector = std::string(kClusterLabel) + "=" + spec_.name}));
    if (storages.items.empty()) return {};
    if (servers_.Bucket(spec_)) return {};  // the program that wrote the backup has done so
    BucketEntry entry{LabelOf(job, kKeyspaceLabel), LabelOf(job, kShardLabel), {}};
    entry.file.start_ms = ParseTime(started.AsString());
    if (JobComplete(job))
      entry.file.end_ms = ParseTime(job.At("/status/completionTime").AsString());
    auto by = WriterOf(job, entry.file.uid);
    if (!by) return by.error().code == Code::kPrecondition ? Result<void>() : by.error();
    entry.file.by = *std::move(by);
    if (!vtbackup_ && Flags().Has("incremental-from-pos")) entry.file.engine = "builtin";
    Json& storage = storages.items.front();
    for (const BucketEntry& there : ReadBucket(storage))
      if (there.SameAs(entry) && there.file.end_ms >= entry.file.end_ms) return {};
    return WriteBucket(*this, storage, entry);
  }

  const Json& Flags() const { return schedule_.At("/spec/strategies/0/extraFlags"); }

  // The writer is vtbackup itself, or the tablet that vtctld chose.
  Result<std::string> WriterOf(const Json& job, uint32_t& uid) {
    if (vtbackup_) {
      uid = WriterUid(job);
      return "vtbackup-" + std::to_string(uid);
    }
    for (const Keyspace& keyspace : spec_.keyspaces) {
      for (const Shard& shard : keyspace.shards) {
        if (!OfShard(job, keyspace, shard)) continue;
        TRY(const Tablet* chosen, WriterFor(*this, spec_, shard, Flags()));
        uid = chosen->uid;
        return chosen->alias;
      }
    }
    return std::string("vtctld");
  }

  // Deletes ended runs beyond the limits, the oldest first. Limits count per shard.
  Result<void> ForgetOld() {
    std::vector<const Json*> ended;
    for (const Json& job : jobs_)
      if (Ended(job)) ended.push_back(&job);
    std::sort(ended.begin(), ended.end(),
              [](const Json* a, const Json* b) { return ScheduledAt(*a) > ScheduledAt(*b); });
    std::map<std::string, int64_t> kept;
    for (const Json* job : ended) {
      const char* key = JobComplete(*job) ? "successfulJobsHistoryLimit" : "failedJobsHistoryLimit";
      const Json& limit = schedule_["spec"][key];
      const std::string of = key + LabelOf(*job, kKeyspaceLabel) + LabelOf(*job, kShardLabel);
      if (limit.is_number() && ++kept[of] > limit.AsInt()) TRY_VOID(RemoveRun(*job));
    }
    return {};
  }

  Servers& servers_;
  Json schedule_;
  ClusterSpec spec_;
  bool vtbackup_ = true;
  std::vector<Json> jobs_, pods_, claims_;
};

}  // namespace

Result<int64_t> ReconcileSchedule(Environment& env, PassMemory& memory, const std::string& ns,
                                  const std::string& name, Jobs jobs) {
  SchedulePass pass(env, memory);
  TRY_VOID(pass.Read(ns, name));
  if (pass.Idle()) return pass.NextMs();
  TRY_VOID(pass.Run(jobs));
  return pass.NextMs();
}

}  // namespace slipway::sim::operators::vitess
