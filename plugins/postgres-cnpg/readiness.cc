#include "readiness.h"

#include <algorithm>

namespace cnpg {
namespace {

constexpr int64_t kSilenceMs = 60'000;

Verdict Progress(std::string reason, std::string message, std::string kind = {}, std::string name = {}, std::string why = {}) {
  return {"progressing", std::move(reason), std::move(message), std::move(kind), std::move(name), std::move(why)};
}

const Value* Condition(const Value& object, std::string_view type) {
  const Value& conditions = At(object, "status.conditions");
  if (!conditions.IsArray()) return nullptr;
  for (const Value& condition : conditions.GetArray()) {
    if (Str(At(condition, "type")) == type) return &condition;
  }
  return nullptr;
}

bool IsTrue(const Value& object, std::string_view type) {
  const Value* condition = Condition(object, type);
  return condition != nullptr && Str(At(*condition, "status")) == "True";
}

std::string_view Label(const Value& object, const char* name) {
  const Value& labels = At(object, "metadata.labels");
  return labels.IsObject() && labels.HasMember(name) ? Str(labels[name]) : std::string_view();
}

bool IsMember(const Value& object, const std::string& cluster) { return Label(object, "cnpg.io/cluster") == cluster; }

// A container that cannot start, by its own account. "" when there is none.
std::string ContainerTrouble(const Value& pod) {
  for (const char* list : {"status.initContainerStatuses", "status.containerStatuses"}) {
    const Value& statuses = At(pod, list);
    if (!statuses.IsArray()) continue;
    for (const Value& status : statuses.GetArray()) {
      const std::string_view reason = Str(At(status, "state.waiting.reason"));
      if (!reason.empty() && reason != "PodInitializing" && reason != "ContainerCreating") {
        const std::string message(Str(At(status, "state.waiting.message")));
        return std::string(reason) + (message.empty() ? "" : ": " + message);
      }
    }
  }
  return "";
}

// What keeps this pod from running; "" when nothing is known to.
std::string PodTrouble(const Value& pod) {
  const Value* scheduled = Condition(pod, "PodScheduled");
  if (scheduled != nullptr && Str(At(*scheduled, "status")) == "False") {
    const std::string message(Str(At(*scheduled, "message")));
    return std::string(Str(At(*scheduled, "reason"), "Unschedulable")) + (message.empty() ? "" : ": " + message);
  }
  return ContainerTrouble(pod);
}

// Phases that do not pass by themselves (CloudNativePG 1.30).
enum class PhaseClass { kProgress, kFailed, kBlocked };

PhaseClass Classify(std::string_view phase) {
  for (const std::string_view failed : {"Cluster is unrecoverable and needs manual intervention", "Invalid cluster definition", "Cluster has incomplete or invalid image catalog",
                                        "Cluster cannot execute instance online upgrade due to missing architecture binary"}) {
    if (phase == failed) return PhaseClass::kFailed;
  }
  if (phase == "Waiting for user action") return PhaseClass::kBlocked;
  return PhaseClass::kProgress;
}

// Failures that an administrator can mend while we wait: named, not final.
bool IsNamedTrouble(std::string_view phase) {
  return phase == "Unable to create required cluster objects" || phase == "Not enough disk space" || phase.rfind("Cluster cannot proceed to reconciliation", 0) == 0 ||
         phase.rfind("Instance Status Extraction Error", 0) == 0;
}

std::string Counted(int64_t ready, int64_t wanted) { return std::to_string(ready) + " of " + std::to_string(wanted) + " instances are ready"; }

}  // namespace

std::string Verdict::Text(const std::string& ns) const {
  Obj out;
  out.Str("state", state);
  if (!reason.empty()) out.Str("reason", reason);
  if (!message.empty()) out.Str("message", message);
  if (!kind.empty()) out.Add("waitingFor", Obj().Str("kind", kind).Str("namespace", ns).Str("name", name).Str("reason", why));
  return out.Text();
}

const Value* FindObject(const Value& observed, std::string_view kind, std::string_view name) {
  if (!observed.IsArray()) return nullptr;
  for (const Value& object : observed.GetArray()) {
    if (Str(At(object, "kind")) == kind && Str(At(object, "metadata.name")) == name) return &object;
  }
  return nullptr;
}

Verdict JudgeCluster(const Instance& instance, const Spec& spec, const Value& observed, bool want_archiving, int64_t since_ms) {
  const Value* cluster = FindObject(observed, "Cluster", instance.name);
  if (cluster == nullptr) return Progress("WaitingForCluster", "the Cluster has not been seen yet", "Cluster", instance.name, "NotObserved");
  const std::string phase(Str(At(*cluster, "status.phase"))), why(Str(At(*cluster, "status.phaseReason")));
  if (Classify(phase) == PhaseClass::kFailed) return {"failed", "ClusterFailed", phase + (why.empty() ? "" : ": " + why), "Cluster", instance.name, phase};
  if (Classify(phase) == PhaseClass::kBlocked) return {"blocked", "WaitingForUserAction", phase + (why.empty() ? "" : ": " + why), "Cluster", instance.name, phase};
  if (IsNamedTrouble(phase)) return Progress("OperatorReportsTrouble", phase + (why.empty() ? "" : ": " + why), "Cluster", instance.name, phase);

  // The status says nothing about images, scheduling and volumes: the pods do.
  int64_t running_and_ready = 0;
  std::string unready;
  for (const Value& object : observed.GetArray()) {
    if (Str(At(object, "kind")) != "Pod" || !IsMember(object, instance.name)) continue;
    const std::string name(Str(At(object, "metadata.name")));
    if (const std::string trouble = PodTrouble(object); !trouble.empty()) {
      return Progress(trouble.substr(0, trouble.find(':')), "pod " + name + ": " + trouble, "Pod", name, trouble);
    }
    if (Label(object, "cnpg.io/podRole") != "instance") continue;
    if (!At(object, "metadata.deletionTimestamp").IsNull()) continue;
    if (Str(At(object, "status.phase")) == "Running" && IsTrue(object, "Ready")) {
      ++running_and_ready;
    } else if (unready.empty()) {
      unready = name;
    }
  }
  for (const Value& object : observed.GetArray()) {
    if (Str(At(object, "kind")) != "Job" || !IsTrue(object, "Failed")) continue;
    const std::string name(Str(At(object, "metadata.name")));
    return Progress("JobFailed", "job " + name + " failed", "Job", name, "Failed");
  }
  if (phase.empty() && since_ms > kSilenceMs) {
    return Progress("OperatorSilent", "the operator has written no status for a minute: is it running, does it watch this namespace?", "Cluster", instance.name, "OperatorSilent");
  }

  const int64_t ready = Int(At(*cluster, "status.readyInstances"));
  const std::string current(Str(At(*cluster, "status.currentPrimary"))), target(Str(At(*cluster, "status.targetPrimary")));
  const std::string message = Counted(std::min(ready, running_and_ready), spec.instances) + (phase.empty() ? "" : "; " + phase);
  if (running_and_ready < spec.instances) {
    for (const Value& object : observed.GetArray()) {  // a pod that cannot be placed for want of its volume
      if (Str(At(object, "kind")) != "PersistentVolumeClaim" || Str(At(object, "status.phase")) != "Lost") continue;
      const std::string name(Str(At(object, "metadata.name")));
      return Progress("VolumeLost", "volume claim " + name + " is lost", "PersistentVolumeClaim", name, "Lost");
    }
    if (!unready.empty()) return Progress("WaitingForInstances", message, "Pod", unready, "NotReady");
    return Progress("WaitingForInstances", message, "Cluster", instance.name, phase.empty() ? "Reconciling" : phase);
  }
  if (phase != "Cluster in healthy state" || ready != spec.instances || current.empty() || current != target) {
    return Progress("WaitingForOperator", message, "Cluster", instance.name, phase.empty() ? "Reconciling" : phase);
  }
  if (IsTrue(*cluster, "cnpg.io/hibernation")) return Progress("Hibernated", "the cluster is hibernated", "Cluster", instance.name, "Hibernated");
  if (want_archiving) {
    const Value* archiving = Condition(*cluster, "ContinuousArchiving");
    if (archiving == nullptr || Str(At(*archiving, "status")) != "True") {
      const std::string text(archiving != nullptr ? Str(At(*archiving, "message")) : std::string_view("no WAL has been archived yet"));
      return Progress("ContinuousArchivingFailing", text, "Cluster", instance.name, archiving != nullptr ? std::string(Str(At(*archiving, "reason"))) : "ContinuousArchivingPending");
    }
  }
  return {"ready", "", Counted(ready, spec.instances), "", "", ""};
}

}  // namespace cnpg
