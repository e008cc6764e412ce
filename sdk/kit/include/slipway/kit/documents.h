// The documents around the steps, as every engine writes them: settings, describe, validate, plan.
#pragma once
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <slipway/engine.hpp>
#include <slipway/kit/json.h>
#include <slipway/kit/request.h>

namespace slipway::kit {

// Reads the settings of the engine's file in engines.d, which are all strings, into their places.
// Throws slipway::Error INVALID with the setting at fault.
void ParseSettings(std::string_view config,
                   std::initializer_list<std::pair<const char*, std::string*>> known);
// Throws the refusal of one setting: "SETTING RULE".
[[noreturn]] void RefuseSetting(const std::string& setting, const std::string& rule);

// The members of describe that differ from engine to engine; DOCUMENTS.md explains them.
struct Description {
  const char* engine;
  const char* version;
  const char* title;
  const char* database_type;
  bool backup = false;
  bool metrics = false;
  bool replicas = false;
  Json backup_details = {};  // null: describe has no `backup`
  Json parameters_schema = Json::Obj();
  Json watches = Json::Arr();
  Json crds_required = Json::Arr();
  Json crds_optional = Json::Arr();
  Json applies = Json::Arr();
  Json transient = {};                    // null: describe has none
  Json patches = {};                      // null: describe has none
  const char* claims_selector = nullptr;  // null: describe has none
  Json login_proof = {};                  // null: describe has none
  const char* contract = nullptr;         // null: 1.0
  Json features = {};                     // `requires`; null: describe has none
};

Json Describe(const Description& description, Json verbs, int name_limit);
// An entry of describe's `watches`.
Json Watch(const char* api, const char* kind, std::initializer_list<Json> keep);

// The limits of an instance's name. `because` names the derived name that needs the room.
struct NameRule {
  int limit;
  const char* because;
  // Complains about names that Kubernetes would take and the operator would not; may be null.
  void (*check)(const std::string& name, const Complain& complain) = nullptr;
};

// What validate was asked with. `spec` is an object; `arguments` and `previous`, the spec that
// stands, are null where the host gave none.
struct Request {
  const std::string& verb;
  const Json& spec;
  const Json& arguments;
  const Json& previous;
};

// Writes every default out; applied to its own result it changes nothing. Some engines look at the
// spec alone, others at the whole request.
class Normalise {
 public:
  using OfSpec = Json (*)(const Json& spec, const Complain& complain, const Warn& warn);
  using OfRequest = Json (*)(const Request& request, const Complain& complain, const Warn& warn);

  // NOLINTBEGIN(google-explicit-constructor): .normalise = NormalisedSpec
  constexpr Normalise(OfSpec of_spec) : of_spec_(of_spec) {}

  constexpr Normalise(OfRequest of_request) : of_request_(of_request) {}

  // NOLINTEND(google-explicit-constructor)

  Json operator()(const Request& request, const Complain& complain, const Warn& warn) const {
    return of_request_ != nullptr ? of_request_(request, complain, warn)
                                  : of_spec_(request.spec, complain, warn);
  }

 private:
  OfSpec of_spec_ = nullptr;
  OfRequest of_request_ = nullptr;
};

// All of validate but the verb, for an engine whose Services are named after the instance.
void Validate(slipway::Call& call, const Json& input, const NameRule& rule,
              const Normalise& normalise);

// What becomes of a stage that has nothing to do.
enum class Omit {
  kSkip,    // the plan names it, with the reason
  kLeave,   // the plan does not name it
  kRefuse,  // the verb makes no sense: there is no plan
};

// Why a stage has nothing to do for this instance.
struct Omission {
  std::string reason, message;
  Omit how = Omit::kSkip;
};

// The reasons that every engine has: the request has no backup section, the tier has no metrics.
std::optional<Omission> WithoutBackup(const Instance& instance);
std::optional<Omission> WithoutMetrics(const Instance& instance);
// Of RESTORE: the instance is a new one.
std::optional<Omission> WithoutSource(const Instance& instance);
// Of BACKUP: the instance has no backups to be made.
std::optional<Omission> BackupNotConfigured(const Instance& instance);

// Adds the stage to plan's `stages`, or leaves it out. Throws PRECONDITION for kRefuse.
void PlanStage(Json& stages, std::string_view stage, const char* title,
               const std::optional<Omission>& omission);
// The answer of a step that was asked all the same.
Json OmittedStep(const Omission& omission);

[[noreturn]] void UnsupportedVerb(std::string_view verb);
[[noreturn]] void UnknownStage(std::string_view verb, std::string_view stage);
// Call it before work. Throws CANCELLED.
void StopIfCancelled(const slipway::Call& call);

}  // namespace slipway::kit
