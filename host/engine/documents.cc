#include "engine/documents.h"

#include <algorithm>
#include <string>

#include "engine/schema.h"
#include "engine/schema_texts.h"

namespace slipway::engine {
namespace {

constexpr size_t kMaxCarryBytes = 64u << 10;

Error Bad(const std::string& pointer, const std::string& what) {
  return {Code::kInternal, "BadDocument", (pointer.empty() ? "the document" : pointer) + " " + what,
          pointer};
}

Schema Compiled(std::string_view text) {
  return *Schema::Compile(*Json::Parse(text), Schema::Patterns::kMatched);  // our own, tested
}

Result<void> Check(const Schema& schema, const Json& document) {
  if (auto wrong = schema.Check(document)) return Bad(wrong->pointer, wrong->what);
  return {};
}

Result<Json> Parse(std::string_view text, Result<void> (*check)(const Json&)) {
  if (text.empty()) return Bad("", "is empty: the engine succeeded without writing anything");
  Json::Limits limits;
  limits.bytes = 64u << 20;  // CallState has checked the size
  auto parsed = Json::Parse(text, limits);
  if (!parsed) return Bad("", "is not JSON: " + parsed.error().message);
  TRY_VOID(check(*parsed));
  return parsed;
}

Result<void> CheckDescribe(const Json& document) {
  static const Schema kSchema = Compiled(kDescribeSchemaText);
  TRY_VOID(Check(kSchema, document));
  constexpr char kParameters[] = "parameters_schema";
  const auto parameters = Schema::Compile(document[kParameters], Schema::Patterns::kIgnored);
  if (parameters) return {};
  return Bad("/" + (kParameters + parameters.error().field),
             "is not a JSON Schema: " + parameters.error().message);
}

}  // namespace

Result<void> CheckValidate(const Json& document) {
  static const Schema kSchema = Compiled(kValidateSchemaText);
  return Check(kSchema, document);
}

Result<void> CheckPlan(const Json& document) {
  static const Schema kSchema = Compiled(kPlanSchemaText);
  TRY_VOID(Check(kSchema, document));
  if (document["carry"].Dump().size() > kMaxCarryBytes) return Bad("/carry", "is over 64 KiB");
  return {};
}

Result<void> CheckStep(const Json& document) {
  static const Schema kSchema = Compiled(kStepSchemaText);
  return Check(kSchema, document);
}

Result<Json> ParseValidate(std::string_view text) {
  return Parse(text, CheckValidate);
}

Result<Json> ParsePlan(std::string_view text) {
  return Parse(text, CheckPlan);
}

Result<Json> ParseStep(std::string_view text) {
  return Parse(text, CheckStep);
}

const std::vector<std::string_view>& HostFeatures() {
  static const std::vector<std::string_view> kFeatures = {"arguments", "generate", "lists",
                                                          "operation", "patches",  "previous"};
  return kFeatures;
}

Result<Json> ParseDescribe(std::string_view text, std::string_view name, std::string_view version) {
  auto described = Parse(text, CheckDescribe);
  if (described) {
    if ((*described)["engine"].AsString() != name)
      described = Bad("/engine", "differs from the file's note");
    else if ((*described)["version"].AsString() != version)
      described = Bad("/version", "differs from the file's note");
  }
  if (!described) {
    Error error = std::move(described).error();
    error.reason = "BadDescribe";
    return error;
  }
  const auto& has = HostFeatures();
  for (const Json& feature : (*described)["requires"].items()) {
    if (std::find(has.begin(), has.end(), feature.AsString()) != has.end()) continue;
    std::string all;
    for (const std::string_view one : has) all += (all.empty() ? "" : ", ") + std::string(one);
    return Error{Code::kInternal, "MissingFeature",
                 "the engine requires " + Json::Quote(feature.AsString()) +
                     " of its host; this host has " + all,
                 "/requires"};
  }
  return described;
}

}  // namespace slipway::engine
