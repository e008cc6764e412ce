#include "devcluster/workloads/cron_jobs.h"

#include <algorithm>

#include "devcluster/operators/cron.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/others.h"
#include "devcluster/operators/stateful_sets.h"

namespace slipway::sim::operators::workloads {

namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int kMaxMissed = 100;

bool Ended(const Json& job) {
  return JobComplete(job) || JobFailed(job);
}

class CronPass {
 public:
  CronPass(Pass& pass, Json& cron, std::vector<Json>& jobs)
      : pass_(pass), cron_(cron), policy_(cron.At("/spec/concurrencyPolicy").AsString("Allow")) {
    for (Json& job : jobs)
      if (OwnedBy(cron, job) && !BeingDeleted(job)) jobs_.push_back(std::move(job));
  }

  Result<void> Run() {
    TRY_VOID(ForgetOld(true, cron_.At("/spec/successfulJobsHistoryLimit").AsInt(3)));
    TRY_VOID(ForgetOld(false, cron_.At("/spec/failedJobsHistoryLimit").AsInt(1)));
    if (!cron_.At("/spec/suspend").AsBool()) TRY_VOID(StartDue());
    return Report();
  }

 private:
  Result<void> ForgetOld(bool complete, int64_t limit) {
    std::vector<Json*> ended;
    for (Json& job : jobs_)
      if (complete ? JobComplete(job) : JobFailed(job)) ended.push_back(&job);
    std::sort(ended.begin(), ended.end(), [](const Json* a, const Json* b) {
      const auto time = [](const Json* job) { return job->At("/status/startTime").AsString(); };
      return time(a) > time(b);
    });
    for (size_t i = static_cast<size_t>(std::max<int64_t>(limit, 0)); i < ended.size(); ++i)
      TRY_VOID(pass_.DeleteObject(*ended[i]));
    return {};
  }

  Result<void> StartDue() {
    const std::string& schedule = cron_.At("/spec/schedule").AsString();
    const Json& last = cron_.At("/status/lastScheduleTime");
    int64_t at = ParseTime(last.AsString(cron_.At("/metadata/creationTimestamp").AsString()));
    int64_t due = -1, next = NextSchedule(schedule, at);
    for (int missed = 0; next >= 0 && next <= pass_.now(); next = NextSchedule(schedule, at)) {
      due = at = next;
      if (++missed == kMaxMissed) at = pass_.now() - kMinuteMs;
    }
    if (next >= 0) pass_.RequeueIn(next - pass_.now());
    return due < 0 ? Result<void>() : Start(due);
  }

  Result<void> Start(int64_t at_ms) {
    const Json& deadline = cron_.At("/spec/startingDeadlineSeconds");
    if (deadline.is_number() && pass_.now() - at_ms > deadline.AsInt() * 1000) return {};
    const auto running =
        std::any_of(jobs_.begin(), jobs_.end(), [](const Json& job) { return !Ended(job); });
    if (running && policy_ == "Forbid") return {};
    for (Json& job : jobs_)
      if (policy_ == "Replace" && !Ended(job)) TRY_VOID(pass_.DeleteObject(job));
    const Json& tmpl = cron_.At("/spec/jobTemplate");
    Json job = PodFrom(cron_, NameOf(cron_) + "-" + std::to_string(at_ms / kMinuteMs));
    Json& metadata = job["metadata"];
    metadata.Set("labels", tmpl.At("/metadata/labels"));
    Json annotations = tmpl.At("/metadata/annotations");
    annotations.Set("batch.kubernetes.io/cronjob-scheduled-timestamp", FormatSeconds(at_ms));
    metadata.Set("annotations", std::move(annotations));
    if (metadata["labels"].is_null()) metadata.Erase("labels");
    job.Set("apiVersion", "batch/v1").Set("kind", "Job").Set("spec", tmpl["spec"]);
    TRY(Json made, pass_.CreateObject(job));
    jobs_.push_back(std::move(made));
    started_ms_ = at_ms;
    return {};
  }

  Result<void> Report() {
    Json status = cron_["status"];
    if (!status.is_object()) status = Json::MakeObject();
    Json active = Json::MakeArray();
    for (const Json& job : jobs_) {
      if (!Ended(job) && !UidOf(job).empty())
        active.Push(Json::Obj({{"apiVersion", "batch/v1"},
                               {"kind", "Job"},
                               {"name", NameOf(job)},
                               {"namespace", NamespaceOf(job)},
                               {"uid", UidOf(job)}}));
      const std::string& ended = job.At("/status/completionTime").AsString();
      if (JobComplete(job) && ended > status["lastSuccessfulTime"].AsString())
        status.Set("lastSuccessfulTime", ended);
    }
    SetOrErase(status, "active", active.empty() ? Json() : std::move(active));
    if (started_ms_ > 0) status.Set("lastScheduleTime", FormatSeconds(started_ms_));
    return pass_.PutStatusOf(cron_, std::move(status));
  }

  Pass& pass_;
  Json& cron_;
  const std::string policy_;
  std::vector<Json> jobs_;
  int64_t started_ms_ = 0;
};

}  // namespace

Result<void> PlayCronJob(Pass& pass, Json& cron, std::vector<Json>& jobs) {
  if (BeingDeleted(cron)) return {};
  TRY(const bool others, SomebodyElsePlays(pass, cron, "cronjob-controller"));
  return others ? Result<void>() : CronPass(pass, cron, jobs).Run();
}

}  // namespace slipway::sim::operators::workloads
