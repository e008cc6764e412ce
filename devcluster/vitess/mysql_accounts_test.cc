#include "devcluster/vitess/mysql_accounts.h"

#include <gtest/gtest.h>

namespace slipway::sim::operators::vitess {
namespace {

constexpr char kHash[] = "*6D8E7CA2D13CBEBC74BE7EF3A2976000952DCE92";  // of "change-me"

TEST(MysqlAccounts, HashesAsMysqlDoes) {
  EXPECT_EQ(MysqlNativeHash("change-me"), kHash);
}

TEST(MysqlAccounts, ReadsTheFormsOfUsersJson) {
  const std::string hash = kHash;

  struct {
    std::string text;
    std::vector<MysqlAccount> want;
  } cases[] = {
      {R"({"app":[{"MysqlNativePassword":")" + hash + R"(","UserData":"app"}]})",
       {{"app", {hash}}}},
      {R"({"app":{"Password":"change-me"}})", {{"app", {hash}}}},
      {R"({"app":[{"MysqlNativePassword":"*6d8e7ca2d13cbebc74be7ef3a2976000952dce92"},
                  {"Password":"change-me","SourceHost":"","Groups":["a"]},
                  {"Password":"old"}],"b":[{"Password":"old"}]})",
       {{"app", {hash, MysqlNativeHash("old")}}, {"b", {MysqlNativeHash("old")}}}},
      {R"({"app":[{"MysqlNativePassword":")" + hash + R"(","Password":"other"}]})",
       {{"app", {hash}}}},
  };

  for (const auto& one : cases) {
    auto got = ParseMysqlUsers(one.text);
    ASSERT_TRUE(got) << one.text << ": " << got.error().message;
    EXPECT_EQ(*got, one.want) << one.text;
  }
}

TEST(MysqlAccounts, NamesWhatIsWrong) {
  const struct {
    const char *text, *reason, *field;
  } cases[] = {
      {"{", "BadJson", ""},
      {"[]", "NoUsers", ""},
      {"{}", "NoUsers", ""},
      {R"({"":[{"Password":"x"}]})", "BadUser", "/"},
      {R"({"a/b":[]})", "NoPassword", "/a~1b"},
      {R"({"app":[{"UserData":"app"}]})", "NoPassword", "/app/0"},
      {R"({"app":["x"]})", "BadEntry", "/app/0"},
      {R"({"app":"x"})", "BadEntry", "/app"},
      {R"({"app":[{"Password":7}]})", "BadEntry", "/app/0/Password"},
      {R"({"app":[{"MysqlNativePassword":"*12'"}]})", "BadHash", "/app/0/MysqlNativePassword"},
      {R"({"app":[{"Password":"x","password2":"y"}]})", "UnknownField", "/app/0/password2"},
  };

  for (const auto& one : cases) {
    auto got = ParseMysqlUsers(one.text);
    ASSERT_FALSE(got) << one.text;
    EXPECT_EQ(got.error().code, Code::kInvalid) << one.text;
    EXPECT_EQ(got.error().reason, one.reason) << one.text;
    EXPECT_EQ(got.error().field, one.field) << one.text;
  }
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
