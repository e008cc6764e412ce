#include "devcluster/quota.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace slipway::sim {

namespace {

constexpr char kCollection[] = "resourcequotas";

void Add(Usage& into, const std::string& name, const Quantity& amount) {
  Quantity& sum = into[name];
  if (sum.milli == 0) sum.form = amount.form;
  sum.milli += amount.milli;
}

void AddOne(Usage& into, const std::string& name) {
  Add(into, name, {1000, Quantity::Form::kDecimal});
}

// Kinds that quotas counted by their plain names before there was "count/".
bool CountsByName(const Kind& kind) {
  static constexpr std::string_view kNames[] = {
      "pods",    "services",   "replicationcontrollers", "resourcequotas",
      "secrets", "configmaps", "persistentvolumeclaims"};
  return kind.group.empty() &&
         std::find(std::begin(kNames), std::end(kNames), kind.plural) != std::end(kNames);
}

Usage ContainerUsage(const Json& container) {
  Usage out;
  for (const char* side : {"requests", "limits"})
    for (const auto& [name, text] : container["resources"][side].members())
      if (const auto amount = Quantity::Parse(text.AsString()))
        Add(out, std::string(side) + "." + name, *amount);
  return out;
}

// The usage of all containers together, or of the init container that needs more than they do.
Usage PodUsage(const Json& spec) {
  Usage out;
  for (const Json& container : spec["containers"].items())
    for (const auto& [name, amount] : ContainerUsage(container)) Add(out, name, amount);
  for (const Json& container : spec["initContainers"].items())
    for (const auto& [name, amount] : ContainerUsage(container))
      if (amount.milli > out[name].milli) out[name] = amount;
  for (const char* name : {"cpu", "memory", "ephemeral-storage"})
    if (const auto found = out.find(std::string("requests.") + name); found != out.end())
      out[name] = found->second;
  return out;
}

void AddClaim(const Json& spec, Usage& out) {
  const auto size = Quantity::Parse(spec.At("/resources/requests/storage").AsString());
  if (size) Add(out, "requests.storage", *size);
  const std::string& name = spec["storageClassName"].AsString();
  if (name.empty()) return;
  const std::string prefix = name + ".storageclass.storage.k8s.io/";
  if (size) Add(out, prefix + "requests.storage", *size);
  AddOne(out, prefix + "persistentvolumeclaims");
}

void AddService(const Json& spec, Usage& out) {
  const std::string& type = spec["type"].AsString();
  if (type == "LoadBalancer") AddOne(out, "services.loadbalancers");
  if (type == "LoadBalancer" || type == "NodePort")
    for (size_t i = 0; i < spec["ports"].size(); ++i) AddOne(out, "services.nodeports");
}

bool Ended(const Json& pod) {
  const std::string& phase = pod["status"]["phase"].AsString();
  return phase == "Succeeded" || phase == "Failed";
}

bool Scoped(const Json& quota) {
  return !quota["spec"]["scopes"].empty() || !quota["spec"]["scopeSelector"].empty();
}

// Writes the resources that ran out as "a=1,b=2".
std::string Listed(const Usage& amounts, const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    const auto found = amounts.find(name);
    out += (out.empty() ? "" : ",") + name + "=" +
           (found == amounts.end() ? "0" : found->second.Text());
  }
  return out;
}

Usage ReadAmounts(const Json& object) {
  Usage out;
  for (const auto& [name, text] : object.members())
    if (const auto amount = Quantity::Parse(text.AsString())) out[name] = *amount;
  return out;
}

// The compute resources that the quota limits and a container does not mention.
std::string Unsaid(const Usage& hard, const Json& spec) {
  std::string out;
  for (const auto& [name, amount] : hard) {
    const bool plain = name == "cpu" || name == "memory";
    if (!plain && name.rfind("requests.", 0) != 0 && name.rfind("limits.", 0) != 0) continue;
    if (name == "requests.storage") continue;
    std::string without;
    for (const Json& container : spec["containers"].items())
      if (ContainerUsage(container).count(plain ? "requests." + name : name) == 0)
        without += (without.empty() ? "" : ",") + container["name"].AsString();
    if (!without.empty()) out += (out.empty() ? "" : "; ") + name + " for: " + without;
  }
  return out;
}

Answer<Json> Charge(const Kind& kind, const Json& object, const Json& quota) {
  const std::string name = object["metadata"]["name"].AsString();
  const std::string quota_name = quota["metadata"]["name"].AsString();
  const Usage hard = ReadAmounts(quota["status"]["hard"]),
              used = ReadAmounts(quota["status"]["used"]);
  const Usage wanted = UsageOf(kind, object);
  if (kind.kind == "Pod" && !kind.custom)
    if (const std::string unsaid = Unsaid(hard, object["spec"]); !unsaid.empty())
      return Forbidden(kind.name(), name,
                       "failed quota: " + quota_name + ": must specify " + unsaid);
  std::vector<std::string> exceeded;
  Json after = quota;
  for (const auto& [resource, limit] : hard) {
    const auto more = wanted.find(resource);
    if (more == wanted.end()) continue;
    Quantity sum = more->second;
    if (const auto before = used.find(resource); before != used.end())
      sum.milli += before->second.milli;
    if (sum.milli > limit.milli) exceeded.push_back(resource);
    after["status"]["used"].Set(resource, sum.Text());
  }
  if (exceeded.empty()) return after;
  return Forbidden(kind.name(), name,
                   "exceeded quota: " + quota_name + ", requested: " + Listed(wanted, exceeded) +
                       ", used: " + Listed(used, exceeded) +
                       ", limited: " + Listed(hard, exceeded));
}

WriteOptions StatusWriter(const char* manager) {
  WriteOptions out{.manager = manager};
  out.subresource = "status";
  return out;
}

}  // namespace

Usage UsageOf(const Kind& kind, const Json& object) {
  Usage out;
  AddOne(out, "count/" + QualifiedResource(kind.plural, kind.group));
  const bool pod = kind.kind == "Pod" && !kind.custom;
  if (pod && Ended(object)) return out;
  if (CountsByName(kind)) AddOne(out, kind.plural);
  if (kind.custom) return out;
  if (pod)
    for (const auto& [name, amount] : PodUsage(object["spec"])) out[name] = amount;
  if (kind.kind == "PersistentVolumeClaim") AddClaim(object["spec"], out);
  if (kind.kind == "Service") AddService(object["spec"], out);
  return out;
}

bool HasQuotas(const ObjectStore& store, const Kind& kind, const Json& object) {
  return kind.namespaced && kind.plural != kCollection &&
         store.Count(kCollection, object["metadata"]["namespace"].AsString()) != 0;
}

Answer<Done> ChargeQuotas(Api& api, const Kind& kind, const Json& object, bool dry_run) {
  const std::string& ns = object["metadata"]["namespace"].AsString();
  if (!HasQuotas(api.store(), kind, object)) return Done{};
  const auto quotas = api.store().List(kCollection, ns, "", 0).items;
  const KindPtr quota_kind = api.kinds().ByCollection(kCollection);
  // The first round only asks, so that no quota is charged for an object that another quota
  // refuses.
  for (const bool charge : {false, true}) {
    if (charge && dry_run) break;
    for (const ObjectPtr& quota : quotas) {
      if (Scoped(quota->Parse())) continue;
      WriteOptions options = StatusWriter("kube-apiserver");
      options.dry_run = !charge;
      const auto change = [&](const Json& before) { return Charge(kind, object, before); };
      auto written = api.Modify(*quota_kind, ns, quota->name, change, options);
      if (!written && written.error().code == 403) return std::move(written).error();
    }
  }
  return Done{};
}

void RecountQuotas(Api& api, const std::string& ns) {
  const auto quotas = api.store().List(kCollection, ns, "", 0).items;
  if (quotas.empty()) return;
  const std::lock_guard turn(api.quota_turn());
  Usage used;
  for (const ObjectKey& key : api.store().InNamespace(ns)) {
    const KindPtr kind = api.kinds().ByCollection(key.collection);
    const ObjectPtr object = api.store().Get(key.collection, key.ns, key.name);
    if (kind == nullptr || object == nullptr) continue;
    for (const auto& [name, amount] : UsageOf(*kind, object->Parse())) Add(used, name, amount);
  }
  const KindPtr quota_kind = api.kinds().ByCollection(kCollection);
  for (const ObjectPtr& quota : quotas) {
    const auto change = [&](const Json& before) -> Answer<Json> {
      Json after = before, counted = Json::MakeObject();
      for (const auto& [name, limit] : before["spec"]["hard"].members()) {
        const auto found = used.find(name);
        counted.Set(name, found == used.end() ? "0" : found->second.Text());
      }
      after.Set("status", Json::Obj({{"hard", before["spec"]["hard"]}, {"used", counted}}));
      return after;
    };
    [[maybe_unused]] auto written =
        api.Modify(*quota_kind, ns, quota->name, change, StatusWriter("kube-controller-manager"));
  }
}

}  // namespace slipway::sim
