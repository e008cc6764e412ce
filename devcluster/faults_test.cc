#include "devcluster/faults.h"

#include <gtest/gtest.h>

namespace slipway::sim {
namespace {

int64_t Add(Faults& faults, const char* rule) {
  auto added = faults.Add(*Json::Parse(rule));
  EXPECT_TRUE(added) << rule;
  return added ? (*added)["id"].AsInt() : 0;
}

bool Hit(Faults& faults, const char* method, const char* path, const char* verb,
         const char* user_agent = "") {
  return !faults.Hit(method, path, verb, user_agent).empty();
}

TEST(FaultRules, MatchByMethodPathAndVerb) {
  Faults faults;
  Add(faults,
      R"({"match":{"method":"PATCH","path":"/clusters/","verb":"apply"},"action":"status","status":409})");
  EXPECT_TRUE(Hit(faults, "PATCH", "/apis/g/v1/namespaces/a/clusters/x", "apply"));
  EXPECT_FALSE(Hit(faults, "PATCH", "/apis/g/v1/namespaces/a/clusters/x", "patch"));
  EXPECT_FALSE(Hit(faults, "GET", "/apis/g/v1/namespaces/a/clusters/x", "apply"));
  EXPECT_FALSE(Hit(faults, "PATCH", "/apis/g/v1/namespaces/a/pods/x", "apply"));
}

TEST(FaultRules, PatternsMatchTheWholePath) {
  Faults faults;
  Add(faults, R"({"match":{"path":"/api/*/pods"},"action":"drop"})");
  EXPECT_TRUE(Hit(faults, "GET", "/api/v1/namespaces/a/pods", "list"));
  EXPECT_FALSE(Hit(faults, "GET", "/api/v1/namespaces/a/pods/x", "get"));
}

TEST(FaultRules, MatchOneClient) {
  Faults faults;
  Add(faults, R"({"match":{"userAgent":"slipwayd/"},"action":"drop"})");
  EXPECT_TRUE(Hit(faults, "GET", "/", "get", "slipwayd/0.1.0"));
  EXPECT_FALSE(Hit(faults, "GET", "/", "get", "operator"));
  EXPECT_FALSE(Hit(faults, "GET", "/", "get"));
}

TEST(FaultRules, HitEachNthUntilTheirCountIsUsedUp) {
  Faults faults;
  Add(faults, R"({"action":"status","status":429,"retryAfter":2,"every":3,"count":2})");
  std::string hits;
  for (int i = 0; i < 10; ++i) hits += Hit(faults, "GET", "/", "get") ? 'x' : '.';
  EXPECT_EQ(hits, "..x..x....");
  EXPECT_EQ(faults.List().At("/0/hits").AsInt(), 2);
}

TEST(FaultRules, LatencyComesFirst) {
  Faults faults;
  Add(faults, R"({"action":"status","status":503})");
  Add(faults, R"({"action":"latency","ms":5})");
  const auto both = faults.Hit("GET", "/", "get", "");
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].action, Fault::Action::kLatency);
}

TEST(FaultRules, OneThatAnotherKeepsFromHappeningMeetsALaterRequest) {
  Faults faults;
  Add(faults, R"({"match":{"path":"/pods"},"action":"status","status":503})");
  Add(faults, R"({"action":"refuse-all","ms":5,"count":1})");
  const auto first = faults.Hit("GET", "/pods", "get", "");
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].action, Fault::Action::kStatus);
  const auto second = faults.Hit("GET", "/version", "get", "");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].action, Fault::Action::kRefuseAll);
}

TEST(FaultRules, AreRemovedOneOrAll) {
  Faults faults;
  const int64_t first = Add(faults, R"({"action":"drop"})");
  Add(faults, R"({"action":"gone"})");
  faults.Remove(first);
  EXPECT_EQ(faults.List().size(), 1u);
  faults.Remove(0);
  EXPECT_TRUE(faults.List().empty());
}

TEST(FaultRules, BadOnesAreRefused) {
  Faults faults;
  EXPECT_FALSE(faults.Add(*Json::Parse(R"({"action":"explode"})")));
  EXPECT_FALSE(faults.Add(*Json::Parse(R"({"action":"status","status":200})")));
}

}  // namespace
}  // namespace slipway::sim
