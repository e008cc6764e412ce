#include <algorithm>

#include <slipway/kit/documents.h>

namespace slipway::kit {

void ParseSettings(std::string_view config,
                   std::initializer_list<std::pair<const char*, std::string*>> known) {
  if (config.empty()) return;
  const Json settings = Json::Parse(config);
  if (settings.IsNull()) return;
  if (!settings.IsObject())
    throw slipway::Error(SLIPWAY_INVALID, "WrongType", "the settings must be an object");
  for (const std::string& key : settings.keys()) {
    const auto* found = std::find_if(known.begin(), known.end(),
                                     [&](const auto& setting) { return key == setting.first; });
    if (found == known.end() || !settings[key].IsString()) {
      std::string names;
      for (const auto& setting : known)
        names += (names.empty() ? "" : ", ") + std::string(setting.first);
      throw slipway::Error(SLIPWAY_INVALID, "UnknownSetting", "the settings are strings: " + names,
                           "/" + key);
    }
    *found->second = settings[key].AsString();
  }
}

Json Watch(const char* api, const char* kind, std::initializer_list<Json> keep) {
  return Json::Obj({{"apiVersion", api}, {"kind", kind}, {"keep", Json::Arr(keep)}});
}

Json Stage(const char* name, const char* title) {
  return Json::Obj({{"name", name}, {"title", title}});
}

Json Skipped(const char* name, const char* title, const char* reason, const std::string& message) {
  return Stage(name, title).Set("skip", Json::Obj({{"reason", reason}, {"message", message}}));
}

Json BackupStage(const Instance& instance, const char* title) {
  return instance.HasBackup() ? Stage("BACKUP_CONFIG", title)
                              : Skipped("BACKUP_CONFIG", title, "BackupNotRequested",
                                        "the request has no backup section");
}

Json MetricsStage(const Instance& instance, const char* title) {
  return instance.pod_monitor ? Stage("METRICS_SETUP", title)
                              : Skipped("METRICS_SETUP", title, "TierExcludesMetrics",
                                        "the tier " + instance.tier + " has no PodMonitor");
}

Json CreatePlan(Json stages, Json quota) {
  return Json::Obj({{"schema", 1},
                    {"stages", std::move(stages)},
                    {"quota", std::move(quota)},
                    {"carry", Json::Obj()}});
}

Json DeletePlan(const char* title) {
  return Json::Obj({{"schema", 1},
                    {"stages", Json::Arr({Stage("RESOURCE_DELETION", title)})},
                    {"carry", Json::Obj()}});
}

void UnsupportedVerb(const std::string& verb) {
  throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnsupportedVerb", "this engine cannot " + verb,
                       "/verb");
}

void UnknownStage(const std::string& verb, const std::string& stage) {
  throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnknownStage",
                       "this engine has nothing to do in " + verb + " " + stage, "/stage");
}

void StopIfCancelled(const slipway::Call& call) {
  if (call.cancelled())
    throw slipway::Error(SLIPWAY_CANCELLED, "Cancelled", "the call was cancelled");
}

void Validate(
    slipway::Call& call, std::string_view request, int name_limit, const char* because,
    const std::function<Json(const Json& spec, const Complain&, const Warn&)>& normalised) {
  StopIfCancelled(call);
  const Json input = Json::Parse(request);
  if (const std::string& verb = input["verb"].AsString(); verb != "create" && verb != "delete")
    UnsupportedVerb(verb);
  const Complain complain = [&](const std::string& pointer, const std::string& reason,
                                const std::string& message) {
    call.fail(slipway::Error(SLIPWAY_INVALID, reason, message, pointer));
  };
  const std::string& name = input["instance"]["name"].AsString();
  if (name.size() > static_cast<size_t>(name_limit)) {
    complain("/name", "NameTooLong",
             "the name may have " + std::to_string(name_limit) + " characters: " + because);
  }
  // Services are named after it: DNS-1035.
  if (!name.empty() && (name[0] < 'a' || name[0] > 'z'))
    complain("/name", "InvalidName", "the name must start with a letter");
  if (!input["spec"].IsObject()) {
    complain("", "WrongType", "the spec must be an object");
    return;
  }
  Json warnings = Json::Arr();
  Json spec = normalised(input["spec"], complain,
                         [&](const std::string& field, const std::string& message) {
                           warnings.Push(Json::Obj({{"field", field}, {"message", message}}));
                         });
  if (call.failed() != SLIPWAY_OK) return;
  call.write(
      Json::Obj({{"schema", 1}, {"spec", std::move(spec)}, {"warnings", std::move(warnings)}})
          .Dump());
}

}  // namespace slipway::kit
