#include "engine/documents.h"

#include <algorithm>
#include <string>

namespace slipway::engine {
namespace {

constexpr size_t kMaxCarryBytes = 64u << 10;

Error Bad(const std::string& pointer, const std::string& what) {
  return {Code::kInternal, "BadDocument", (pointer.empty() ? "the document" : pointer) + " " + what,
          pointer};
}

enum class Need { kRequired, kOptional };

// A cursor into the document that remembers where it is. The first wrong thing wins.
class Reader {
 public:
  Reader(const Json& value, std::string pointer, Result<void>& outcome)
      : value_(value), pointer_(std::move(pointer)), outcome_(outcome) {}

  const Json& value() const { return value_; }

  void Complain(const std::string& what) const {
    if (outcome_) outcome_ = Bad(pointer_, what);
  }

  Reader Object(std::string_view key, Need need) const {
    return Member(key, need, &Json::is_object, "an object");
  }

  Reader Array(std::string_view key, Need need) const {
    return Member(key, need, &Json::is_array, "an array");
  }

  Reader Int(std::string_view key, Need need) const {
    return Member(key, need, &Json::is_int, "an integer");
  }

  Reader Bool(std::string_view key, Need need) const {
    return Member(key, need, &Json::is_bool, "true or false");
  }

  Reader String(std::string_view key, Need need) const {
    Reader out = Member(key, need, &Json::is_string, "a string");
    if (need == Need::kRequired && out.value().is_string() && out.value().AsString().empty()) {
      out.Complain("is empty");
    }
    return out;
  }

  template <class F>
  void EachItem(F&& f) const {
    for (size_t i = 0; i < value_.items().size(); ++i) {
      f(Reader(value_.items()[i], pointer_ + "/" + std::to_string(i), outcome_));
    }
  }

  template <class F>
  void EachMember(F&& f) const {
    for (const auto& [key, value] : value_.members()) {
      f(Reader(value, pointer_ + "/" + Json::EscapePointer(key), outcome_));
    }
  }

  void Strings() const {
    const auto check = [](const Reader& r) {
      if (!r.value().is_string()) r.Complain("is not a string");
    };
    EachItem(check);
    EachMember(check);
  }

  bool IsObject() const {
    if (!value_.is_object()) Complain("is not an object");
    return value_.is_object();
  }

 private:
  Reader Member(std::string_view key, Need need, bool (Json::*is)() const, const char* type) const {
    const Json& member = value_.is_object() ? value_[key] : Null();
    Reader out(member, pointer_ + "/" + Json::EscapePointer(key), outcome_);
    if (!value_.Has(key)) {
      if (need == Need::kRequired) out.Complain("is missing");
    } else if (!(member.*is)()) {
      out.Complain(std::string("is not ") + type);
    }
    return out;
  }

  static const Json& Null() {
    static const Json kNull;
    return kNull;
  }

  const Json& value_;
  std::string pointer_;
  Result<void>& outcome_;
};

Result<Json> Parse(std::string_view text) {
  if (text.empty()) return Bad("", "is empty: the engine succeeded without writing anything");
  Json::Limits limits;
  limits.bytes = 64u << 20;  // the sink has counted already
  auto parsed = Json::Parse(text, limits);
  if (!parsed) return Bad("", "is not JSON: " + parsed.error().message);
  if (!parsed->is_object())
    return Bad("", std::string("is not an object but ") + parsed->type_name());
  if (!(*parsed)["schema"].is_int() || (*parsed)["schema"].AsInt() != 1) {
    return Bad("/schema", "is not 1, the only schema this host knows");
  }
  return parsed;
}

template <class F>
Result<Json> Check(std::string_view text, F&& rules) {
  TRY(Json document, Parse(text));
  Result<void> outcome;
  rules(Reader(document, "", outcome));
  if (!outcome) return outcome.error();
  return document;
}

bool IsDatabaseType(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= 64 && text[0] >= 'A' && text[0] <= 'Z' &&
         std::all_of(text.begin(), text.end(), allowed);
}

void CheckObject(const Reader& object) {
  if (!object.IsObject()) return;
  object.String("apiVersion", Need::kRequired);
  object.String("kind", Need::kRequired);
  object.Object("metadata", Need::kRequired).String("name", Need::kRequired);
}

void CheckReference(const Reader& reference) {
  if (!reference.IsObject()) return;
  reference.String("apiVersion", Need::kRequired);
  reference.String("kind", Need::kRequired);
  reference.String("name", Need::kRequired);
  reference.String("namespace", Need::kOptional);
}

void CheckVerdict(const Reader& verdict) {
  const std::string& state = verdict.String("state", Need::kRequired).value().AsString();
  static constexpr std::string_view kStates[] = {"progressing", "ready", "skipped", "failed",
                                                 "blocked"};
  if (std::find(std::begin(kStates), std::end(kStates), state) == std::end(kStates)) {
    verdict.Complain("has no known state: " + Json::Quote(state.substr(0, 64)));
  }
  const bool must_explain = state == "skipped" || state == "failed" || state == "blocked";
  verdict.String("reason", must_explain ? Need::kRequired : Need::kOptional);
  verdict.String("message", Need::kOptional);
  const Reader waiting = verdict.Object("waitingFor", Need::kOptional);
  if (waiting.value().is_object()) {
    for (const char* key : {"kind", "namespace", "name", "reason"})
      waiting.String(key, Need::kOptional);
  }
}

void CheckOutputs(const Reader& outputs) {
  if (!outputs.value().is_object()) return;
  outputs.Array("endpoints", Need::kOptional).EachItem([](const Reader& endpoint) {
    if (!endpoint.IsObject()) return;
    endpoint.String("name", Need::kRequired);
    endpoint.String("service", Need::kRequired);
    const Reader port = endpoint.Int("port", Need::kRequired);
    if (port.value().AsInt() < 1 || port.value().AsInt() > 65535) port.Complain("is not a port");
    endpoint.Bool("tls", Need::kOptional);
  });
  const Reader credentials = outputs.Object("credentials", Need::kOptional);
  if (!credentials.value().is_object()) return;
  credentials.String("secret", Need::kRequired);
  credentials.Object("fields", Need::kRequired).Strings();
}

}  // namespace

Result<Json> ParseDescribe(std::string_view text, std::string_view name, std::string_view version) {
  auto checked = Check(text, [&](const Reader& document) {
    const Reader engine = document.String("engine", Need::kRequired);
    if (engine.value().AsString() != name) engine.Complain("differs from the file's note");
    const Reader told = document.String("version", Need::kRequired);
    if (told.value().AsString() != version) told.Complain("differs from the file's note");
    document.String("title", Need::kRequired);
    const Reader type = document.String("database_type", Need::kRequired);
    if (!IsDatabaseType(type.value().AsString())) type.Complain("does not match [A-Z][A-Z0-9_]*");
    const Reader verbs = document.Array("verbs", Need::kRequired);
    verbs.Strings();
    if (verbs.value().empty()) verbs.Complain("is empty");
    document.Object("capabilities", Need::kRequired);
    const Reader limit = document.Int("name_limit", Need::kRequired);
    if (limit.value().AsInt() < 1 || limit.value().AsInt() > 63)
      limit.Complain("is not within 1 and 63");
    document.Object("parameters_schema", Need::kRequired);
    document.Array("watches", Need::kRequired).EachItem([](const Reader& watch) {
      if (!watch.IsObject()) return;
      watch.String("apiVersion", Need::kRequired);
      watch.String("kind", Need::kRequired);
      watch.Array("keep", Need::kOptional).Strings();
    });
    document.String("claims_selector", Need::kOptional);
    document.Array("crds_required", Need::kOptional).Strings();
    document.Array("crds_optional", Need::kOptional).Strings();
    document.Array("applies", Need::kRequired).Strings();
    const Reader proof = document.Object("login_proof", Need::kOptional);
    if (proof.value().is_object()) {
      for (const char* key : {"protocol", "endpoint", "statement"})
        proof.String(key, Need::kRequired);
      proof.String("database", Need::kOptional);
    }
    document.Array("insight_queries", Need::kOptional);
    document.Array("plan_compat", Need::kOptional).Strings();
  });
  if (checked) return checked;
  Error error = checked.error();
  error.reason = "BadDescribe";
  return error;
}

Result<Json> ParseValidate(std::string_view text) {
  return Check(text, [](const Reader& document) {
    document.Object("spec", Need::kRequired);
    document.Array("warnings", Need::kOptional).EachItem([](const Reader& warning) {
      if (!warning.IsObject()) return;
      warning.String("field", Need::kOptional);
      warning.String("message", Need::kRequired);
    });
  });
}

Result<Json> ParsePlan(std::string_view text) {
  return Check(text, [](const Reader& document) {
    document.Array("stages", Need::kRequired).EachItem([](const Reader& stage) {
      if (!stage.IsObject()) return;
      stage.String("name", Need::kRequired);
      stage.String("title", Need::kOptional);
      const Reader skip = stage.Object("skip", Need::kOptional);
      if (skip.value().is_object()) skip.String("reason", Need::kRequired);
    });
    document.Object("quota", Need::kOptional).Strings();
    const Reader carry = document.Object("carry", Need::kOptional);
    if (carry.value().Dump().size() > kMaxCarryBytes) carry.Complain("is over 64 KiB");
  });
}

Result<Json> ParseStep(std::string_view text) {
  return Check(text, [](const Reader& document) {
    CheckVerdict(document.Object("verdict", Need::kRequired));
    document.Array("apply", Need::kOptional).EachItem(CheckObject);
    document.Array("delete", Need::kOptional).EachItem(CheckReference);
    document.Object("need", Need::kOptional).EachMember(CheckReference);
    document.Int("retry_after_ms", Need::kOptional);
    CheckOutputs(document.Object("outputs", Need::kOptional));
  });
}

}  // namespace slipway::engine
