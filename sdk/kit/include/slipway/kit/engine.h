// The engine class. An engine states its stages in one table; the four functions follow from it.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <slipway/engine.hpp>
#include <slipway/kit/documents.h>
#include <slipway/kit/json.h>
#include <slipway/kit/request.h>
#include <slipway/kit/verdict.h>

namespace slipway::kit {

// One stage of one verb. `Stages` derives from Work.
template <class Stages>
struct StageRow {
  std::string_view verb, stage;
  const char* title;            // in the plan; null for a stage that no plan has (OBSERVE)
  Json (Stages::*run)() const;  // null for a stage that is always omitted
  // Null for a stage that is never omitted. Plan and step both ask it; an omission says whether the
  // plan skips the stage, does not name it, or is refused.
  std::optional<Omission> (*omitted)(const Instance& instance) = nullptr;
};

template <class Stages>
struct Definition {
  Description (*description)();
  NameRule name;
  Normalise normalise;
  // The needs of an instance in its namespace. The plans of the verbs `sized` ("a|b") have them.
  Json (*quota)(const typename Stages::InstanceType& instance);
  std::string_view sized;
  // Tells what an update does; null: the plans of this engine have no `changes`.
  Json (*changes)(const Json& previous, const Json& spec) = nullptr;
  std::span<const StageRow<Stages>> table;

  // The verbs of the table, each once, in its order.
  Json Verbs() const {
    Json verbs = Json::Arr();
    std::string_view last;
    for (const StageRow<Stages>& row : table) {
      if (row.verb != last) verbs.Push(row.verb);
      last = row.verb;
    }
    return verbs;
  }

  // Throws UNSUPPORTED with the verb unless its stages can be planned.
  void CheckPlanned(std::string_view verb) const {
    for (const StageRow<Stages>& row : table) {
      if (row.verb == verb && row.title != nullptr) return;
    }
    UnsupportedVerb(verb);
  }

  Json Plan(const Json& input) const {
    const std::string_view verb = input["verb"].AsString();
    CheckPlanned(verb);
    // Not read before it is needed: a delete is planned whatever the spec has become.
    std::optional<typename Stages::InstanceType> instance;
    const auto read = [&]() -> const typename Stages::InstanceType& {
      return instance ? *instance : instance.emplace(input);
    };
    Json stages = Json::Arr();
    for (const StageRow<Stages>& row : table) {
      if (row.verb != verb) continue;
      PlanStage(stages, row.stage, row.title,
                row.omitted != nullptr ? row.omitted(read()) : std::nullopt);
    }
    Json out = Json::Obj({{"schema", 1}, {"stages", std::move(stages)}});
    if (OneOf(sized, verb)) out.Set("quota", quota(read()));
    if (verb == "update" && changes != nullptr)
      out.Set("changes", changes(input["previous"], input["spec"]));
    return out.Set("carry", Json::Obj());
  }

  // Throws UNSUPPORTED with the verb or the stage that is not in the table.
  Json Step(const typename Stages::SettingsType& settings, const Json& input,
            int64_t now_ms) const {
    const StageRow<Stages>& row = Find(input["verb"].AsString(), input["stage"].AsString());
    const Stages stages(settings, input, now_ms);
    if (row.omitted != nullptr) {
      if (const auto why = row.omitted(stages.instance)) return OmittedStep(*why);
    }
    return (stages.*row.run)();
  }

 private:
  const StageRow<Stages>& Find(std::string_view verb, std::string_view stage) const {
    bool supported = false;
    for (const StageRow<Stages>& row : table) {
      if (row.verb != verb) continue;
      if (row.stage == stage) return row;
      supported = true;
    }
    if (!supported) UnsupportedVerb(verb);
    UnknownStage(verb, stage);
  }
};

// `kDefinition` is a constexpr Definition. The settings have a static Parse(config) and are read
// once; everything else is a function of its input.
template <const auto& kDefinition, class Settings>
class TableEngine final : public slipway::Engine {
 public:
  explicit TableEngine(std::string_view config) : settings_(Settings::Parse(config)) {}

  void describe(slipway::Call& call) const override {
    call.write(
        Describe(kDefinition.description(), kDefinition.Verbs(), kDefinition.name.limit).Dump());
  }

  void validate(slipway::Call& call, std::string_view request) const override {
    StopIfCancelled(call);
    const Json input = Json::Parse(request);
    kDefinition.CheckPlanned(input["verb"].AsString());
    Validate(call, input, kDefinition.name, kDefinition.normalise);
  }

  void plan(slipway::Call& call, std::string_view input) const override {
    StopIfCancelled(call);
    call.write(kDefinition.Plan(Json::Parse(input)).Dump());
  }

  void step(slipway::Call& call, std::string_view input) const override {
    StopIfCancelled(call);
    call.write(kDefinition.Step(settings_, Json::Parse(input), call.now_ms()).Dump());
  }

 private:
  const Settings settings_;
};

}  // namespace slipway::kit
