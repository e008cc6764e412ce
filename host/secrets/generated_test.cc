#include "secrets/generated.h"

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace slipway::secrets {
namespace {

Json Parsed(const std::string& text) {
  return *Json::Parse(text);
}

Json SecretWith(const std::string& string_data) {
  return Parsed(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":)" +
                string_data + "}");
}

std::string Refusal(const Json& object) {
  std::map<std::string, size_t> lengths;
  const auto collected = CollectGenerated(object, lengths);
  if (collected) return "";
  EXPECT_EQ(collected.error().reason, "ForbiddenEffect");
  return collected.error().message;
}

TEST(Generated, OnePasswordGoesWhereverItsNameStands) {
  const Json secret = SecretWith(R"({
    "password": {"$generate": {"kind": "password", "name": "app", "length": 20}},
    "users.json": {"$generate": {"kind": "text", "text":
      "{\"app\":[{\"Password\":\"${app}\",\"Hash\":\"${app|mysql_native_password}\"}]} $${x} ${other}$"}},
    "plain": "as it is ${app}"})");
  std::map<std::string, size_t> lengths;
  ASSERT_TRUE(CollectGenerated(secret, lengths));
  EXPECT_EQ(lengths, (std::map<std::string, size_t>{{"app", 20}, {"other", 32}}));

  std::map<std::string, SecretText> values;
  values.emplace("app", SecretText("change-me"));
  values.emplace("other", SecretText("o"));
  const Json out = WithGenerated(secret, values);
  EXPECT_FALSE(out.Has("stringData"));
  const auto value = [&](const char* key) { return *Base64Decode(out["data"][key].AsString()); };
  EXPECT_EQ(value("password"), "change-me");
  EXPECT_EQ(value("users.json"),
            R"({"app":[{"Password":"change-me",)"
            R"("Hash":"*6D8E7CA2D13CBEBC74BE7EF3A2976000952DCE92"}]} ${x} o$)");
  EXPECT_EQ(value("plain"), "as it is ${app}");
}

TEST(Generated, AnythingButASecretsStringDataIsRefused) {
  const char* const password = R"({"$generate":{"kind":"password","name":"app"}})";
  EXPECT_NE(Refusal(Parsed(std::string(R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":)") +
                           password + "}}")),
            "");
  EXPECT_NE(Refusal(Parsed(std::string(R"({"apiVersion":"v1","kind":"Secret","data":{"a":)") +
                           password + "}}")),
            "");
  EXPECT_NE(Refusal(Parsed(std::string(R"({"apiVersion":"v1","kind":"Secret","metadata":)"
                                       R"({"annotations":{"a":)") +
                           password + "}}}")),
            "");
  EXPECT_EQ(Refusal(SecretWith(std::string(R"({"a":)") + password + "}")), "");
}

TEST(Generated, AMalformedDirectiveNamesItsField) {
  for (const char* directive :
       {R"({"kind":"password"})", R"({"kind":"password","name":"App"})",
        R"({"kind":"password","name":"a","length":7})",
        R"({"kind":"password","name":"a","length":129})", R"({"kind":"uuid","name":"a"})",
        R"({"kind":"text"})", R"({"kind":"text","text":"${a"})", R"({"kind":"text","text":"${}"})",
        R"({"kind":"text","text":"${a|md5}"})", R"({"kind":"text","text":"${a|}"})"}) {
    const std::string refusal =
        Refusal(SecretWith(std::string(R"({"field":{"$generate":)") + directive + "}}"));
    EXPECT_NE(refusal.find("field"), std::string::npos) << directive << ": " << refusal;
  }
  EXPECT_NE(Refusal(SecretWith(R"({"field":7})")), "");
}

}  // namespace
}  // namespace slipway::secrets
