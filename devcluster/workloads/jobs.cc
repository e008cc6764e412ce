#include "devcluster/workloads/jobs.h"

#include <algorithm>
#include <set>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/stateful_sets.h"

namespace slipway::sim::operators::workloads {

namespace {

constexpr char kIndex[] = "batch.kubernetes.io/job-completion-index";

class JobPass {
 public:
  JobPass(Pass& pass, Json& job, std::vector<Json>& pods)
      : pass_(pass),
        job_(job),
        pods_(pods),
        parallelism_(job.At("/spec/parallelism").AsInt(1)),
        indexed_(job.At("/spec/completionMode").AsString() == "Indexed") {}

  Result<void> Run() {
    Count();
    if (job_.At("/spec/suspend").AsBool()) return Suspend();
    const Json& completions = job_.At("/spec/completions");
    if (failed_ > job_.At("/spec/backoffLimit").AsInt(6)) return End(false, failed_);
    // Without a number of completions, one success means that the work is done.
    const bool done = completions.is_number() ? succeeded_ >= completions.AsInt()
                                              : succeeded_ > 0 && active_ == 0;
    if (done) return End(true, succeeded_);
    int64_t wanted = parallelism_;
    if (completions.is_number()) wanted = std::min(wanted, completions.AsInt() - succeeded_);
    if (!completions.is_number() && succeeded_ > 0) wanted = active_;
    while (active_ < wanted) {
      TRY(const bool made, Make());
      if (!made) break;
    }
    return Report();
  }

 private:
  void Count() {
    for (const Json& pod : pods_) {
      if (!OwnedBy(job_, pod)) continue;
      const std::string& phase = pod.At("/status/phase").AsString();
      if (phase == "Succeeded") ++succeeded_;
      if (phase == "Failed") ++failed_;
      if (phase != "Failed") indexes_.insert(LabelOf(pod, kIndex));
      if (!PodActive(pod)) continue;
      ++active_;
      if (PodReady(pod)) ++ready_;
    }
  }

  // Deletes the pods; the job waits.
  Result<void> Suspend() {
    for (Json& pod : pods_)
      if (OwnedBy(job_, pod) && PodActive(pod)) TRY_VOID(pass_.DeleteObject(pod));
    active_ = ready_ = 0;
    return Report();
  }

  // Deletes the other pods of a job that has ended.
  Result<void> End(bool ok, int64_t count) {
    for (Json& pod : pods_)
      if (OwnedBy(job_, pod) && PodActive(pod)) TRY_VOID(pass_.DeleteObject(pod));
    return EndJob(pass_, job_, ok, count);
  }

  std::string FreeIndex() const {
    int64_t index = 0;
    while (indexes_.count(std::to_string(index)) != 0) ++index;
    return std::to_string(index);
  }

  // False when an admission refuses the pod; an event says so.
  Result<bool> Make() {
    const std::string index = FreeIndex();
    Json pod = PodFrom(job_, NameOf(job_) + "-" + (indexed_ ? index + "-" : "") + PodSuffix());
    pod["metadata"].Set("generateName", NameOf(job_) + "-");
    pod["metadata"]["labels"]
        .Set("job-name", NameOf(job_))
        .Set("batch.kubernetes.io/job-name", NameOf(job_))
        .Set("batch.kubernetes.io/controller-uid", UidOf(job_));
    if (indexed_) {
      pod["metadata"]["labels"].Set(kIndex, index);
      pod["metadata"]["annotations"].Set(kIndex, index);
    }
    auto made = pass_.CreateObject(pod);
    if (made) {
      indexes_.insert(index);
      pods_.push_back(*std::move(made));
      ++active_;
      return true;
    }
    if (made.error().code != Code::kForbidden && made.error().code != Code::kExhausted)
      return std::move(made).error();
    pass_.RequeueIn(kRefusedPodMs);
    if (pass_.First("refused-" + UidOf(job_) + made.error().message))
      pass_.Note(EventAbout(job_, "job-controller", "Warning", "FailedCreate",
                            "Error creating: " + made.error().message, pass_.now()));
    return false;
  }

  Result<void> Report() {
    const auto number = [](int64_t count) { return count == 0 ? Json(nullptr) : Json(count); };
    Json status = Json::Obj({{"active", number(active_)},
                             {"ready", number(ready_)},
                             {"succeeded", number(succeeded_)},
                             {"failed", number(failed_)}});
    if (active_ > 0 && !job_.At("/status/startTime").is_string())
      status.Set("startTime", FormatSeconds(pass_.now()));
    return PatchJobStatus(pass_, job_, std::move(status));
  }

  Pass& pass_;
  Json& job_;
  std::vector<Json>& pods_;
  const int64_t parallelism_;
  const bool indexed_;
  int64_t active_ = 0, ready_ = 0, succeeded_ = 0, failed_ = 0;
  std::set<std::string> indexes_;
};

Result<void> ForgetWhenOld(Pass& pass, const Json& job) {
  const Json& ttl = job.At("/spec/ttlSecondsAfterFinished");
  if (!ttl.is_number()) return {};
  int64_t ended = ParseTime(job.At("/status/completionTime").AsString());
  if (JobFailed(job))
    ended = ParseTime(ConditionOf(job, "Failed")["lastTransitionTime"].AsString());
  const int64_t left = ended + ttl.AsInt() * 1000 - pass.now();
  if (left <= 0) return pass.DeleteObject(job);
  pass.RequeueIn(left);
  return {};
}

}  // namespace

Result<void> PlayWholeJob(Pass& pass, Json& job, std::vector<Json>& pods) {
  if (BeingDeleted(job)) return {};
  if (JobComplete(job) || JobFailed(job)) return ForgetWhenOld(pass, job);
  if (job.At("/spec/selector").is_object()) return {};  // a real job controller has it
  return JobPass(pass, job, pods).Run();
}

}  // namespace slipway::sim::operators::workloads
