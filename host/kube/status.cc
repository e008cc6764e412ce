#include "kube/status.h"

#include <algorithm>

#include "base/json.h"

namespace slipway::kube {
namespace {

constexpr int kServerErrorRetries = 3;  // after 500; a broken webhook stays broken for a while
constexpr std::string_view kPageNotFound = "404 page not found";
constexpr std::string_view kTypedPatch = "failed to create typed patch object";

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "…; db.example.org/v1, Kind=Cluster): .spec.foo: field not declared in schema" → ".spec.foo"
std::string TypedPatchField(std::string_view message) {
  const size_t start = message.find("): ");
  if (start == std::string_view::npos) return {};
  const std::string_view rest = message.substr(start + 3);
  const size_t end = rest.find(": ");
  return end == std::string_view::npos || rest[0] != '.' ? std::string()
                                                         : std::string(rest.substr(0, end));
}

// "strict decoding error: unknown field \"spec.foo\"" → "spec.foo"
std::string StrictField(std::string_view message) {
  constexpr std::string_view kMark = "unknown field \"";
  const size_t start = message.find(kMark);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = message.substr(start + kMark.size());
  return std::string(rest.substr(0, std::min(rest.find('"'), rest.size())));
}

const Json* ManagerConflict(const Json& status) {
  for (const Json& cause : status.At("/details/causes").items()) {
    if (cause["reason"].AsString() == "FieldManagerConflict") return &cause;
  }
  return nullptr;
}

Error Later(int status, std::string reason, std::string message, int64_t retry_after_ms) {
  if (reason.empty()) reason = "Http" + std::to_string(status);
  return Error{Code::kUnavailable, std::move(reason), std::move(message)}.Retryable(retry_after_ms);
}

}  // namespace

const char* VerbName(Verb verb) {
  switch (verb) {
    case Verb::kGet:
      return "get";
    case Verb::kList:
      return "list";
    case Verb::kCreate:
      return "create";
    case Verb::kApply:
      return "apply";
    case Verb::kUpdate:
      return "update";
    case Verb::kPatch:
      return "patch";
    case Verb::kDelete:
      return "delete";
    case Verb::kRaw:
      break;
  }
  return "raw";
}

Error StatusError(Verb verb, int status, const std::string& body, const std::string& what,
                  int64_t retry_after_ms) {
  const auto parsed = Json::Parse(body);
  const bool is_status = parsed && (*parsed)["status"].is_string();
  const Json& answer = is_status ? *parsed : Json();
  std::string message = answer["message"].AsString();
  std::string reason = answer["reason"].AsString();
  if (message.empty()) {
    message = what + ": HTTP " + std::to_string(status);
    if (!is_status && !body.empty()) message += ": " + body.substr(0, 300);
  }
  std::string field = answer.At("/details/causes/0/field").AsString();
  const auto make = [&](Code code, std::string_view fallback) {
    if (reason.empty()) reason = fallback;
    return Error{code, reason, message, field};
  };
  switch (status) {
    case 400:
      if (field.empty()) field = StrictField(message);
      return make(Code::kInvalid, "BadRequest");
    case 401:
      return make(Code::kUnauthenticated, "Unauthorized");
    case 403:
      if (!Contains(message, "exceeded quota")) return make(Code::kForbidden, "Forbidden");
      reason = "QuotaExceeded";
      return make(Code::kExhausted, reason);
    case 404:
      if (verb == Verb::kRaw ||
          (is_status && !Contains(message, "the server could not find the requested resource"))) {
        return make(Code::kNotFound, "NotFound");
      }
      // The API server sends a Status or these words. A page of another server, say of a proxy that
      // has lost its way, proves nothing about our objects.
      if (!is_status && !body.starts_with(kPageNotFound))
        return Error{Code::kUnavailable, "NotAnApiServer", message}.Retryable();
      reason = "KindNotFound";
      return make(Code::kNotFound, reason);
    case 405:
      return make(Code::kUnsupported, "MethodNotAllowed");
    case 409:
      if (verb == Verb::kCreate && (reason.empty() || reason == "AlreadyExists")) {
        return make(Code::kAlreadyExists, "AlreadyExists");
      }
      if (const Json* cause = ManagerConflict(answer)) {
        reason = "FieldManagerConflict";
        field = (*cause)["field"].AsString();
        // The server's text names the manager, too, but only in some versions.
        const std::string& names = (*cause)["message"].AsString();
        if (!Contains(message, names)) message += ": " + names;
      }
      return make(Code::kConflict, "Conflict");
    case 410:
      return make(Code::kGone, "Expired");
    case 422:
      return make(Code::kInvalid, "Invalid");
    case 500:
      if (!Contains(message, kTypedPatch)) break;
      field = TypedPatchField(message);
      return make(Code::kInvalid, "TypedPatchRefused");
    default:
      if (status >= 400 && status < 500 && status != 408 && status != 429) {
        return make(Code::kInvalid, "Http" + std::to_string(status));
      }
  }
  const int64_t hint = answer.At("/details/retryAfterSeconds").AsInt() * 1000;
  return Later(status, std::move(reason), std::move(message), std::max(hint, retry_after_ms));
}

Error TransferError(const HttpAnswer& answer, const std::string& what) {
  const std::string message = what + ": " + answer.detail;
  switch (answer.outcome) {
    case HttpOutcome::kAnswered:
      break;
    case HttpOutcome::kNotSent:
      return Error{Code::kUnavailable, "ConnectFailed", message}.Retryable();
    case HttpOutcome::kLost:
      return Error{Code::kUnavailable, "ConnectionLost", message}.Retryable();
    case HttpOutcome::kTimeout:
      return Error{Code::kDeadline, "Timeout", message}.Retryable();
    case HttpOutcome::kTooLarge:
      return {Code::kExhausted, "AnswerTooLarge", what + ": the answer exceeds the size limit"};
    case HttpOutcome::kTls:
      return {Code::kUnavailable, "TlsFailed", message};
    case HttpOutcome::kCancelled:
      return {Code::kCancelled, "Cancelled", what + ": the client is closing"};
  }
  return {Code::kInternal, "NoError", what};
}

Retry ShouldRetry(const RetryQuestion& question, const HttpAnswer& answer) {
  switch (answer.outcome) {
    case HttpOutcome::kAnswered:
      break;
    case HttpOutcome::kNotSent:
      return Retry::kYes;
    case HttpOutcome::kLost:
    case HttpOutcome::kTimeout:
      return question.repeatable ? Retry::kYes : Retry::kNo;
    case HttpOutcome::kTls:  // perhaps a certificate file was read between its renewal and the
                             // key's
      return question.auth_renewed ? Retry::kNo : Retry::kAuth;
    case HttpOutcome::kTooLarge:
    case HttpOutcome::kCancelled:
      return Retry::kNo;
  }
  switch (answer.status) {
    case 401:
      return question.auth_renewed ? Retry::kNo : Retry::kAuth;
    case 429:
      return Retry::kYes;  // the server refused it before it did anything
    case 503:
      // Retry-After shows that the server itself refused the request.
      return question.repeatable || answer.retry_after_ms > 0 ? Retry::kYes : Retry::kNo;
    case 502:
    case 504:
      return question.repeatable ? Retry::kYes : Retry::kNo;
    case 500:
      return question.repeatable && question.attempt < kServerErrorRetries &&
                     !Contains(answer.body, kTypedPatch)
                 ? Retry::kYes
                 : Retry::kNo;
    default:
      return Retry::kNo;
  }
}

}  // namespace slipway::kube
