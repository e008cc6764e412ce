#include "devcluster/operators/pass.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

constexpr int64_t kPublishAgainMs = 500;

}  // namespace

Result<void> Pass::Take(Json& object, Result<Json> answer) {
  if (!answer) return std::move(answer).error();
  // The server may prune a write to nothing. Such a write must not make the pass run for ever.
  changed |= (*answer)["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"];
  object = *std::move(answer);
  return {};
}

Result<void> Pass::PatchObject(Json& object, const Json& patch, const std::string& subresource) {
  Json after = object;
  after.MergePatch(patch);
  if (after == object) return {};
  return Take(object, kube().Patch(RefOf(object), kube::PatchType::kMerge, patch, subresource));
}

Result<void> Pass::PatchStatusOf(Json& object, Json patch) {
  return PatchObject(object, Json::Obj({{"status", std::move(patch)}}), "status");
}

Result<void> Pass::Put(Json& object, const char* key, Json value, const char* subresource) {
  if (value == object[key]) return {};
  Json changed_object = object;
  changed_object.Set(key, std::move(value));
  return Take(object, kube().Update(changed_object, subresource));
}

Result<void> Pass::PutStatusOf(Json& object, Json wanted) {
  return Put(object, "status", std::move(wanted), "status");
}

Result<void> Pass::PutSpecOf(Json& object, Json wanted) {
  return Put(object, "spec", std::move(wanted), "");
}

Result<Json> Pass::CreateObject(const Json& object) {
  auto created = kube().Create(object);
  if (created) changed = true;
  if (created || created.error().code != Code::kAlreadyExists) return created;
  return kube().Get(RefOf(object));
}

Result<void> Pass::DeleteObject(const Json& object) {
  kube::DeleteOptions options;
  options.uid = UidOf(object);
  changed = true;
  auto deleted = kube().Delete(RefOf(object), options);
  if (!deleted && deleted.error().code == Code::kConflict) return {};  // another object
  return deleted;
}

Result<void> Pass::Bind(Json& pod, const std::string& node) {
  auto bound = kube().Create(
      Json::Obj({{"apiVersion", "v1"},
                 {"kind", "Binding"},
                 {"metadata", Json::Obj({{"name", NameOf(pod)}, {"namespace", NamespaceOf(pod)}})},
                 {"target", Json::Obj({{"kind", "Node"}, {"name", node}})}}));
  // When an answer was lost, the binding exists already.
  if (!bound && bound.error().code != Code::kAlreadyExists && bound.error().code != Code::kConflict)
    return std::move(bound).error();
  return Take(pod, kube().Get(RefOf(pod)));
}

void Pass::Note(const Json& event) {
  auto created = kube().Create(event);
  if (!created)
    environment_.log.Debug("sim.event_not_written", {{"reason", event["reason"].AsString()},
                                                     {"error", created.error().message}});
}

bool Pass::Due(const std::string& what, int64_t wait_ms) {
  const int64_t steady = environment_.clock.SteadyMs();
  const auto [it, fresh] = memory_.since.emplace(what, steady);
  const int64_t left =
      it->second + static_cast<int64_t>(static_cast<double>(wait_ms) * environment_.pace) - steady;
  if (left <= 0) return true;
  RequeueIn(left);
  return false;
}

void Pass::RequeueIn(int64_t ms) {
  requeue_ms = requeue_ms < 0 ? ms : std::min(requeue_ms, ms);
}

bool Pass::First(const std::string& what) {
  return memory_.since.emplace(what, 0).second;
}

void Pass::PublishPort(const std::string& ns, const std::string& service, int port) {
  const kube::ObjectRef ref{"v1", "Service", ns, service};
  const auto patch = [&](const char* where, Json value, const char* subresource) {
    Json change = Json::MakeObject();
    change.SetAt(where, std::move(value));
    auto patched = kube().Patch(ref, kube::PatchType::kMerge, change, subresource);
    if (!patched && patched.error().code != Code::kNotFound) {
      environment_.log.Debug("sim.address_not_written",
                             {{"service", service}, {"error", patched.error().message}});
      RequeueIn(kPublishAgainMs);
    }
    return static_cast<bool>(patched);
  };
  auto known = memory_.ingress.find(service);
  if (known == memory_.ingress.end()) {
    // An API server lets only a service of this type say how it is reached from outside. A service
    // without a port has no address yet. Right after our start the servers come back on the ports
    // that are already written there.
    if (!patch("/spec/type", "LoadBalancer", "")) return;
    known = memory_.ingress.emplace(service, "0").first;
  }
  const std::string text = std::to_string(port);
  if (port == 0 || known->second == text) return;
  Json ingress = Json::Arr(
      {Json::Obj({{"ip", "127.0.0.1"},
                  {"ports", Json::Arr({Json::Obj({{"port", port}, {"protocol", "TCP"}})})}})});
  if (patch("/status/loadBalancer", Json::Obj({{"ingress", std::move(ingress)}}), "status"))
    known->second = text;
}

}  // namespace slipway::sim::operators
