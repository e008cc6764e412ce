#include "devcluster/operators/controller.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

constexpr size_t kWorkers = 4;
constexpr int64_t kRetryMs = 50, kMaxRetryMs = 5000;
constexpr char kSweepKey[] = "sweep//";

}  // namespace

Controller::Controller(PassEnvironment& environment, std::string operator_name, Handlers handlers)
    : environment_(environment),
      operator_(std::move(operator_name)),
      handlers_(std::move(handlers)),
      queue_(kWorkers, environment.clock, [this](const std::string& key) { Work(key); }) {}

Controller::~Controller() {
  Stop();
}

void Controller::Wake(const std::string& key) {
  queue_.Add(key);
}

void Controller::Sweep() {
  if (handlers_.sweep) queue_.Add(kSweepKey);
}

void Controller::Stop() {
  queue_.Stop();
}

void Controller::Work(const std::string& key) {
  if (key == kSweepKey) {
    if (!handlers_.sweep()) queue_.Add(kSweepKey, kMaxRetryMs);
    return;
  }
  const size_t first = key.find('/'), second = key.find('/', first + 1);
  const std::string kind = key.substr(0, first), ns = key.substr(first + 1, second - first - 1),
                    name = key.substr(second + 1);
  const Result<int64_t> next =
      kind == "ending" ? EndPod(ns, name) : handlers_.reconcile(kind, ns, name);
  if (next) {
    {
      const std::lock_guard lock(mutex_);
      failures_.erase(key);
    }
    if (*next >= 0) queue_.Add(key, std::min<int64_t>(*next, 3'600'000));
    return;
  }
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = std::min(++failures_[key], 7);
  }
  const bool expected =
      next.error().code == Code::kConflict || next.error().code == Code::kNotFound;
  environment_.log.Write(expected ? Logger::Level::kDebug : Logger::Level::kWarn, "sim.pass_failed",
                         {{"operator", operator_}, {"key", key}, {"error", next.error().message}});
  queue_.Add(key, std::min(kRetryMs << (failures - 1), kMaxRetryMs));
}

// This is the last thing that a kubelet does for a pod: the API server keeps a deleted pod until it
// hears that nothing runs in the pod any more, whether or not the custom resource still exists.
Result<int64_t> Controller::EndPod(const std::string& ns, const std::string& name) {
  auto pod = environment_.kube.Get({"v1", "Pod", ns, name});
  if (!pod && pod.error().code == Code::kNotFound) return -1;
  if (!pod) return std::move(pod).error();
  const bool ended_by_server = !AnnotationOf(*pod, "sim.slipway.dev/deletion-grace-ms").empty();
  if (!BeingDeleted(*pod) || ended_by_server || !PlaysMachinery()) return -1;
  if (handlers_.pod_ends) handlers_.pod_ends(*pod);
  kube::DeleteOptions options;
  options.uid = UidOf(*pod);
  options.grace_seconds = 0;
  auto deleted = environment_.kube.Delete(RefOf(*pod), options);
  if (!deleted && deleted.error().code != Code::kNotFound) return std::move(deleted).error();
  return -1;
}

bool Controller::PlaysMachinery() {
  std::call_once(machinery_once_, [this] {
    auto nodes = environment_.kube.List("v1", "Node", "", {});
    if (!nodes) return;
    for (const Json& node : nodes->items) {
      const bool ours = NameOf(node).rfind("slipway-sim", 0) == 0 || NameOf(node) == "sim-node";
      if (!ours && !node.At("/status/nodeInfo/kubeletVersion").AsString().empty())
        machinery_ = false;
    }
  });
  return machinery_;
}

}  // namespace slipway::sim::operators
