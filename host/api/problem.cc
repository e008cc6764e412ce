#include "api/problem.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/json.h"

namespace slipway::api {
namespace {

constexpr size_t kMaxErrors = 100;  // most that we list; a body may hold tens of thousands

constexpr const char* kInternalDetail = "The host failed. Search its log for the request id.";

bool Upper(char c) {
  return std::isupper(static_cast<unsigned char>(c)) != 0;
}

bool Lower(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0 || (c >= '0' && c <= '9');
}

// True for invalid HTTP or JSON, false for an invalid request of this API.
bool IsMalformed(const std::string& reason) {
  for (const char* word :
       {"BadJson", "Malformed", "UnknownParameter", "PageTokenInvalid", "PageTokenMismatch",
        "IdempotencyKeyInvalid", "IdempotencyKeyRequired"}) {
    if (reason == word) return true;
  }
  return false;
}

int StatusOf(const Error& error) {
  switch (error.code) {
    case Code::kInvalid:
      if (error.reason == "UnsupportedMediaType") return 415;
      return IsMalformed(error.reason) ? 400 : 422;
    case Code::kUnauthenticated:
      return 401;
    case Code::kForbidden:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
    case Code::kAlreadyExists:
      return 409;
    case Code::kGone:
      return 410;
    case Code::kPrecondition:
      return error.reason == "EtagMismatch" ? 412 : 409;
    case Code::kUnsupported:
      return 422;
    case Code::kNotImplemented:
      return 501;
    // Waiting helps against a rate limit, but not against a quota.
    case Code::kExhausted:
      return error.reason.find("Quota") != std::string::npos ? 403 : 429;
    case Code::kUnavailable:
    case Code::kCancelled:
      return 503;
    case Code::kDeadline:
      return 504;
    case Code::kInternal:
      return error.engine.empty() ? 500 : 502;
  }
  return 500;
}

const char* DefaultCode(int status) {
  switch (status) {
    case 400:
      return "BAD_REQUEST";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "FORBIDDEN";
    case 404:
      return "NOT_FOUND";
    case 405:
      return "METHOD_NOT_ALLOWED";
    case 408:
      return "REQUEST_TIMEOUT";
    case 413:
      return "BODY_TOO_LARGE";
    case 414:
      return "TARGET_TOO_LONG";
    case 415:
      return "UNSUPPORTED_MEDIA_TYPE";
    case 417:
      return "EXPECTATION_FAILED";
    case 431:
      return "HEADERS_TOO_LARGE";
    case 501:
      return "NOT_IMPLEMENTED";
    case 502:
      return "ENGINE_FAILED";
    case 503:
      return "UNAVAILABLE";
    case 505:
      return "HTTP_VERSION_NOT_SUPPORTED";
    default:
      return "INTERNAL";
  }
}

std::string Kebab(std::string text) {
  for (char& c : text) {
    c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

std::string Title(const Problem& problem) {
  if (problem.status == 502) return "The engine " + problem.engine + " failed";
  return http::StatusText(problem.status);
}

}  // namespace

std::string UpperSnake(std::string_view reason) {
  std::string out;
  for (size_t i = 0; i < reason.size(); ++i) {
    const char c = reason[i];
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      if (!out.empty() && out.back() != '_') out += '_';
      continue;
    }
    const bool word = i > 0 && Upper(c) &&
                      (Lower(reason[i - 1]) ||
                       (Upper(reason[i - 1]) && i + 1 < reason.size() && Lower(reason[i + 1])));
    if (word && !out.empty() && out.back() != '_') out += '_';
    out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

Problem ToProblem(const Error& error, std::vector<Error> details) {
  Problem out;
  out.status = StatusOf(error);
  out.code = UpperSnake(error.reason);
  if (out.code.empty() || out.status == 500) out.code = DefaultCode(out.status);
  out.detail = out.status == 500 ? kInternalDetail : error.message;
  out.errors = std::move(details);
  out.engine = error.engine;
  out.retryable = error.retryable || out.status == 429 || out.status == 503 || out.status == 504;
  out.retry_after_seconds = (error.retry_after_ms + 999) / 1000;
  if (error.reason == "OperationInProgress") {
    out.operation_id = error.field;
    out.retryable = true;
  }
  if (error.reason == "NameTaken") out.instance_id = error.field;
  const bool pointer = !error.field.empty() && error.field[0] == '/';
  if (out.errors.empty() && out.status == 422 && pointer) out.errors.push_back(error);
  if (out.status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"slipway\"");
  return out;
}

Problem FromStatus(int status, std::string_view detail) {
  Problem out;
  out.status = status;
  out.code = DefaultCode(status);
  out.detail = status == 500 ? kInternalDetail : std::string(detail);
  out.retryable = status == 408 || status == 503;
  return out;
}

http::Response Render(const Problem& problem, std::string_view path, std::string_view request_id) {
  Json body = Json::Obj({{"type", "/errors/" + Kebab(problem.code)},
                         {"title", Title(problem)},
                         {"status", problem.status},
                         {"detail", problem.detail},
                         {"instance", path},
                         {"code", problem.code},
                         {"requestId", request_id},
                         {"retryable", problem.retryable}});
  if (!problem.errors.empty()) {
    Json errors = Json::MakeArray();
    for (const Error& error : problem.errors) {
      if (errors.size() == kMaxErrors) break;
      errors.Push(Json::Obj({{"pointer", error.field},
                             {"code", UpperSnake(error.reason)},
                             {"message", error.message}}));
    }
    if (problem.errors.size() > kMaxErrors)
      body.Set("detail", problem.detail + " (the first " + std::to_string(kMaxErrors) + " of " +
                             std::to_string(problem.errors.size()) + " errors are listed)");
    body.Set("errors", std::move(errors));
  }
  http::Response out;
  out.status = problem.status;
  out.headers = problem.headers;
  const bool later = problem.retryable && problem.status != 408;
  if (later || problem.retry_after_seconds > 0) {
    const int64_t seconds = std::max<int64_t>(problem.retry_after_seconds, 1);
    body.Set("retryAfterSeconds", seconds);
    out.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  if (!problem.engine.empty()) body.Set("engine", problem.engine);
  if (!problem.operation_id.empty()) body.Set("operationId", problem.operation_id);
  if (!problem.instance_id.empty()) body.Set("instanceId", problem.instance_id);
  out.content_type = "application/problem+json";
  out.body = body.Dump();
  return out;
}

}  // namespace slipway::api
