#include <algorithm>
#include <iterator>
#include <utility>

#include <slipway/kit/documents.h>
#include <slipway/kit/pods.h>

namespace slipway::kit {

namespace {

constexpr std::string_view kWaitingReasons[] = {
    "ImagePullBackOff",     "ErrImagePull",     "ErrImageNeverPull", "InvalidImageName",
    "ImageInspectError",    "CrashLoopBackOff", "RunContainerError", "CreateContainerConfigError",
    "CreateContainerError", "StartError"};

std::string Named(const Json& object) {
  const std::string& kind = object["kind"].AsString();
  return kind + " " + object["metadata"]["name"].AsString();
}

std::string Explained(const std::string& text) {
  return text.empty() ? "" : ": " + text;
}

std::optional<Trouble> ContainerTrouble(const Json& pod, const Json& status, bool init) {
  const Json& waiting = status.At("state/waiting");
  const std::string& reason = waiting["reason"].AsString();
  if (std::find(std::begin(kWaitingReasons), std::end(kWaitingReasons), reason) !=
      std::end(kWaitingReasons)) {
    const std::string& last = status.At("lastState/terminated/reason").AsString();
    return Trouble{&pod, reason,
                   Named(pod) + ": " + reason + Explained(waiting["message"].AsString()) +
                       (last == "OOMKilled" ? " (it ran out of memory)" : ""),
                   5};
  }
  const Json& ended = status.At("state/terminated");
  if (ended.IsObject() && ended["exitCode"].AsInt() != 0) {
    const std::string& why = ended["reason"].AsString();
    return Trouble{&pod, why.empty() || why == "Error" ? "ContainerFailed" : why,
                   Named(pod) + ": " + (init ? "init container " : "container ") +
                       status["name"].AsString() + " ended with " +
                       std::to_string(ended["exitCode"].AsInt()) +
                       Explained(ended["message"].AsString()),
                   4};
  }
  return std::nullopt;
}

std::optional<Trouble> Worst(const std::vector<const Json*>& objects,
                             std::optional<Trouble> (*trouble_of)(const Json&)) {
  std::optional<Trouble> worst;
  for (const Json* object : objects) worst = Worse(std::move(worst), trouble_of(*object));
  return worst;
}

}  // namespace

bool IsGoing(const Json& object) {
  return object["metadata"]["deletionTimestamp"].IsString();
}

bool IsReadyPod(const Json& pod) {
  if (IsGoing(pod) || pod.At("status/phase").AsString() != "Running") return false;
  for (const Json& condition : pod.At("status/conditions").items()) {
    if (condition["type"].AsString() == "Ready") return condition["status"].AsString() == "True";
  }
  return false;
}

int64_t ReadyPods(const std::vector<const Json*>& pods) {
  return std::count_if(pods.begin(), pods.end(), [](const Json* pod) { return IsReadyPod(*pod); });
}

bool HasContainer(const Json& pod, std::string_view name) {
  for (const char* list : {"status/initContainerStatuses", "status/containerStatuses"}) {
    for (const Json& status : pod.At(list).items()) {
      if (status["name"].AsString() == name) return true;
    }
  }
  return false;
}

std::optional<Trouble> PodTrouble(const Json& pod) {
  if (IsGoing(pod)) return std::nullopt;
  for (const Json& status : pod.At("status/initContainerStatuses").items()) {
    if (auto trouble = ContainerTrouble(pod, status, true)) return trouble;
  }
  for (const Json& status : pod.At("status/containerStatuses").items()) {
    if (auto trouble = ContainerTrouble(pod, status, false)) return trouble;
  }
  if (pod.At("status/phase").AsString() == "Failed") {
    const std::string& reason = pod.At("status/reason").AsString();
    return Trouble{&pod, reason.empty() ? "PodFailed" : reason,
                   Named(pod) + " failed" + Explained(pod.At("status/message").AsString()), 4};
  }
  for (const Json& condition : pod.At("status/conditions").items()) {
    if (condition["type"].AsString() == "PodScheduled" &&
        condition["status"].AsString() == "False") {
      const std::string& reason = condition["reason"].AsString();
      const std::string& message = condition["message"].AsString();
      return Trouble{&pod, reason.empty() ? "Unschedulable" : reason,
                     Named(pod) + ": no node takes it" + Explained(message),
                     // The trouble of the missing volume itself says more.
                     message.find("PersistentVolumeClaim") == std::string::npos ? 2 : 0};
    }
  }
  return std::nullopt;
}

std::optional<Trouble> JobTrouble(const Json& job, bool has_pod) {
  for (const Json& condition : job.At("status/conditions").items()) {
    if (condition["type"].AsString() == "Failed" && condition["status"].AsString() == "True") {
      const std::string& reason = condition["reason"].AsString();
      return Trouble{&job, reason.empty() ? "JobFailed" : reason,
                     Named(job) + " failed" + Explained(condition["message"].AsString()), 6};
    }
  }
  const int64_t failed = job.At("status/failed").AsInt();
  if (failed > 0 && job.At("status/succeeded").AsInt() == 0) {
    return Trouble{&job, "JobFailing",
                   Named(job) + ": " + std::to_string(failed) + " of its pods failed", 3};
  }
  // The job controller sets the start time in the same write as the number of pods it made.
  if (!has_pod && job.At("status/startTime").IsString() && job.At("status/active").AsInt() == 0 &&
      job.At("status/succeeded").AsInt() == 0) {
    return Trouble{&job, "NoPods",
                   Named(job) +
                       ": its pod cannot be created; a resource quota, a limit range or an "
                       "admission webhook refuses it, see the events of the Job",
                   2};
  }
  return std::nullopt;
}

std::optional<Trouble> VolumeTrouble(const Json& volume) {
  const std::string& phase = volume.At("status/phase").AsString();
  if (phase == "Lost")
    return Trouble{&volume, "VolumeLost", Named(volume) + " has lost its volume", 6};
  if (phase == "Pending") {
    const std::string& storage_class = volume.At("spec/storageClassName").AsString();
    return Trouble{&volume, "VolumePending",
                   Named(volume) + " has no volume yet" +
                       (storage_class.empty() ? "" : " of the storage class " + storage_class),
                   1};
  }
  return std::nullopt;
}

std::optional<Trouble> Worse(std::optional<Trouble> first, std::optional<Trouble> second) {
  if (!first) return second;
  return second && second->severity > first->severity ? std::move(second) : std::move(first);
}

std::optional<Trouble> WorstOfPods(const std::vector<const Json*>& pods) {
  return Worst(pods, PodTrouble);
}

std::optional<Trouble> WorstOfVolumes(const std::vector<const Json*>& volumes) {
  return Worst(volumes, VolumeTrouble);
}

Json WatchPods(std::initializer_list<Json> more) {
  Json keep = Json::Arr(more);
  for (const char* pointer :
       {"/status/phase", "/status/reason", "/status/message", "/status/conditions",
        "/status/containerStatuses", "/status/initContainerStatuses"})
    keep.Push(pointer);
  return Watch("v1", "Pod", {}).Set("keep", std::move(keep));
}

Json WatchVolumes(std::initializer_list<Json> more) {
  Json keep = Json::Arr(more);
  for (const char* pointer : {"/spec/storageClassName", "/status/phase", "/status/conditions"})
    keep.Push(pointer);
  return Watch("v1", "PersistentVolumeClaim", {}).Set("keep", std::move(keep));
}

}  // namespace slipway::kit
