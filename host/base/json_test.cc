#include "base/json.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Json, RoundTripsEveryType) {
  const std::string text =
      R"({"a":null,"b":true,"c":-7,"d":1.5,"e":"x\u0000y","f":[1,[2]],"g":{"h":{}}})";
  const auto parsed = Json::Parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->Dump(), text);
  EXPECT_EQ((*parsed)["e"].AsString().size(), 3u);
}

TEST(Json, RefusesHostileText) {
  for (const std::string& text :
       {std::string("{\"a\":1,\"a\":2}"), std::string("[1,]"), std::string("{} x"),
        std::string("\"\xff\""), std::string("NaN"), std::string("1e999"),
        std::string(100'000, '['), std::string("\"\\ud800\"")}) {
    const auto parsed = Json::Parse(text);
    ASSERT_FALSE(parsed) << text.substr(0, 20);
    EXPECT_EQ(parsed.error().code, Code::kInvalid);
  }
  EXPECT_TRUE(Json::Parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(Json::Parse(std::string(65, '[') + std::string(65, ']')));
}

TEST(Json, ATextThatHoldsNoObjectReadsAsAnEmptyOne) {
  EXPECT_EQ(Json::ParseObject(R"({"a":1})")["a"].AsInt(), 1);
  for (const char* text : {"", "{", "null", "[1]", "7", R"({"a":1} x)"}) {
    const Json read = Json::ParseObject(text);
    EXPECT_TRUE(read.is_object() && read.empty()) << text;
  }
}

TEST(Json, PointersReadAndWrite) {
  Json v = *Json::Parse(R"({"a":[{"b/c":1,"~":2}]})");
  EXPECT_EQ(v.At("/a/0/b~1c").AsInt(), 1);
  EXPECT_EQ(v.At("/a/0/~0").AsInt(), 2);
  EXPECT_TRUE(v.At("/a/1/x").is_null());
  v.SetAt("/x/y", 3);
  EXPECT_EQ(v["x"]["y"].AsInt(), 3);
  v.EraseAt("/a/0");
  EXPECT_EQ(v["a"].size(), 0u);
}

TEST(Json, AMemberStaysWhereItIsWhileOthersComeAndGo) {
  Json v = *Json::Parse(R"({"gone":1,"metadata":{"name":"a"}})");
  const Json& metadata = v["metadata"];
  v.Erase("gone");
  for (int i = 0; i < 100; ++i) v.Set("k" + std::to_string(i), i);
  EXPECT_EQ(metadata["name"].AsString(), "a");
  EXPECT_EQ(&metadata, v.Find("metadata"));
}

// A megabyte of members used to take a look through all earlier ones for each of them.
TEST(Json, ManyMembersCostNoMoreEach) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(Json::Parse(text + "\"last\":0}"));
  const auto twice = Json::Parse(text + "\"k7\":0}");
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("duplicate key \"k7\""), std::string::npos);
}

TEST(Json, EqualityIgnoresOrderOfMembers) {
  EXPECT_EQ(*Json::Parse(R"({"a":1,"b":[1,2]})"), *Json::Parse(R"({"b":[1,2],"a":1.0})"));
  EXPECT_NE(*Json::Parse("[1,2]"), *Json::Parse("[2,1]"));
}

TEST(Json, MergePatchFollowsRfc7396) {
  Json v = *Json::Parse(R"({"a":{"b":1,"c":2},"d":[1]})");
  v.MergePatch(*Json::Parse(R"({"a":{"b":null,"e":3},"d":[2,3],"f":{"g":null}})"));
  EXPECT_EQ(v, *Json::Parse(R"({"a":{"c":2,"e":3},"d":[2,3],"f":{}})"));
}

}  // namespace
}  // namespace slipway
