#include "pipeline/credentials.h"

#include <gtest/gtest.h>

namespace slipway::pipeline {
namespace {

Json Parsed(const char* text) {
  return *Json::Parse(text);
}

const Json kEndpoint = Parsed(R"({"name":"primary","host":"a-svc.ns.svc.example","port":27017})");
const Json kProof = Parsed(R"({"protocol":"p","endpoint":"primary","statement":"ping"})");

TEST(Credentials, LogsInWhereTheCredentialsOrElseTheProofSay) {
  secrets::Fields values;
  values.emplace_back("username", secrets::SecretText("app"));
  values.emplace_back("password", secrets::SecretText("pw"));
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
  values.emplace_back("database", secrets::SecretText("orders"));
  EXPECT_EQ(LoginAt(kEndpoint, proof, values, 100).database, "orders");
}

TEST(Credentials, LogsInFromOutsideWhereThatIsPossible) {
  Json endpoint = kEndpoint;
  endpoint.Set("external", Json::Obj({{"host", "192.0.2.7"}, {"port", 41000}})).Set("tls", true);
  const connect::LoginTarget target = LoginAt(endpoint, kProof, secrets::Fields(), 100);
  EXPECT_EQ(target.host, "192.0.2.7");
  EXPECT_EQ(target.port, 41000);
  EXPECT_EQ(target.user, "");
  EXPECT_TRUE(target.tls);
}

TEST(Credentials, ASecretOfAnotherInstanceIsNotThisOnes) {
  store::InstanceRecord instance;
  instance.id = "ins_1";
  const std::vector<store::ObjectRecord> inventory{
      {"db.example/v1", "Cluster", "ns", "orders", "uid-cluster", "", 1},
      {"v1", "Secret", "ns", "made-by-us", "uid-secret", "", 2}};
  const Json observed = Json::Arr({Parsed(
      R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"namespace":"ns","name":"s","uid":"uid-set"}})")});
  const auto belongs = [&](const std::string& metadata) {
    return BelongsTo(
        Parsed((R"({"apiVersion":"v1","kind":"Secret","metadata":)" + metadata + "}").c_str()),
        instance, inventory, observed);
  };
  EXPECT_TRUE(
      belongs(R"({"namespace":"ns","name":"x","labels":{"slipway.dev/instance":"ins_1"}})"));
  EXPECT_FALSE(
      belongs(R"({"namespace":"ns","name":"x","labels":{"slipway.dev/instance":"ins_2"}})"));
  EXPECT_TRUE(belongs(R"({"namespace":"ns","name":"made-by-us"})"));
  EXPECT_TRUE(
      belongs(R"({"namespace":"ns","name":"x","ownerReferences":[{"uid":"uid-cluster"}]})"));
  EXPECT_TRUE(belongs(R"({"namespace":"ns","name":"x","ownerReferences":[{"uid":"uid-set"}]})"));
  EXPECT_FALSE(belongs(R"({"namespace":"ns","name":"x","ownerReferences":[{"uid":"uid-other"}]})"));
  EXPECT_FALSE(belongs(R"({"namespace":"ns","name":"x"})"));
}

}  // namespace
}  // namespace slipway::pipeline
