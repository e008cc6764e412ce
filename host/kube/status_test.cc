#include "kube/status.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace slipway::kube {
namespace {

std::string Body(int code, const std::string& reason, const std::string& message,
                 Json causes = Json::MakeArray()) {
  return Json::Obj({{"status", "Failure"},
                    {"code", code},
                    {"reason", reason},
                    {"message", message},
                    {"details", Json::Obj({{"causes", std::move(causes)}})}})
      .Dump();
}

struct Case {
  Verb verb;
  int status;
  std::string body;
  Code code;
  std::string reason, field;
};

TEST(StatusError, IsTypedAsTheServerMeantIt) {
  const Json cell =
      Json::Arr({Json::Obj({{"reason", "FieldValueInvalid"}, {"field", "spec.cells[0].name"}})});
  const Case cases[] = {
      {Verb::kCreate, 400,
       Body(400, "BadRequest", "strict decoding error: unknown field \"spec.foo\""), Code::kInvalid,
       "BadRequest", "spec.foo"},
      {Verb::kApply, 422, Body(422, "Invalid", "is invalid", cell), Code::kInvalid, "Invalid",
       "spec.cells[0].name"},
      {Verb::kApply, 500,
       Body(500, "",
            "failed to create typed patch object (b/c; v1, Kind=C): .spec.p.max: expected string, "
            "got &value"),
       Code::kInvalid, "TypedPatchRefused", ".spec.p.max"},
      {Verb::kGet, 401, Body(401, "Unauthorized", "Unauthorized"), Code::kUnauthenticated,
       "Unauthorized", ""},
      {Verb::kGet, 403, Body(403, "Forbidden", "clusters is forbidden: User \"x\" cannot get"),
       Code::kForbidden, "Forbidden", ""},
      {Verb::kCreate, 403, Body(403, "Forbidden", "pods \"a\" is forbidden: exceeded quota: q"),
       Code::kExhausted, "QuotaExceeded", ""},
      {Verb::kGet, 404, Body(404, "NotFound", "clusters \"a\" not found"), Code::kNotFound,
       "NotFound", ""},
      {Verb::kGet, 404, Body(404, "NotFound", "the server could not find the requested resource"),
       Code::kNotFound, "KindNotFound", ""},
      {Verb::kGet, 404, "404 page not found\n", Code::kNotFound, "KindNotFound", ""},
      {Verb::kGet, 404, "<html>no such site</html>", Code::kUnavailable, "NotAnApiServer", ""},
      {Verb::kRaw, 404, "nothing here", Code::kNotFound, "NotFound", ""},
      {Verb::kCreate, 409, Body(409, "AlreadyExists", "configmaps \"a\" already exists"),
       Code::kAlreadyExists, "AlreadyExists", ""},
      {Verb::kUpdate, 409, Body(409, "Conflict", "the object has been modified"), Code::kConflict,
       "Conflict", ""},
      {Verb::kList, 410, Body(410, "Expired", "too old resource version"), Code::kGone, "Expired",
       ""},
      {Verb::kGet, 429, Body(429, "TooManyRequests", "later"), Code::kUnavailable,
       "TooManyRequests", ""},
      {Verb::kGet, 503, "busy", Code::kUnavailable, "Http503", ""},
      {Verb::kGet, 504, Body(504, "Timeout", "request did not complete"), Code::kUnavailable,
       "Timeout", ""},
      {Verb::kApply, 500, Body(500, "InternalError", "failed calling webhook"), Code::kUnavailable,
       "InternalError", ""},
  };
  for (const Case& c : cases) {
    const Error error = StatusError(c.verb, c.status, c.body, "thing");
    EXPECT_EQ(error.code, c.code) << c.body;
    EXPECT_EQ(error.reason, c.reason) << c.body;
    EXPECT_EQ(error.field, c.field) << c.body;
    EXPECT_FALSE(error.message.empty());
    EXPECT_EQ(error.retryable, c.code == Code::kUnavailable) << c.body;
  }
}

TEST(StatusError, NamesTheOtherFieldManager) {
  const Json causes = Json::Arr({Json::Obj({{"reason", "FieldManagerConflict"},
                                            {"message", "conflict with \"kubectl\""},
                                            {"field", ".spec.instances"}})});
  const Error error = StatusError(
      Verb::kApply, 409, Body(409, "Conflict", "Apply failed with 1 conflict", causes), "thing");
  EXPECT_EQ(error.code, Code::kConflict);
  EXPECT_EQ(error.reason, "FieldManagerConflict");
  EXPECT_EQ(error.field, ".spec.instances");
  EXPECT_NE(error.message.find("kubectl"), std::string::npos);
}

TEST(ShouldRetry, DependsOnWhetherTheServerMayHaveActed) {
  const auto ask = [](HttpOutcome outcome, int status, bool repeatable,
                      int64_t retry_after_ms = 0) {
    HttpAnswer answer;
    answer.outcome = outcome;
    answer.status = status;
    answer.retry_after_ms = retry_after_ms;
    RetryQuestion question;
    question.repeatable = repeatable;
    return ShouldRetry(question, answer);
  };
  EXPECT_EQ(ask(HttpOutcome::kNotSent, 0, false), Retry::kYes);
  EXPECT_EQ(ask(HttpOutcome::kLost, 0, false), Retry::kNo);
  EXPECT_EQ(ask(HttpOutcome::kLost, 0, true), Retry::kYes);
  EXPECT_EQ(ask(HttpOutcome::kTimeout, 0, false), Retry::kNo);
  EXPECT_EQ(ask(HttpOutcome::kTls, 0, true), Retry::kAuth) << "files may be renewed just now";
  EXPECT_EQ(ask(HttpOutcome::kAnswered, 429, false), Retry::kYes);
  EXPECT_EQ(ask(HttpOutcome::kAnswered, 503, false), Retry::kNo);
  EXPECT_EQ(ask(HttpOutcome::kAnswered, 503, false, 1000), Retry::kYes);
  EXPECT_EQ(ask(HttpOutcome::kAnswered, 504, false), Retry::kNo);
  EXPECT_EQ(ask(HttpOutcome::kAnswered, 401, false), Retry::kAuth);
  EXPECT_EQ(ask(HttpOutcome::kAnswered, 409, true), Retry::kNo);
}

}  // namespace
}  // namespace slipway::kube
