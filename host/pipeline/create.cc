#include "pipeline/create.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "engine/inputs.h"
#include "engine/results.h"
#include "pipeline/backup_stores.h"
#include "pipeline/drills.h"
#include "pipeline/restore.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr size_t kLongestName = 63;
constexpr int64_t kMostDrillDays = 365;
constexpr char kLabelRule[] =
    "must be a lower-case DNS label of at most 63 characters: a-z, 0-9 and - inside";

Error Problem(std::string field, std::string reason, std::string message) {
  return {Code::kInvalid, std::move(reason), std::move(message), std::move(field)};
}

void CheckNames(const CreateRequest& request, const std::string& ns, std::vector<Error>& found) {
  const size_t before = found.size();
  if (!IsDnsLabel(request.organization))
    found.push_back(Problem("/orgId", "InvalidName", kLabelRule));
  if (!IsDnsLabel(request.project))
    found.push_back(Problem("/projectName", "InvalidName", kLabelRule));
  if (!request.name.empty() && !IsDnsLabel(request.name))
    found.push_back(Problem("/name", "InvalidName", kLabelRule));
  if (found.size() == before && ns.size() > kLongestName)
    found.push_back(Problem("/projectName", "NameTooLong",
                            "the namespace " + ns + " would have " + std::to_string(ns.size()) +
                                " characters, 63 are allowed for {orgId}-{projectName}"));
}

// The engine's own limit, which it computes from the objects that it names after the instance.
void CheckLength(const CreateRequest& request, const std::string& name, const Json& description,
                 std::vector<Error>& found) {
  const int64_t limit = description["name_limit"].AsInt(kLongestName);
  if (!IsDnsLabel(name) || static_cast<int64_t>(name.size()) <= limit) return;
  found.push_back(Problem(request.name.empty() ? "/projectName" : "/name", "NameTooLong",
                          "the name of a " + request.database_type + " instance may have " +
                              std::to_string(limit) + " characters, this one has " +
                              std::to_string(name.size())));
}

// Takes the host's own part out of a backup section: {"drill": {"everyDays": 7}}. -1: it has none.
int64_t TakeDrillDays(Json& backup, std::vector<Error>& found) {
  if (!backup.is_object() || !backup.Has("drill")) return -1;
  const Json drill = std::as_const(backup)["drill"];
  backup.Erase("drill");
  if (drill.is_null()) return -1;
  const Json& days = drill["everyDays"];
  const bool good = drill.is_object() && drill.size() == 1 && days.is_int() && days.AsInt() >= 0 &&
                    days.AsInt() <= kMostDrillDays;
  if (!good)
    found.push_back(Problem(
        "/backup/drill", "InvalidValue",
        "must look like {\"everyDays\": 7}: 0 (none) to " + std::to_string(kMostDrillDays)));
  return good ? days.AsInt() : -1;
}

}  // namespace

std::string TierNames(const std::vector<Tier>& tiers) {
  std::string out;
  for (const Tier& tier : tiers) out += (out.empty() ? "" : ", ") + tier.name;
  return out;
}

Result<Resolved> ResolveCreate(const CreateRequest& request, const std::string& id,
                               const CreateContext& context, Findings& findings) {
  const std::vector<Tier>& tiers = context.options.tiers;
  std::vector<Error>& found = findings.problems;
  Resolved out;
  out.name = request.name.empty() ? request.project : request.name;
  out.ns = request.organization + "-" + request.project;
  CheckNames(request, out.ns, found);
  if (request.on_failure != "ROLLBACK" && request.on_failure != "RETAIN")
    found.push_back(Problem("/onFailure", "InvalidValue", "must be ROLLBACK or RETAIN"));
  const auto tier = std::find_if(tiers.begin(), tiers.end(),
                                 [&](const Tier& t) { return t.name == request.tier; });
  if (tier == tiers.end())
    found.push_back(Problem("/tier", "UnknownTier",
                            Json::Quote(request.tier) + " is not one of " + TierNames(tiers)));
  auto engine = context.engines.ForType(request.database_type);
  if (!engine) {
    Error error = engine.error();
    if (error.code != Code::kUnsupported) return error;
    error.field = "/databaseType";
    error.code = Code::kInvalid;
    found.push_back(std::move(error));
  } else {
    CheckLength(request, out.name, (*engine)->description(), found);
  }
  Json section = request.backup;
  out.drill_days = TakeDrillDays(section, found);
  if (engine && request.drill.is_object())
    section = DrillBackup(request.drill, (*engine)->description(), found);
  auto backup =
      WithStore(section, context.options.backup_stores, request.organization, id, out.name);
  if (!backup) found.push_back(backup.error());
  if (engine && request.source.is_object()) {
    TRY(const Source source, ResolveSource(request, out.name, (*engine)->description(),
                                           context.store, context.clock.NowMs(), found));
    out.arguments.Set("source", source.arguments);
    if (request.drill.is_object())
      out.arguments.Set("drill", DrillArguments(request.drill, source.backup_id,
                                                (*engine)->description(), found));
  }
  // An engine is asked about a source only that is good: it trusts what the host says of it.
  const bool askable = !request.source.is_object() || found.empty();
  if (engine && tier != tiers.end() && backup && askable) {
    engine::ValidateInput input;
    input.verb = MakingVerb(request.source.is_object()).engine_verb;
    input.arguments = out.arguments;
    input.name = out.name;
    input.ns = out.ns;
    input.spec = Json::Obj({{"tier", tier->name},
                            {"instances", request.drill.is_object() ? 1 : tier->instances},
                            {"storage", tier->storage},
                            {"memory", tier->memory},
                            {"cpu", tier->cpu},
                            {"pod_monitor", tier->pod_monitor},
                            {"parameters", request.parameters},
                            {"backup", *backup}});
    std::vector<Error> failures;
    const auto document = (*engine)->Validate(input.ToJson(), &failures);
    if (!document) {
      const Error& error = document.error();
      if (error.code != Code::kInvalid && error.code != Code::kUnsupported) return error;
      if (failures.empty()) failures.push_back(error);
      for (Error& failure : failures) {
        // Of a name that is too long the engine knows why.
        if (failure.field == "/name") {
          if (request.name.empty()) failure.field = "/projectName";
          std::erase_if(found, [&](const Error& other) {
            return other.field == failure.field && other.reason == failure.reason;
          });
        }
        found.push_back(std::move(failure));
      }
    } else {
      TRY(const engine::ValidateResult read, engine::ReadValidate(*document));
      out.engine = (*engine)->name();
      out.spec = read.spec;
      for (const auto& warning : read.warnings)
        findings.warnings.push_back({warning.field, warning.message});
    }
  }
  if (found.empty()) return out;
  return Error{Code::kInvalid, "ValidationFailed", found.front().message, found.front().field};
}

}  // namespace slipway::pipeline
