#include <algorithm>
#include <utility>

#include <slipway/kit/documents.h>
#include <slipway/kit/verdict.h>

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
      throw slipway::Error(SLIPWAY_INVALID, "UnknownSetting",
                           "the settings are " + names + "; each is a string", "/" + key);
    }
    *found->second = settings[key].AsString();
  }
}

void RefuseSetting(const std::string& setting, const std::string& rule) {
  throw slipway::Error(SLIPWAY_INVALID, "InvalidSetting", setting + " " + rule, "/" + setting);
}

Json Describe(const Description& description, Json verbs, int name_limit) {
  Json out = Json::Obj({{"schema", 1},
                        {"engine", description.engine},
                        {"version", description.version},
                        {"title", description.title},
                        {"database_type", description.database_type},
                        {"verbs", std::move(verbs)},
                        {"capabilities", Json::Obj({{"backup", description.backup},
                                                    {"metrics", description.metrics},
                                                    {"replicas", description.replicas}})},
                        {"name_limit", name_limit},
                        {"parameters_schema", description.parameters_schema},
                        {"watches", description.watches},
                        {"crds_required", description.crds_required},
                        {"crds_optional", description.crds_optional},
                        {"applies", description.applies}});
  if (description.contract != nullptr) out.Set("contract", description.contract);
  if (!description.features.IsNull()) out.Set("requires", description.features);
  if (!description.backup_details.IsNull()) out.Set("backup", description.backup_details);
  if (!description.transient.IsNull()) out.Set("transient", description.transient);
  if (!description.patches.IsNull()) out.Set("patches", description.patches);
  if (description.claims_selector != nullptr)
    out.Set("claims_selector", description.claims_selector);
  if (!description.login_proof.IsNull()) out.Set("login_proof", description.login_proof);
  return out.Set("insight_queries", Json::Arr()).Set("plan_compat", Json::Arr());
}

Json Watch(const char* api, const char* kind, std::initializer_list<Json> keep) {
  return Json::Obj({{"apiVersion", api}, {"kind", kind}, {"keep", Json::Arr(keep)}});
}

std::optional<Omission> WithoutBackup(const Instance& instance) {
  if (instance.HasBackup()) return std::nullopt;
  return Omission{"BackupNotRequested", "the request has no backup section"};
}

std::optional<Omission> WithoutMetrics(const Instance& instance) {
  if (instance.pod_monitor) return std::nullopt;
  return Omission{"TierExcludesMetrics", "the tier " + instance.tier + " has no PodMonitor"};
}

std::optional<Omission> WithoutSource(const Instance& instance) {
  if (instance.IsRestored()) return std::nullopt;
  return Omission{"NothingToRestore", "the instance is a new one", Omit::kLeave};
}

std::optional<Omission> BackupNotConfigured(const Instance& instance) {
  if (instance.HasBackup()) return std::nullopt;
  return Omission{"BackupNotConfigured", "the instance has no backup section", Omit::kRefuse};
}

void PlanStage(Json& stages, std::string_view stage, const char* title,
               const std::optional<Omission>& omission) {
  Json out = Json::Obj({{"name", stage}, {"title", title}});
  if (omission) {
    if (omission->how == Omit::kLeave) return;
    if (omission->how == Omit::kRefuse)
      throw slipway::Error(SLIPWAY_PRECONDITION, omission->reason, omission->message);
    out.Set("skip", Json::Obj({{"reason", omission->reason}, {"message", omission->message}}));
  }
  stages.Push(std::move(out));
}

Json OmittedStep(const Omission& omission) {
  if (omission.how == Omit::kRefuse) return Result(Failed(omission.reason, omission.message));
  return Skip(omission.reason, omission.message);
}

void UnsupportedVerb(std::string_view verb) {
  throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnsupportedVerb",
                       "this engine does not support the verb \"" + std::string(verb) + "\"",
                       "/verb");
}

void UnknownStage(std::string_view verb, std::string_view stage) {
  throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnknownStage",
                       "this engine does not know the stage \"" + std::string(stage) +
                           "\" of the verb \"" + std::string(verb) + "\"",
                       "/stage");
}

void StopIfCancelled(const slipway::Call& call) {
  if (call.cancelled())
    throw slipway::Error(SLIPWAY_CANCELLED, "Cancelled", "the call was cancelled");
}

void Validate(slipway::Call& call, const Json& input, const NameRule& rule,
              const Normalise& normalise) {
  const Complain complain = [&](const std::string& pointer, const std::string& reason,
                                const std::string& message) {
    call.fail(slipway::Error(SLIPWAY_INVALID, reason, message, pointer));
  };
  const std::string& name = input["instance"]["name"].AsString();
  if (name.size() > static_cast<size_t>(rule.limit)) {
    complain(
        "/name", "NameTooLong",
        "the name may have at most " + std::to_string(rule.limit) + " characters: " + rule.because);
  }
  // Services are named after it: DNS-1035.
  if (!name.empty() && (name[0] < 'a' || name[0] > 'z'))
    complain("/name", "InvalidName", "the name must start with a letter");
  if (rule.check != nullptr) rule.check(name, complain);
  if (!input["spec"].IsObject()) {
    complain("", "WrongType", "the spec must be an object");
    return;
  }
  Json warnings = Json::Arr();
  const Warn warn = [&](const std::string& field, const std::string& message) {
    warnings.Push(Json::Obj({{"field", field}, {"message", message}}));
  };
  Json spec =
      normalise({input["verb"].AsString(), input["spec"], input["arguments"], input["previous"]},
                complain, warn);
  if (call.failed() != SLIPWAY_OK) return;
  call.write(
      Json::Obj({{"schema", 1}, {"spec", std::move(spec)}, {"warnings", std::move(warnings)}})
          .Dump());
}

}  // namespace slipway::kit
