#include "api/problem.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace slipway::api {
namespace {

std::string HeaderOf(const http::Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Problem, WordsBecomeUpperSnake) {
  EXPECT_EQ(UpperSnake("EtagMismatch"), "ETAG_MISMATCH");
  EXPECT_EQ(UpperSnake("CRDMissing"), "CRD_MISSING");
  EXPECT_EQ(UpperSnake("ENGINE_UNAVAILABLE"), "ENGINE_UNAVAILABLE");
  EXPECT_EQ(UpperSnake("postgresql/WalBroken"), "POSTGRESQL_WAL_BROKEN");
  EXPECT_EQ(UpperSnake("Http2Failed"), "HTTP2_FAILED");
  EXPECT_EQ(UpperSnake(""), "");
}

TEST(Problem, EveryErrorCodeHasItsStatus) {
  const std::vector<std::tuple<Code, std::string, int, std::string>> table = {
      {Code::kInvalid, "ValidationFailed", 422, "VALIDATION_FAILED"},
      {Code::kInvalid, "IdempotencyKeyReused", 422, "IDEMPOTENCY_KEY_REUSED"},
      {Code::kInvalid, "BadJson", 400, "BAD_JSON"},
      {Code::kInvalid, "UnsupportedMediaType", 415, "UNSUPPORTED_MEDIA_TYPE"},
      {Code::kInvalid, "Malformed", 400, "MALFORMED"},
      {Code::kInvalid, "PageTokenMismatch", 400, "PAGE_TOKEN_MISMATCH"},
      {Code::kInvalid, "IdempotencyKeyRequired", 400, "IDEMPOTENCY_KEY_REQUIRED"},
      {Code::kUnauthenticated, "Unauthenticated", 401, "UNAUTHENTICATED"},
      {Code::kForbidden, "Forbidden", 403, "FORBIDDEN"},
      {Code::kNotFound, "InstanceNotFound", 404, "INSTANCE_NOT_FOUND"},
      {Code::kConflict, "OperationInProgress", 409, "OPERATION_IN_PROGRESS"},
      {Code::kAlreadyExists, "NameTaken", 409, "NAME_TAKEN"},
      {Code::kGone, "PageTokenExpired", 410, "PAGE_TOKEN_EXPIRED"},
      {Code::kPrecondition, "DeletionProtected", 409, "DELETION_PROTECTED"},
      {Code::kPrecondition, "EtagMismatch", 412, "ETAG_MISMATCH"},
      {Code::kUnsupported, "EngineUnknown", 422, "ENGINE_UNKNOWN"},
      {Code::kNotImplemented, "NotImplemented", 501, "NOT_IMPLEMENTED"},
      {Code::kExhausted, "QuotaExceeded", 403, "QUOTA_EXCEEDED"},
      {Code::kExhausted, "RateLimited", 429, "RATE_LIMITED"},
      {Code::kUnavailable, "StoreBusy", 503, "STORE_BUSY"},
      {Code::kDeadline, "TooSlow", 504, "TOO_SLOW"},
      {Code::kInternal, "SealBroken", 500, "INTERNAL"},
  };
  for (const auto& [code, reason, status, word] : table) {
    const Problem problem = ToProblem({code, reason, "text"});
    EXPECT_EQ(problem.status, status) << reason;
    EXPECT_EQ(problem.code, word);
  }
}

TEST(Problem, AnInternalErrorKeepsItsTextInside) {
  const auto response =
      Render(ToProblem({Code::kInternal, "StoreCorrupt", "SELECT secret"}), "/v1/x", "r1");
  EXPECT_EQ(response.body.find("SELECT"), std::string::npos);
  EXPECT_EQ(response.body.find("STORE_CORRUPT"), std::string::npos);
}

TEST(Problem, AnEnginesFailureIsNotTheHosts) {
  Error error{Code::kInternal, "BadDocument", "validate: /spec is missing"};
  error.engine = "engine-example";
  const auto body = Json::Parse(Render(ToProblem(error), "/v1/instances", "r1").body);
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)["status"].AsInt(), 502);
  EXPECT_EQ((*body)["code"].AsString(), "BAD_DOCUMENT");
  EXPECT_EQ((*body)["title"].AsString(), "The engine engine-example failed");
  EXPECT_EQ((*body)["detail"].AsString(), "validate: /spec is missing");
  EXPECT_EQ((*body)["engine"].AsString(), "engine-example");
  error.code = Code::kPrecondition;
  EXPECT_EQ(ToProblem(error).status, 409);
}

TEST(Problem, SaysWhereAndWhenToComeBack) {
  Error busy{Code::kUnavailable, "StoreBusy", "later"};
  busy.retry_after_ms = 2500;
  const auto response = Render(ToProblem(busy), "/v1/instances", "r1");
  const auto body = Json::Parse(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "3");
  EXPECT_EQ((*body)["retryAfterSeconds"].AsInt(), 3);
  EXPECT_EQ((*body)["instance"].AsString(), "/v1/instances");
  EXPECT_EQ((*body)["requestId"].AsString(), "r1");
  EXPECT_TRUE((*body)["retryable"].AsBool());
}

TEST(Problem, EveryWrongFieldIsNamed) {
  const auto response = Render(ToProblem({Code::kInvalid, "ValidationFailed", "no"},
                                         {{Code::kInvalid, "Required", "is required", "/orgId"},
                                          {Code::kInvalid, "UnknownField", "is unknown", "/x~1y"}}),
                               "/", "r");
  const auto body = Json::Parse(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->At("/errors/0/pointer").AsString(), "/orgId");
  EXPECT_EQ(body->At("/errors/0/code").AsString(), "REQUIRED");
  EXPECT_EQ(body->At("/errors/1/pointer").AsString(), "/x~1y");
}

TEST(Problem, NamesWhatStandsInTheWay) {
  const auto problem = ToProblem({Code::kConflict, "OperationInProgress", "busy", "op_1"});
  EXPECT_EQ(problem.operation_id, "op_1");
  EXPECT_EQ(ToProblem({Code::kAlreadyExists, "NameTaken", "taken", "ins_1"}).instance_id, "ins_1");
  EXPECT_EQ(HeaderOf(Render(ToProblem({Code::kUnauthenticated, "Unauthenticated", ""}), "/", "r"),
                     "WWW-Authenticate"),
            "Bearer realm=\"slipway\"");
}

}  // namespace
}  // namespace slipway::api
