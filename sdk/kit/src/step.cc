#include <utility>

#include <slipway/kit/objects.h>
#include <slipway/kit/pods.h>
#include <slipway/kit/step.h>

namespace slipway::kit {

int64_t WaitedMs(const Json& input, int64_t now_ms) {
  const int64_t started_ms = input["stage_started_ms"].AsInt();
  return started_ms > 0 && started_ms < now_ms ? now_ms - started_ms : 0;
}

Json MainObject::Waiting(const Instance& instance, const std::string& reason) const {
  return WaitingFor(kind, instance.ns, instance.name, reason);
}

Judgement MainObject::Created(const Instance& instance, const Json* object) const {
  const std::string the_object = std::string("the ") + kind;
  if (object != nullptr) return Ready(std::string(word) + "Created", the_object + " exists");
  return Progress(std::string(word) + "Missing", the_object + " is being created", 0,
                  Waiting(instance, "NotObserved"));
}

std::optional<Judgement> MainObject::Absent(const Instance& instance, const Json* object) const {
  const std::string the_object = std::string("the ") + kind;
  if (object == nullptr) {
    return Progress(std::string(word) + "Missing", the_object + " does not exist", 0,
                    Waiting(instance, "NotFound"));
  }
  if (!IsGoing(*object)) return std::nullopt;
  return Progress(std::string(word) + "Terminating", the_object + " is being deleted", 0,
                  Waiting(instance, "Terminating"));
}

Judgement OperatorSilent(const std::string& fact, const std::string& operator_name,
                         int64_t waited_ms, Json waiting_for) {
  return Progress("OperatorNotResponding",
                  fact + " for " + std::to_string(waited_ms / 1000) + " s: " + operator_name +
                      " is not running or does not watch this namespace",
                  0, std::move(waiting_for));
}

std::optional<Json> BlockedWithout(const Json& input, const std::string& kind,
                                   const std::string& install) {
  if (Known(input, kind)) return std::nullopt;
  return Result(Blocked(kind.substr(kind.rfind('/') + 1) + "CrdMissing",
                        kind + " is not known to the cluster: install " + install));
}

Json ApplyMonitor(const Json& input, Json monitor) {
  if (!Known(input, kPodMonitorKind)) {
    return Skip("PodMonitorCrdMissing",
                "the cluster does not know PodMonitor: install the Prometheus operator");
  }
  return Applying(Ready("PodMonitorApplied", "the PodMonitor is in place"),
                  Json::Arr({std::move(monitor)}));
}

Json Patch(const Json& object, Json body) {
  return Json::Obj({{"apiVersion", object["apiVersion"]},
                    {"kind", object["kind"]},
                    {"name", object["metadata"]["name"]},
                    {"body", std::move(body)}});
}

Json StatusPatch(const Json& object, Json status) {
  return Patch(object, Json::Obj({{"status", std::move(status)}}))
      .Set("subresource", "status")
      .Set("resource_version", object["metadata"]["resourceVersion"]);
}

Json Endpoint(const char* name, const char* role, const std::string& service, int port) {
  return Json::Obj({{"name", name}, {"role", role}, {"service", service}, {"port", port}});
}

Json CredentialsReady(const std::string& message, Json endpoints, const std::string& secret,
                      Json fields) {
  return Result(Ready("CredentialsReady", message))
      .Set("outputs",
           Json::Obj(
               {{"endpoints", std::move(endpoints)},
                {"credentials", Json::Obj({{"secret", secret}, {"fields", std::move(fields)}})}}));
}

}  // namespace slipway::kit
