// The engine class and the order of its stages, the same for every engine that can create, delete
// and observe.
#pragma once
#include <string>
#include <string_view>

#include <slipway/engine.hpp>
#include <slipway/kit/documents.h>
#include <slipway/kit/json.h>

namespace slipway::kit {

// The four functions of an engine whose work `Traits` has as static members:
//   Settings             a type with Parse(config); read once, all else is a function of its input
//   Description()        describe
//   Validated(call, request)   validate; mostly a call of kit::Validate
//   Plan(input)          plan of a create
//   kDeletes             the title of the stage that deletes
//   Step(settings, input, now_ms)   step
template <class Traits>
class PlainEngine final : public slipway::Engine {
 public:
  explicit PlainEngine(std::string_view config) : settings_(Traits::Settings::Parse(config)) {}

  void describe(slipway::Call& call) const override { call.write(Traits::Description().Dump()); }

  void validate(slipway::Call& call, std::string_view request) const override {
    Traits::Validated(call, request);
  }

  void plan(slipway::Call& call, std::string_view text) const override {
    StopIfCancelled(call);
    const Json input = Json::Parse(text);
    const std::string& verb = input["verb"].AsString();
    if (verb != "create" && verb != "delete") UnsupportedVerb(verb);
    call.write((verb == "create" ? Traits::Plan(input) : DeletePlan(Traits::kDeletes)).Dump());
  }

  void step(slipway::Call& call, std::string_view input) const override {
    StopIfCancelled(call);
    call.write(Traits::Step(settings_, Json::Parse(input), call.now_ms()).Dump());
  }

 private:
  const typename Traits::Settings settings_;
};

// What `stages` has for the stage of a create, or for an observe.
template <class Stages>
Json RunStage(const Stages& stages, const std::string& verb, const std::string& stage) {
  if (verb == "observe") return stages.Observe();
  if (verb == "create") {
    if (stage == "NAMESPACE_CREATION") return stages.NamespaceCreation();
    if (stage == "CRD_DEPLOYMENT") return stages.CrdDeployment();
    if (stage == "WAITING_FOR_READY") return stages.WaitingForReady();
    if (stage == "CREDENTIAL_GEN") return stages.CredentialGen();
    if (stage == "BACKUP_CONFIG") return stages.BackupConfig();
    if (stage == "METRICS_SETUP") return stages.MetricsSetup();
  }
  UnknownStage(verb, stage);
}

}  // namespace slipway::kit
