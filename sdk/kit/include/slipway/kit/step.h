// The scaffold of step: the input that every stage reads, and the answers that every engine gives.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include <slipway/kit/json.h>
#include <slipway/kit/request.h>
#include <slipway/kit/verdict.h>

namespace slipway::kit {

// How long the stage has waited (under `observe`: how long the instance has been unhealthy). 0 when
// the input names no start or one in the future: an unknown start is no duration.
int64_t WaitedMs(const Json& input, int64_t now_ms);

// One call of step, read. An engine derives its stages from it. `InstanceT` is Instance or a type
// derived from it; `ObservedT` sorts the observed objects of an instance by their part.
template <class SettingsT, class InstanceT, class ObservedT>
struct Work {
  using SettingsType = SettingsT;
  using InstanceType = InstanceT;

  const SettingsT& settings;
  const Json& input;
  const InstanceT instance;
  const ObservedT observed;
  const int64_t now_ms;
  const int64_t waited_ms;

  Work(const SettingsT& with, const Json& in, int64_t now)
      : settings(with),
        input(in),
        instance(in),
        observed(in["observed"], instance),
        now_ms(now),
        waited_ms(WaitedMs(in, now)) {}

  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
};

// The one object that an engine hands to its operator. `word` begins the reasons: "Cluster" makes
// "ClusterMissing".
struct MainObject {
  const char* kind;
  const char* word;

  Json Waiting(const Instance& instance, const std::string& reason) const;
  // The judgement of CRD_DEPLOYMENT; `object` is null until the host has observed it.
  Judgement Created(const Instance& instance, const Json* object) const;
  // The judgement of an object that does not exist or is being deleted; nullopt for any other.
  std::optional<Judgement> Absent(const Instance& instance, const Json* object) const;
};

// An operator that has written nothing for so long is not at work.
inline constexpr int64_t kSilentMs = 60000;
// `fact` shows the silence, such as "the Cluster has had no status".
Judgement OperatorSilent(const std::string& fact, const std::string& operator_name,
                         int64_t waited_ms, Json waiting_for);

// The blocking answer where the cluster does not know `kind` ("apiVersion/Kind"); `install` tells a
// person what to do about it.
std::optional<Json> BlockedWithout(const Json& input, const std::string& kind,
                                   const std::string& install);
// The answer of METRICS_SETUP: applies `monitor`, or skips where the cluster knows no PodMonitor.
Json ApplyMonitor(const Json& input, Json monitor);

// An entry of `patch`: a merge patch of an observed object.
Json Patch(const Json& object, Json body);
// The same of its status, which does nothing once the object has changed.
Json StatusPatch(const Json& object, Json status);

// An entry of outputs.endpoints.
Json Endpoint(const char* name, const char* role, const std::string& service, int port);
// The answer of CREDENTIAL_GEN. `fields`: the field that the user sees → the key in the Secret.
Json CredentialsReady(const std::string& message, Json endpoints, const std::string& secret,
                      Json fields);

}  // namespace slipway::kit
