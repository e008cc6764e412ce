#include "pipeline/quota.h"

#include <algorithm>

#include "pipeline/effects.h"
#include "pipeline/observer.h"
#include "pipeline/quantity.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr char kQuotaName[] = "slipway";
constexpr int kQuotaRounds = 8;

// The API server may write a quantity in another form than it was given.
bool SameQuantities(const Json& standing, const Json& wanted) {
  Json normal = Json::MakeObject();
  return AddQuantities(normal, standing) && normal == wanted;
}

Result<void> WriteQuota(kube::Cluster& cluster, const std::string& ns,
                        const std::vector<std::string>& plans) {
  Json hard = Json::MakeObject();
  for (const std::string& text : plans) {
    TRY(const Json plan, Json::Parse(text));
    TRY_VOID(AddQuantities(hard, plan["quota"]));
  }
  if (hard.empty()) return {};
  // Looked at on every tick, written only when it differs: a tick that writes what stands costs the
  // API server a write, and one refused write in a row of two would never get past it.
  TRY(const Json standing, GetOrNull(cluster, {"v1", kResourceQuota, ns, kQuotaName}));
  if (SameQuantities(standing["spec"]["hard"], hard)) return {};
  Json metadata = Json::Obj({{"name", kQuotaName},
                             {"namespace", ns},
                             {"labels", Json::Obj({{kManagedByLabel, "slipway"}})}});
  // A write that is late must not undo one that came after it.
  if (standing.is_object())
    metadata.Set("resourceVersion", standing["metadata"]["resourceVersion"]);
  kube::ApplyOptions options;
  options.force = true;  // the quota is ours alone
  TRY_VOID(cluster.Apply(Json::Obj({{"apiVersion", "v1"},
                                    {"kind", kResourceQuota},
                                    {"metadata", std::move(metadata)},
                                    {"spec", Json::Obj({{"hard", hard}})}}),
                         options));
  return {};
}

bool IsOver(const Json& object) {
  const std::string& phase = object.At("status/phase").AsString();
  return phase == "Succeeded" || phase == "Failed";
}

// What a quota counts, and the amounts that belong to it.
struct Counted {
  const char* kind;
  const char* number;
  bool storage;
};

constexpr Counted kCounted[] = {{"Pod", "pods", false},
                                {"PersistentVolumeClaim", "persistentvolumeclaims", true}};

bool IsStorage(std::string_view key) {
  return key == "requests.storage" || key == "persistentvolumeclaims";
}

// Each of these may be written in two ways.
std::string_view PlanKey(std::string_view key) {
  if (key == "cpu") return "requests.cpu";
  if (key == "memory") return "requests.memory";
  if (key == "count/pods") return "pods";
  if (key == "count/persistentvolumeclaims") return "persistentvolumeclaims";
  return key;
}

Result<int64_t> Amount(const Json& quantities, std::string_view key) {
  const Json* found = quantities.Find(key);
  return ParseQuantity(found == nullptr ? "0" : found->AsString());
}

// What of the quota is too little for one more: "requests.cpu: 3800m of 4 are used, 500m more are
// needed".
Result<std::string> TooLittle(const Json& quota, const Json& needs, const Counted& counted,
                              int64_t wanted) {
  const Json& status = quota["status"];
  for (const auto& [key, value] : status["hard"].members()) {
    const std::string_view plan_key = PlanKey(key);
    if (IsStorage(plan_key) != counted.storage) continue;
    const auto hard = ParseQuantity(value.AsString());
    const auto used = Amount(status["used"], key);
    // Somebody else's quota may be written in a form that we do not read, such as 1e3.
    if (!hard || !used) continue;
    TRY(const int64_t all, Amount(needs, plan_key));
    const int64_t each = all / wanted;
    if (each == 0 || *hard - *used >= each) continue;
    return key + ": " + FormatQuantity(*used) + " of " + FormatQuantity(*hard) + " are used, " +
           FormatQuantity(each) + " more are needed";
  }
  return std::string();
}

}  // namespace

Result<void> SettleQuota(kube::Cluster& cluster, const store::Store& store, const std::string& ns) {
  const std::vector<std::string> verbs = VerbsWith(&VerbPolicy::counts_for_quota);
  TRY(std::vector<std::string> plans, store.PlansInNamespace(ns, verbs));
  for (int round = 0; round < kQuotaRounds; ++round) {
    TRY_VOID(WriteQuota(cluster, ns, plans));
    TRY(std::vector<std::string> now, store.PlansInNamespace(ns, verbs));
    if (now == plans) return {};
    plans = std::move(now);
  }
  return Error{Code::kConflict, "QuotaBusy", "instances of " + ns + " come and go too quickly"};
}

Result<std::optional<store::WaitingFor>> RefusingQuota(kube::Cluster& cluster,
                                                       const std::string& ns, const Json& needs,
                                                       const Json& watches, const Json& observed) {
  std::vector<std::pair<const Counted*, int64_t>> lacking;  // how many there should be
  const auto is_watched = [&](const char* kind) {
    return std::any_of(watches.items().begin(), watches.items().end(),
                       [&](const Json& watch) { return watch["kind"].AsString() == kind; });
  };
  for (const Counted& counted : kCounted) {
    if (!is_watched(counted.kind)) continue;
    TRY(const int64_t wanted, Amount(needs, counted.number));
    const auto there =
        std::count_if(observed.items().begin(), observed.items().end(), [&](const Json& object) {
          return object["kind"].AsString() == counted.kind && !IsOver(object);
        });
    if (there < wanted / 1000) lacking.emplace_back(&counted, wanted / 1000);
  }
  if (lacking.empty()) return std::optional<store::WaitingFor>();
  TRY(const kube::ObjectList quotas, cluster.List("v1", kResourceQuota, ns, {}));
  for (const Json& quota : quotas.items) {
    // One with a scope may not be about these pods.
    if (!quota.At("spec/scopes").is_null() || !quota.At("spec/scopeSelector").is_null()) continue;
    for (const auto& [counted, wanted] : lacking) {
      TRY(std::string why, TooLittle(quota, needs, *counted, wanted));
      if (!why.empty())
        return std::optional(store::WaitingFor{kResourceQuota, ns,
                                               quota["metadata"]["name"].AsString(), "Exceeded", 0,
                                               std::move(why)});
    }
  }
  return std::optional<store::WaitingFor>();
}

}  // namespace slipway::pipeline
