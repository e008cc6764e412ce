#include "devcluster/selectors.h"

#include <gtest/gtest.h>

namespace slipway::sim {
namespace {

bool Matches(const char* selector, const StringPairs& labels) {
  auto parsed = LabelSelector::Parse(selector);
  EXPECT_TRUE(parsed) << selector;
  return parsed && parsed->Matches(labels);
}

TEST(LabelSelectors, KnowEqualitySetsAndPresence) {
  const StringPairs labels = {{"app", "db"}, {"tier", "free"}, {"slipway.dev/instance", "i1"}};
  for (const char* yes :
       {"", "app=db", "app==db", "app = db", "app!=web", "none!=x", "tier in (free, paid)",
        "tier notin (paid)", "none notin (x)", "app", "!none", "app=db,tier=free",
        "slipway.dev/instance=i1", "app in (db),!none,tier"})
    EXPECT_TRUE(Matches(yes, labels)) << yes;
  for (const char* no : {"app=web", "app!=db", "none=x", "none=", "tier in (paid)",
                         "tier notin (free)", "none", "!app", "app=db,tier=paid"})
    EXPECT_FALSE(Matches(no, labels)) << no;
}

TEST(LabelSelectors, RefuseWhatTheyCannotRead) {
  for (const char* bad : {"a b=c", "a of (b)", "(b)", "=x", "!", "a in b)"}) {
    auto parsed = LabelSelector::Parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, 400);
  }
}

TEST(FieldSelectors, MatchAndNameUnknownFields) {
  const std::vector<std::string> known = {"metadata.name", "status.phase"};
  auto parsed = FieldSelector::Parse("metadata.name=x,status.phase!=Running", known);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->Matches({{"metadata.name", "x"}, {"status.phase", "Pending"}}));
  EXPECT_FALSE(parsed->Matches({{"metadata.name", "x"}, {"status.phase", "Running"}}));
  EXPECT_FALSE(parsed->Matches({{"metadata.name", "y"}}));
  EXPECT_EQ(parsed->Required("metadata.name"), "x");
  EXPECT_EQ(parsed->Required("status.phase"), "");
  auto unknown = FieldSelector::Parse("spec.color=red", known);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message,
            "\"spec.color\" is not a known field selector: only \"metadata.name\", "
            "\"metadata.namespace\"");
}

}  // namespace
}  // namespace slipway::sim
