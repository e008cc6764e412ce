// The documents around the steps: settings, describe, validate and plan, as every engine writes
// them.
#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <slipway/engine.hpp>
#include <slipway/kit/json.h>
#include <slipway/kit/request.h>

namespace slipway::kit {

// Reads the settings of the engine's file in engines.d, all of them strings, into their places.
// Throws slipway::Error INVALID with the setting at fault.
void ParseSettings(std::string_view config,
                   std::initializer_list<std::pair<const char*, std::string*>> known);

// An entry of describe's `watches`.
Json Watch(const char* api, const char* kind, std::initializer_list<Json> keep);
// Entries of plan's `stages`.
Json Stage(const char* name, const char* title);
Json Skipped(const char* name, const char* title, const char* reason, const std::string& message);
// The entries of what a request may leave out.
Json BackupStage(const Instance& instance, const char* title);
Json MetricsStage(const Instance& instance, const char* title);

Json CreatePlan(Json stages, Json quota);
Json DeletePlan(const char* title);

[[noreturn]] void UnsupportedVerb(const std::string& verb);
[[noreturn]] void UnknownStage(const std::string& verb, const std::string& stage);
// To be asked before work: throws CANCELLED.
void StopIfCancelled(const slipway::Call& call);

// All of validate for an engine that can create and delete and names Services after its instances:
// checks the verb and the name (`because`: what the limit comes from), writes what `normalised`
// makes of the spec.
void Validate(
    slipway::Call& call, std::string_view request, int name_limit, const char* because,
    const std::function<Json(const Json& spec, const Complain&, const Warn&)>& normalised);

}  // namespace slipway::kit
