#include "api/routes.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace slipway::api {
namespace {

constexpr int64_t kNoBound = std::numeric_limits<int64_t>::max();

// The refusals that every route may give.
std::vector<Refusal> CommonRefusals(const Route& route) {
  // The HTTP layer's refusals, an internal error, and a full queue.
  std::vector<Refusal> out = {{400, {"BadRequest", "UnknownParameter"}},
                              {408, {"RequestTimeout"}},
                              {413, {"BodyTooLarge"}},
                              {414, {"TargetTooLong"}},
                              {417, {"ExpectationFailed"}},
                              {431, {"HeadersTooLarge"}},
                              {500, {"Internal"}},
                              {501, {"NotImplemented"}},
                              {503, {"Unavailable"}},
                              {505, {"HttpVersionNotSupported"}}};
  if (route.lane != Lane::kMemory) out.push_back({503, {"Overloaded"}});
  if (route.lane == Lane::kWorker) out.push_back({503, {"StoreBusy", "StoreWriteFailed"}});
  if (route.method != "GET") out.push_back({503, {"Draining"}});
  if (route.access != Access::kPublic) {
    out.push_back({401, {"Unauthenticated"}});
    out.push_back({403, {"Forbidden"}});
  }
  if (route.body) {
    out.push_back({400, {"BadJson"}});
    out.push_back({415, {"UnsupportedMediaType"}});
    out.push_back({422, {"ValidationFailed"}});
  }
  for (const Parameter& parameter : route.parameters) {
    if (parameter.in == In::kPath) {
      std::string reason = parameter.names + "NotFound";
      reason[0] = static_cast<char>(reason[0] - 'a' + 'A');
      out.push_back({404, {reason}});
    } else {
      out.push_back({400, {parameter.reason}});
    }
  }
  if (route.asks_engine) {
    out.push_back({409, {}});
    out.push_back({429, {}});
    out.push_back({502, {"EngineMisbehaved"}});
    out.push_back({503, {"EngineQuarantined", "EngineUnavailable", "EngineBusy", "EngineCrashed"}});
  }
  return out;
}

}  // namespace

std::vector<Route> AllRoutes() {
  std::vector<Route> out;
  for (auto part : {InstanceRoutes(), BackupRoutes(), DayTwoRoutes(), DrillRoutes(),
                    OperationRoutes(), EngineRoutes(), AuditRoutes(), HealthRoutes()})
    std::move(part.begin(), part.end(), std::back_inserter(out));
  return out;
}

std::vector<Parameter> ParametersOf(const Route& route) {
  std::vector<Parameter> out = route.parameters;
  out.push_back(
      {.name = "X-Request-Id",
       .in = In::kHeader,
       .description =
           "1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'. The host returns it, logs it and "
           "stores it with the operation. It replaces a missing or invalid id"});
  return out;
}

std::vector<Refusal> RefusalsOf(const Route& route) {
  std::map<int, std::vector<std::string>> all;
  for (const auto& part : {CommonRefusals(route), route.refusals}) {
    for (const Refusal& refusal : part) {
      auto& reasons = all[refusal.status];
      reasons.insert(reasons.end(), refusal.reasons.begin(), refusal.reasons.end());
    }
  }
  std::vector<Refusal> out;
  for (auto& [status, reasons] : all) {
    std::sort(reasons.begin(), reasons.end());
    reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
    out.push_back({status, std::move(reasons)});
  }
  return out;
}

std::string PatternOf(const Parameter& parameter) {
  if (parameter.type != Parameter::Type::kText || parameter.characters.empty()) return "";
  std::string out = "^[" + parameter.characters + "]{" + std::to_string(parameter.min) + ",";
  if (parameter.max != kNoBound) out += std::to_string(parameter.max);
  return out + "}$";
}

Parameter IdOf(const std::string& what) {
  return {.name = "id",
          .in = In::kPath,
          .description = "id of the " + what,
          .characters = "0-9a-z_",
          .min = 1,
          .max = 64,
          .names = what};
}

Parameter IdempotencyKeyHeader() {
  return {.name = "Idempotency-Key",
          .in = In::kHeader,
          .description = "makes a repeated request harmless",
          .characters = " -~",
          .min = 1,
          .max = 255,
          .reason = "IdempotencyKeyInvalid"};
}

Parameter IfMatchHeader() {
  return {.name = "If-Match",
          .in = In::kHeader,
          .description = "entity tags; the instance must still have one of them"};
}

Parameter IfNoneMatchHeader() {
  return {.name = "If-None-Match",
          .in = In::kHeader,
          .description = "entity tags that the caller already has"};
}

std::vector<Parameter> Paged(std::vector<Parameter> filters) {
  filters.push_back({.name = "pageSize",
                     .description = "items per page; 50 when absent",
                     .type = Parameter::Type::kInteger,
                     .min = 1,
                     .max = 500});
  filters.push_back({.name = "pageToken",
                     .description = "nextPageToken of the previous page",
                     .characters = "A-Za-z0-9_-",
                     .min = 1,
                     .max = 512,
                     .reason = "PageTokenInvalid"});
  return filters;
}

Answer Ok(const std::string& schema, std::vector<std::string> headers) {
  return {.status = 200,
          .description = "OK",
          .content = {{"application/json", schema}},
          .headers = std::move(headers)};
}

Body NoFields() {
  return {.type = "application/json", .schema = "Empty", .required = false, .has_fields = false};
}

Answer AcceptedOperation() {
  return {.status = 202,
          .description = "accepted; follow the operation",
          .content = {{"application/json", "Operation"}},
          .headers = {"Location", "Operation-Location", "Content-Location", "Retry-After",
                      "Idempotency-Replayed"}};
}

}  // namespace slipway::api
