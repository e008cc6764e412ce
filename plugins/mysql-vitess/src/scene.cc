#include "scene.h"

#include <utility>

namespace vitess {

Observed::Observed(const Json& objects, const Instance& instance) {
  for (const Json& object : objects.items()) {
    const std::string& kind = object["kind"].AsString();
    if (kind == kCluster.kind && object["metadata"]["name"].AsString() == instance.name)
      cluster = &object;
    if (kind == "VitessBackupSchedule") schedules.push_back(&object);
    if (kind == "Pod") pods.push_back(&object);
    if (kind == "Job") jobs.push_back(&object);
  }
}

std::vector<const Json*> Observed::PodsOf(const char* component) const {
  std::vector<const Json*> out;
  for (const Json* pod : pods) {
    if ((*pod)["metadata"]["labels"]["planetscale.com/component"].AsString() == component)
      out.push_back(pod);
  }
  return out;
}

const Json* Observed::PodNamed(const std::string& name) const {
  for (const Json* pod : pods) {
    if ((*pod)["metadata"]["name"].AsString() == name) return pod;
  }
  return nullptr;
}

const Json* Looks::Find(const char* api, const char* kind, const std::string& name) {
  const std::string key = std::string(kind) + "/" + name;
  if (needs_.Has(key)) return &needs_[key];
  wanted_.Set(key, ObjectName(api, kind, name));
  return nullptr;
}

const Json* Looks::List(const char* api, const char* kind, const std::string& label) {
  const std::string key = std::string(kind) + "?" + label;
  if (needs_.Has(key)) return &needs_[key]["items"];
  wanted_.Set(key, Json::Obj({{"apiVersion", api}, {"kind", kind}, {"labelSelector", label}}));
  return nullptr;
}

Json Looks::Asking(Json answer) const {
  if (Asks()) answer.Set("need", wanted_);
  return answer;
}

bool IsYes(const Json& ternary) {
  return ternary.AsString() == "True";
}

Judgement Waiting(const std::string& message, int percent, Json on) {
  return Progress("WaitingForInstances", message, percent, std::move(on));
}

}  // namespace vitess
