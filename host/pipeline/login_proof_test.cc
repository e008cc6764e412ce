#include "pipeline/login_proof.h"

#include <gtest/gtest.h>

namespace slipway::pipeline {
namespace {

Json Parsed(const char* text) {
  return *Json::Parse(text);
}

const Json kEndpoint = Parsed(R"({"name":"primary","host":"a-svc.ns.svc.example","port":27017})");
const Json kProof = Parsed(R"({"protocol":"p","endpoint":"primary","statement":"ping"})");

TEST(LoginProof, LogsInWhereTheCredentialsOrElseTheProofSay) {
  CredentialValues values;
  values.list = {{"username", "app"}, {"password", "pw"}};
  EXPECT_EQ(LoginAt(kEndpoint, kProof, values, 100).database, "");
  Json proof = kProof;
  proof.Set("database", "app");
  const connect::LoginTarget target = LoginAt(kEndpoint, proof, values, 100);
  EXPECT_EQ(target.protocol, "p");
  EXPECT_EQ(target.host, "a-svc.ns.svc.example");
  EXPECT_EQ(target.port, 27017);
  EXPECT_EQ(target.user, "app");
  EXPECT_EQ(target.password, "pw");
  EXPECT_EQ(target.database, "app");
  EXPECT_EQ(target.statement, "ping");
  EXPECT_FALSE(target.tls);
  values.list.emplace_back("database", "orders");
  EXPECT_EQ(LoginAt(kEndpoint, proof, values, 100).database, "orders");
}

TEST(LoginProof, LogsInFromOutsideWhereThatIsPossible) {
  Json endpoint = kEndpoint;
  endpoint.Set("external", Json::Obj({{"host", "192.0.2.7"}, {"port", 41000}})).Set("tls", true);
  const connect::LoginTarget target = LoginAt(endpoint, kProof, CredentialValues(), 100);
  EXPECT_EQ(target.host, "192.0.2.7");
  EXPECT_EQ(target.port, 41000);
  EXPECT_EQ(target.user, "");
  EXPECT_TRUE(target.tls);
}

}  // namespace
}  // namespace slipway::pipeline
