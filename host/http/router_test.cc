#include "http/router.h"

#include <gtest/gtest.h>

namespace slipway::http {
namespace {

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> out;
  path.remove_prefix(1);
  for (size_t slash; (slash = path.find('/')) != path.npos; path.remove_prefix(slash + 1)) {
    out.emplace_back(path.substr(0, slash));
  }
  out.emplace_back(path);
  return out;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    EXPECT_TRUE(router_.Add("GET", "/livez", 1));
    EXPECT_TRUE(router_.Add("GET", "/v1/instances", 2));
    EXPECT_TRUE(router_.Add("POST", "/v1/instances", 3));
    EXPECT_TRUE(router_.Add("GET", "/v1/instances/{id}", 4));
    EXPECT_TRUE(router_.Add("DELETE", "/v1/instances/{id}", 5));
    EXPECT_TRUE(router_.Add("GET", "/v1/instances/stats", 6));
    EXPECT_TRUE(router_.Add("POST", "/v1/instances/{id}/backups/{backup}", 7));
    EXPECT_TRUE(router_.Add("GET", "/v1/{kind}/all", 8));
    EXPECT_TRUE(router_.Add("OPTIONS", "/v1/options", 9));
    EXPECT_TRUE(router_.Add("GET", "/", 10));
  }

  Router router_;
};

TEST_F(RouterTest, FindsTheRouteOfAPath) {
  const struct {
    const char* method;
    const char* path;
    size_t route;
    Pairs params;
  } kCases[] = {
      {"GET", "/livez", 1, {}},
      {"HEAD", "/livez", 1, {}},
      {"GET", "/", 10, {}},
      {"GET", "/v1/instances", 2, {}},
      {"POST", "/v1/instances", 3, {}},
      {"GET", "/v1/instances/x", 4, {{"id", "x"}}},
      {"DELETE", "/v1/instances/x", 5, {{"id", "x"}}},
      {"GET", "/v1/instances/stats", 6, {}},
      {"POST", "/v1/instances/stats/backups/b", 7, {{"id", "stats"}, {"backup", "b"}}},
      {"POST", "/v1/instances/i/backups/b", 7, {{"id", "i"}, {"backup", "b"}}},
      {"GET", "/v1/other/all", 8, {{"kind", "other"}}},
      {"OPTIONS", "/v1/options", 9, {}},
  };

  for (const auto& test : kCases) {
    const Router::Found found = router_.Match(test.method, Split(test.path));
    EXPECT_EQ(found.outcome, Router::Outcome::kFound) << test.path;
    EXPECT_EQ(found.route, test.route) << test.method << " " << test.path;
    EXPECT_EQ(found.params, test.params) << test.path;
  }
}

TEST_F(RouterTest, KnowsNothingElse) {
  for (const char* path :
       {"/livez/", "/v1", "/v1/instances/", "/v1/instances/x/", "/V1/instances", "/v1//all",
        "//v1/instances", "/v1/instances/x/backups", "/livez/x", "/v1/instances/x/backups/b/c"}) {
    EXPECT_EQ(router_.Match("GET", Split(path)).outcome, Router::Outcome::kNotFound) << path;
  }
}

TEST_F(RouterTest, ListsWhatAPathAllows) {
  const struct {
    const char* method;
    const char* path;
    const char* allow;
  } kCases[] = {
      {"PUT", "/livez", "GET, HEAD, OPTIONS"},
      {"OPTIONS", "/livez", "GET, HEAD, OPTIONS"},
      {"PATCH", "/v1/instances", "GET, HEAD, OPTIONS, POST"},
      {"POST", "/v1/instances/x", "DELETE, GET, HEAD, OPTIONS"},
      {"GET", "/v1/instances/i/backups/b", "OPTIONS, POST"},
      {"HEAD", "/v1/instances/i/backups/b", "OPTIONS, POST"},
      {"get", "/livez", "GET, HEAD, OPTIONS"},
  };

  for (const auto& test : kCases) {
    const Router::Found found = router_.Match(test.method, Split(test.path));
    EXPECT_EQ(found.outcome, Router::Outcome::kMethodNotAllowed) << test.path;
    EXPECT_EQ(found.allow, test.allow) << test.path;
  }
}

TEST_F(RouterTest, TriesTheParameterWhenTheLiteralLeadsNowhere) {
  // "/v1/instances/all" matches {id} = "all" below the literal; "/v1/options/all" has no literal
  // "all".
  EXPECT_EQ(router_.Match("GET", Split("/v1/instances/all")).route, 4u);
  const Router::Found found = router_.Match("GET", Split("/v1/options/all"));
  EXPECT_EQ(found.route, 8u);
  EXPECT_EQ(found.params, (Pairs{{"kind", "options"}}));
}

TEST_F(RouterTest, TakesADecodedSlashAsData) {
  const Router::Found found = router_.Match("GET", {"v1", "instances", "a/b"});
  EXPECT_EQ(found.params, (Pairs{{"id", "a/b"}}));
}

TEST(Router, RefusesABrokenTable) {
  Router router;
  EXPECT_TRUE(router.Add("GET", "/a/{x}", 1));
  EXPECT_FALSE(router.Add("GET", "/a/{y}", 2)) << "the same place twice";
  EXPECT_TRUE(router.Add("POST", "/a/{y}", 2));
  for (const char* path :
       {"", "a", "/a{x}", "/{x", "/x}", "/{}", "/{a}{b}", "/{x}/{x}", "/{{x}}"}) {
    EXPECT_FALSE(router.Add("PUT", path, 3)) << path;
  }
  EXPECT_FALSE(router.Add("", "/b", 3));
}

TEST(Router, StaysFastOnManySegments) {
  Router router;
  ASSERT_TRUE(router.Add("GET", "/a/{x}/{y}/{z}", 1));
  const std::vector<std::string> many(30'000, "a");
  EXPECT_EQ(router.Match("GET", many).outcome, Router::Outcome::kNotFound);
}

}  // namespace
}  // namespace slipway::http
