#include "api/request.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "api/auth.h"
#include "api/page_token.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

const std::vector<pipeline::Tier> kTiers = {{"FREE", 1, "5Gi", "512Mi", "0.5", false}};

Json Body(const std::string& text) {
  auto parsed = Json::Parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

std::map<std::string, std::string> Problems(const std::string& text) {
  pipeline::CreateRequest request;
  std::map<std::string, std::string> out;
  for (const auto& error : ParseCreate(Body(text), kTiers, request))
    out[error.field] = error.reason;
  return out;
}

using Map = std::map<std::string, std::string>;

TEST(CreateBody, AGoodOneIsTakenWhole) {
  pipeline::CreateRequest out;
  const auto wrong = ParseCreate(
      Body(
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
    const auto wrong = ParsePatch(Body(text), patch);
    return wrong.empty() ? "" : wrong.front().reason;
  };
  EXPECT_EQ(reason(R"({"deletionProtection":true,"labels":{"a":null}})"), "");
  EXPECT_EQ(reason(R"({"labels":null})"), "");
  EXPECT_EQ(reason(R"({"deletionProtection":null})"), "InvalidType");
  EXPECT_EQ(reason(R"({"orgId":"x"})"), "Immutable");
  EXPECT_EQ(reason(R"({"status":{}})"), "OutputOnly");
  EXPECT_EQ(reason(R"({"colour":1})"), "UnknownField");
  EXPECT_EQ(reason(R"({"tier":"FREE"})"), "NotImplemented");
  EXPECT_EQ(reason("[]"), "InvalidType");
}

TEST(PatchBody, LabelsAreMergedAndChecked) {
  const auto merged = PatchLabels(Body(R"({"a":"1","b":"2"})"), Body(R"({"a":null,"c":"3"})"));
  ASSERT_TRUE(merged);
  EXPECT_EQ(*merged, Body(R"({"b":"2","c":"3"})"));
  EXPECT_TRUE(PatchLabels(Body("{}"), nullptr)->empty());
  EXPECT_FALSE(PatchLabels(Body("{}"), Body(R"({"slipway.dev/x":"1"})")));
}

TEST(Query, UnknownRepeatedAndIllTypedParametersAreRefused) {
  Route route{};
  route.query = {{"pageSize", "integer", ""}, {"state", "string", "", {"A", "B"}}};
  const auto check = [&](http::Pairs query) {
    http::Request request;
    request.query = std::move(query);
    return static_cast<bool>(CheckQuery(route, request));
  };
  EXPECT_TRUE(check({{"pageSize", "10"}, {"state", "A"}}));
  EXPECT_FALSE(check({{"pagesize", "10"}}));
  EXPECT_FALSE(check({{"state", "A"}, {"state", "B"}}));
  EXPECT_FALSE(check({{"state", "C"}}));
  for (const char* bad : {"", "-1", "1x", "1e3", "99999999999999999999"})
    EXPECT_FALSE(check({{"pageSize", bad}})) << bad;
}

TEST(Headers, ContentTypeAndKeysAreStrict) {
  const auto is_json = [](const char* value) {
    http::Request request;
    request.headers = {{"content-type", value}};
    return HasContentType(request, "application/json");
  };
  EXPECT_TRUE(is_json("application/json"));
  EXPECT_TRUE(is_json("Application/JSON; charset=UTF-8"));
  EXPECT_FALSE(is_json("application/json; charset=latin1"));
  EXPECT_FALSE(is_json("text/json"));
  EXPECT_FALSE(HasContentType(http::Request{}, "application/json"));
  EXPECT_TRUE(IsRequestId("a-B_9."));
  EXPECT_FALSE(IsRequestId("a b"));
  EXPECT_FALSE(IsRequestId(std::string(129, 'a')));
  EXPECT_TRUE(IsIdempotencyKey(std::string(255, '~')));
  EXPECT_FALSE(IsIdempotencyKey(std::string(256, '~')));
  EXPECT_FALSE(IsIdempotencyKey("caf\xc3\xa9"));
  EXPECT_FALSE(IsIdempotencyKey(""));
}

TEST(Body, BadJsonIsRefused) {
  for (const char* text : {"", "{", "{\"a\":1,\"a\":2}", "{} x", "\"\xff\"", "{\"a\":NaN}"}) {
    http::Request request;
    request.body = text;
    const auto parsed = ParseBody(request);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().reason, "BadJson");
  }
  http::Request deep;
  deep.body = std::string(40, '[') + std::string(40, ']');
  EXPECT_FALSE(ParseBody(deep));
}

TEST(Body, CanonicalFormIgnoresTheOrderOfMembers) {
  EXPECT_EQ(Canonical(Body(R"({"b":[{"y":1,"x":2}],"a":"z"})")),
            R"({"a":"z","b":[{"x":2,"y":1}]})");
  EXPECT_NE(Canonical(Body("[1,2]")), Canonical(Body("[2,1]")));
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
