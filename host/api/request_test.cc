#include "api/request.h"

#include <map>
#include <random>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "api/auth.h"
#include "api/page_token.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

const std::vector<pipeline::Tier> kTiers = {{"FREE", 1, "5Gi", "512Mi", "0.5", false}};

Json Parsed(const std::string& text) {
  auto parsed = Json::Parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

std::map<std::string, std::string> Problems(const std::string& text) {
  pipeline::CreateRequest request;
  std::map<std::string, std::string> out;
  for (const auto& error : ParseCreate(Parsed(text), kTiers, request))
    out[error.field] = error.reason;
  return out;
}

using Map = std::map<std::string, std::string>;

TEST(CreateBody, AGoodOneIsTakenWhole) {
  pipeline::CreateRequest out;
  const auto wrong = ParseCreate(
      Parsed(
          R"({"orgId":"acme","projectName":"orders","name":"db","databaseType":"EXAMPLESQL","tier":"FREE",
    "parameters":{"a":1},"backup":{"schedule":"x"},"labels":{"team":"a","example.com/x":""},"deletionProtection":true,"onFailure":"RETAIN"})"),
      kTiers, out);
  EXPECT_TRUE(wrong.empty());
  EXPECT_EQ(out.organization, "acme");
  EXPECT_EQ(out.project, "orders");
  EXPECT_EQ(out.name, "db");
  EXPECT_EQ(out.on_failure, "RETAIN");
  EXPECT_TRUE(out.deletion_protection);
  EXPECT_EQ(out.backup["schedule"].AsString(), "x");
  EXPECT_EQ(out.labels["team"].AsString(), "a");
}

TEST(CreateBody, EverythingWrongIsReportedAtOnce) {
  EXPECT_EQ(
      Problems(
          R"({"orgId":"Acme","projectName":7,"tier":"HUGE","parameters":[],"backup":"daily","labels":{"a b":"x","ok":1},
    "deletionProtection":"yes","onFailure":"PANIC","a/b":1})"),
      (Map{{"/orgId", "InvalidName"},
           {"/projectName", "InvalidType"},
           {"/databaseType", "Required"},
           {"/tier", "UnknownTier"},
           {"/parameters", "InvalidType"},
           {"/backup", "InvalidType"},
           {"/labels/a b", "InvalidLabel"},
           {"/labels/ok", "InvalidType"},
           {"/deletionProtection", "InvalidType"},
           {"/onFailure", "InvalidValue"},
           {"/a~1b", "UnknownField"}}));
}

TEST(CreateBody, TheRootMustBeAnObject) {
  for (const char* text : {"[]", "null", "1", "\"x\""})
    EXPECT_EQ(Problems(text), (Map{{"", "InvalidType"}})) << text;
}

TEST(CreateBody, TheNamespaceMustFit) {
  const std::string org(31, 'a');
  const auto with = [&](size_t n) {
    return Problems(R"({"orgId":")" + org + R"(","projectName":")" + std::string(n, 'b') +
                    R"(","databaseType":"P","tier":"FREE"})");
  };
  EXPECT_TRUE(with(31).empty());
  EXPECT_EQ(with(32), (Map{{"/projectName", "NameTooLong"}}));
}

TEST(CreateBody, LabelsOfTheHostAreRefused) {
  for (const char* key : {"slipway.dev/instance", "x.slipway.dev/y"}) {
    const auto found =
        Problems(R"({"orgId":"a","projectName":"b","databaseType":"P","tier":"FREE","labels":{")" +
                 std::string(key) + R"(":"x"}})");
    ASSERT_EQ(found.size(), 1u) << key;
    EXPECT_EQ(found.begin()->second, "ReservedLabel");
  }
}

TEST(PatchBody, TellsImmutableOutputUnknownAndUnbuiltApart) {
  const auto reason = [](const char* text) {
    Patch patch;
    const auto wrong = ParsePatch(Parsed(text), patch);
    return wrong.empty() ? "" : wrong.front().reason;
  };
  EXPECT_EQ(reason(R"({"deletionProtection":true,"labels":{"a":null}})"), "");
  EXPECT_EQ(reason(R"({"labels":null})"), "");
  EXPECT_EQ(reason(R"({"deletionProtection":null})"), "InvalidType");
  EXPECT_EQ(reason(R"({"orgId":"x"})"), "Immutable");
  EXPECT_EQ(reason(R"({"status":{}})"), "OutputOnly");
  EXPECT_EQ(reason(R"({"colour":1})"), "UnknownField");
  EXPECT_EQ(reason(R"({"version":"17"})"), "NotImplemented");
  EXPECT_EQ(reason(R"({"tier":"FREE","instances":15,"cpu":"1","parameters":{"a":null}})"), "");
  EXPECT_EQ(reason(R"({"tier":null})"), "InvalidType");
  EXPECT_EQ(reason(R"({"instances":16})"), "OutOfRange");
  EXPECT_EQ(reason(R"({"memory":""})"), "InvalidValue");
  EXPECT_EQ(reason(R"({"storage":"9Gi","labels":{}})"), "CombinedChange");
  EXPECT_EQ(reason("[]"), "InvalidType");
  EXPECT_EQ(reason(R"({"labels":{"slipway.dev/x":"1"}})"), "ReservedLabel");
  EXPECT_EQ(reason(R"({"labels":{"slipway.dev/x":null}})"), "ReservedLabel");
  EXPECT_EQ(reason(R"({"labels":{"a b":null}})"), "InvalidLabel");
  EXPECT_EQ(reason(R"({"labels":{"a":1}})"), "InvalidType");
}

TEST(PatchBody, LabelsAreMergedAndChecked) {
  const auto merged = PatchLabels(Parsed(R"({"a":"1","b":"2"})"), Parsed(R"({"a":null,"c":"3"})"));
  ASSERT_TRUE(merged);
  EXPECT_EQ(*merged, Parsed(R"({"b":"2","c":"3"})"));
  EXPECT_TRUE(PatchLabels(Parsed("{}"), nullptr)->empty());
  Json many = Json::MakeObject();
  for (int i = 0; i < 65; ++i) many.Set("l" + std::to_string(i), "");
  EXPECT_EQ(PatchLabels(Parsed("{}"), many).error().reason, "TooMany");
}

TEST(CreateBody, NullForAnOptionalFieldMeansAbsent) {
  const std::string needed = R"({"orgId":"a","projectName":"b","databaseType":"P","tier":"FREE")";
  pipeline::CreateRequest absent;
  EXPECT_TRUE(ParseCreate(Parsed(needed + "}"), kTiers, absent).empty());
  for (const char* field :
       {"name", "parameters", "backup", "labels", "deletionProtection", "onFailure"}) {
    pipeline::CreateRequest null;
    const auto wrong = ParseCreate(Parsed(needed + ",\"" + field + "\":null}"), kTiers, null);
    EXPECT_TRUE(wrong.empty()) << field;
    EXPECT_EQ(null.name, absent.name);
    EXPECT_EQ(null.parameters, absent.parameters);
    EXPECT_EQ(null.labels, absent.labels);
    EXPECT_EQ(null.on_failure, absent.on_failure);
  }
  EXPECT_EQ(Problems(R"({"orgId":null,"projectName":"b","databaseType":"P","tier":"FREE"})"),
            (Map{{"/orgId", "InvalidType"}}));
}

Route Bounded() {
  return {
      .method = "GET",
      .path = "/v1/things/{id}",
      .parameters = {IdOf("instance"),
                     {.name = "pageSize", .type = Parameter::Type::kInteger, .min = 1, .max = 500},
                     {.name = "state", .values = {"A", "B"}},
                     {.name = "sure", .type = Parameter::Type::kBoolean},
                     {.name = "any"},
                     {.name = "since", .type = Parameter::Type::kTime},
                     IdempotencyKeyHeader()}};
}

// "" when the request is accepted; otherwise the reason.
std::string CodeOf(const http::Pairs& query, const http::Pairs& headers = {},
                   const std::string& id = "ins_1") {
  http::Request request;
  request.query = query;
  request.headers = headers;
  const auto checked = CheckParameters(Bounded(), {{"id", id}}, request);
  return checked ? "" : checked.error().reason;
}

TEST(Parameters, TheRowDecides) {
  EXPECT_EQ(CodeOf({{"pageSize", "10"}, {"state", "A"}, {"sure", "true"}, {"any", "\xc3\xa9"}}),
            "");
  EXPECT_EQ(CodeOf({{"pageSize", "1"}}), "");
  EXPECT_EQ(CodeOf({{"since", "2026-11-29T10:00:00+01:00"}}), "");
  EXPECT_EQ(CodeOf({{"since", "0001-01-01T00:00:00Z"}}), "");
  EXPECT_EQ(CodeOf({{"since", "2026-11-29T10:00:00"}}), "Malformed");
  EXPECT_EQ(CodeOf({{"pageSize", "500"}}), "");
  EXPECT_EQ(CodeOf({{"pagesize", "10"}}), "UnknownParameter");
  EXPECT_EQ(CodeOf({{"state", "A"}, {"state", "B"}}), "Malformed");
  EXPECT_EQ(CodeOf({{"state", "C"}}), "Malformed");
  EXPECT_EQ(CodeOf({{"sure", "yes"}}), "Malformed");
  for (const char* bad : {"", "0", "501", "-1", "+1", "1x", "1e3", "99999999999999999999"})
    EXPECT_EQ(CodeOf({{"pageSize", bad}}), "Malformed") << bad;
  EXPECT_EQ(CodeOf({}, {{"idempotency-key", std::string(255, '~')}}), "");
  for (const std::string& bad : {std::string(), std::string(256, '~'), std::string("caf\xc3\xa9")})
    EXPECT_EQ(CodeOf({}, {{"idempotency-key", bad}}), "IdempotencyKeyInvalid") << bad;
}

TEST(Parameters, AHeaderWithBoundsIsGivenOnce) {
  EXPECT_EQ(CodeOf({}, {{"idempotency-key", "a"}, {"idempotency-key", "a"}}), "Malformed");
  EXPECT_EQ(CodeOf({}, {{"accept", "a"}, {"accept", "b"}}), "");
}

TEST(Parameters, AnIdThatNobodyCanHaveIsNotFound) {
  for (const std::string& id : {std::string("INS_1"), std::string("a/b"), std::string("\n"),
                                std::string(65, 'a'), std::string("caf\xc3\xa9")})
    EXPECT_EQ(CodeOf({}, {}, id), "InstanceNotFound") << id;
  EXPECT_EQ(NotFound("operation", "x").reason, "OperationNotFound");
}

TEST(Parameters, AMessageSaysTheBounds) {
  http::Request request;
  request.query = {{"pageSize", "501"}};
  EXPECT_EQ(CheckParameters(Bounded(), {}, request).error().message,
            "query parameter pageSize must be a whole number, 1 to 500");
  request.query = {};
  request.headers = {{"idempotency-key", ""}};
  EXPECT_EQ(CheckParameters(Bounded(), {}, request).error().message,
            "header Idempotency-Key must be 1 to 255 characters of [ -~]");
}

// /openapi.json shows the pattern, and the check reads the set; both must agree.
TEST(Parameters, EveryPatternMeansWhatIsChecked) {
  std::mt19937 random(1);
  const std::string alphabet = "az09AZ_-.~ !\x7f/\n";
  size_t patterns = 0;
  for (const Route& route : AllRoutes()) {
    for (Parameter parameter : route.parameters) {
      const std::string pattern = PatternOf(parameter);
      if (pattern.empty()) continue;
      ++patterns;
      const std::regex regex(pattern);
      parameter.in = In::kQuery;
      Route one;
      one.parameters = {parameter};
      for (int i = 0; i < 300; ++i) {
        const size_t edge = static_cast<size_t>(i % 2 == 0 ? parameter.min : parameter.max);
        std::string text((edge + random() % 3 + 299) % 300, 'a');
        if (parameter.characters == "A-Z0-9_") text.assign(text.size(), 'A');
        if (i % 3 == 0 && !text.empty())
          text[random() % text.size()] = alphabet[random() % alphabet.size()];
        http::Request request;
        request.query = {{parameter.name, text}};
        EXPECT_EQ(static_cast<bool>(CheckParameters(one, {}, request)),
                  std::regex_match(text, regex))
            << route.path << " " << parameter.name << " " << text;
      }
    }
  }
  EXPECT_GT(patterns, 15u);
}

TEST(Headers, RequestIdsAreStrict) {
  EXPECT_TRUE(IsRequestId("a-B_9."));
  EXPECT_FALSE(IsRequestId("a b"));
  EXPECT_FALSE(IsRequestId(""));
  EXPECT_TRUE(IsRequestId(std::string(128, 'a')));
  EXPECT_FALSE(IsRequestId(std::string(129, 'a')));
}

const Body kAnything = {.type = "application/json", .schema = "X"};
const Body kNothing = {
    .type = "application/json", .schema = "Empty", .required = false, .has_fields = false};

// "" when the body is accepted; otherwise the reason.
std::string BodyRefusal(const Body& body, const std::string& text, http::Pairs headers = {}) {
  http::Request request;
  request.body = text;
  request.headers = std::move(headers);
  if (request.headers.empty()) request.headers = {{"content-type", "application/json"}};
  std::vector<Error> problems;
  const auto read = ReadBody(body, request, problems);
  return read ? "" : read.error().reason;
}

TEST(Body, TheRowSaysWhatItMayBe) {
  EXPECT_EQ(BodyRefusal(kAnything, "{}"), "");
  EXPECT_EQ(BodyRefusal(kAnything, ""), "BadJson");
  EXPECT_EQ(BodyRefusal(kAnything, "{}", {{"content-type", "text/plain"}}), "UnsupportedMediaType");
  EXPECT_EQ(BodyRefusal(kAnything, "{}", {{"x", "y"}}), "UnsupportedMediaType");
  EXPECT_EQ(BodyRefusal(kAnything, "{}",
                        {{"content-type", "application/json"}, {"content-encoding", "gzip"}}),
            "UnsupportedMediaType");
  EXPECT_EQ(BodyRefusal(kAnything, "{}",
                        {{"content-type", "application/json"}, {"content-encoding", "Identity"}}),
            "");
  EXPECT_EQ(BodyRefusal(kNothing, ""), "");
  EXPECT_EQ(BodyRefusal(kNothing, "", {{"content-type", "text/plain"}}), "");
  EXPECT_EQ(BodyRefusal(kNothing, "{}"), "");
  EXPECT_EQ(BodyRefusal(kNothing, "{}", {{"content-type", "text/plain"}}), "UnsupportedMediaType");
  for (const char* text : {"{\"a\":1}", "[]", "null", "1"})
    EXPECT_EQ(BodyRefusal(kNothing, text), "ValidationFailed") << text;
}

TEST(Body, BadJsonIsRefused) {
  for (const char* text : {"", "{", "{\"a\":1,\"a\":2}", "{} x", "\"\xff\"", "{\"a\":NaN}"}) {
    EXPECT_EQ(BodyRefusal(kAnything, text), "BadJson") << text;
  }
  EXPECT_EQ(BodyRefusal(kAnything, std::string(40, '[') + std::string(40, ']')), "BadJson");
}

TEST(Body, CanonicalFormIgnoresTheOrderOfMembers) {
  EXPECT_EQ(Canonical(Parsed(R"({"b":[{"y":1,"x":2}],"a":"z"})")),
            R"({"a":"z","b":[{"x":2,"y":1}]})");
  EXPECT_NE(Canonical(Parsed("[1,2]")), Canonical(Parsed("[2,1]")));
}

TEST(Etag, IfMatchAsksForTheGenerationIfNoneMatchForAll) {
  const std::string etag = MakeEtag(7, "one"), other = MakeEtag(7, "two");
  EXPECT_NE(etag, other);
  EXPECT_TRUE(IfMatchHolds(etag, 7));
  EXPECT_TRUE(IfMatchHolds(other, 7));
  EXPECT_TRUE(IfMatchHolds("\"x\", " + etag, 7));
  EXPECT_TRUE(IfMatchHolds("*", 7));
  EXPECT_FALSE(IfMatchHolds(etag, 8));
  EXPECT_FALSE(IfMatchHolds(etag, 70));
  EXPECT_FALSE(IfMatchHolds("W/" + etag, 7));
  EXPECT_FALSE(IfMatchHolds("", 7));
  EXPECT_TRUE(IfNoneMatchHits("W/" + etag, etag));
  EXPECT_FALSE(IfNoneMatchHits(other, etag));
}

TEST(PageToken, ComesBackForTheSameFilterOnly) {
  const PageTokens tokens(std::string(32, 'k'));
  const std::string token = tokens.Make({123, "ins_1"}, "filter", 1000);
  const auto read = tokens.Read(token, "filter", 2000);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->created_ms, 123);
  EXPECT_EQ(read->id, "ins_1");
  EXPECT_EQ(tokens.Read(token, "another", 2000).error().reason, "PageTokenMismatch");
  EXPECT_EQ(tokens.Read(token, "filter", 1000 + 25 * 3600 * 1000LL).error().code, Code::kGone);
  EXPECT_FALSE(PageTokens(std::string(32, 'l')).Read(token, "filter", 2000));
  for (const std::string& forged :
       {std::string(), std::string("x"), token + "A", token.substr(1), std::string(200, 'A')}) {
    EXPECT_FALSE(tokens.Read(forged, "filter", 2000)) << forged;
  }
}

TEST(Auth, RolesAndOrganizationsDecide) {
  const TokenTable table({{"a", Sha256Hex("one"), "admin", {"*"}},
                          {"e", Sha256Hex("two"), "editor", {"acme"}},
                          {"v", Sha256Hex("three"), "viewer", {}},
                          {"odd", Sha256Hex("four"), "owner", {"*"}}});
  const auto admin = table.Authenticate("Bearer one");
  ASSERT_TRUE(admin);
  EXPECT_TRUE(admin->Sees("anything"));
  EXPECT_TRUE(admin->May(Access::kSecrets));
  const auto editor = table.Authenticate("bearer  two ");
  ASSERT_TRUE(editor);
  EXPECT_TRUE(editor->Sees("acme"));
  EXPECT_FALSE(editor->Sees("acm"));
  EXPECT_FALSE(editor->all_organizations);
  EXPECT_TRUE(editor->May(Access::kWrite));
  EXPECT_FALSE(editor->May(Access::kAdmin));
  EXPECT_TRUE(admin->May(Access::kAdmin));
  const auto viewer = table.Authenticate("Bearer three");
  ASSERT_TRUE(viewer);
  EXPECT_FALSE(viewer->Sees("acme"));
  EXPECT_TRUE(viewer->May(Access::kRead));
  EXPECT_FALSE(viewer->May(Access::kWrite));
  EXPECT_FALSE(viewer->May(Access::kSecrets));
  EXPECT_FALSE(table.Authenticate("Bearer four")->May(Access::kRead));
  for (const char* bad : {"", "Bearer", "Bearer ", "Bearer five", "Basic one", "one", "Bearer on"})
    EXPECT_FALSE(table.Authenticate(bad)) << bad;
}

}  // namespace
}  // namespace slipway::api
