#include "api/render.h"

#include <set>

#include <gtest/gtest.h>

#include "api/openapi.h"
#include "api/request.h"

namespace slipway::api {
namespace {

using store::OperationState;
using store::StageState;

// The schema declares every shown member, and every required member is shown.
void ExpectDeclared(const Json& shown, const std::string& schema_name) {
  const Json schemas = MakeSchemas();
  const Json& schema = schemas[schema_name];
  for (const auto& [name, value] : shown.members())
    EXPECT_TRUE(schema["properties"].Has(name)) << schema_name << " " << name;
  for (const Json& name : schema["required"].items())
    EXPECT_TRUE(shown.Has(name.AsString())) << schema_name << " " << name.AsString();
}

store::InstanceRecord Instance() {
  store::InstanceRecord out;
  out.id = "ins_1";
  out.organization = "acme";
  out.project = out.name = "orders";
  out.ns = "acme-orders";
  out.database_type = "EXAMPLESQL";
  out.tier = "FREE";
  out.spec = R"({"tier":"FREE","instances":1,"parameters":{"a":1},"backup":null})";
  out.engine = "engine-example";
  out.state = "ACTIVE";
  out.seed = "5eed5eed";
  out.created_ms = out.updated_ms = out.observed_ms = 1'790'000'000'123;
  out.outputs =
      R"({"endpoints":[{"name":"primary","role":"READ_WRITE","host":"orders-rw.acme-orders.svc","port":5432,
    "external":{"host":"127.0.0.1","port":41000},"tls":true,"password":"x"},{"name":"ro","role":"READ_ONLY","host":"::1","port":5433}],
    "login_proof":{"state":"PROVED","at":"2026-01-01T00:00:00Z","endpoint":"primary"},"secret":"x"})";
  return out;
}

store::StageRecord Stage(const char* name) {
  store::StageRecord out;
  out.name = name;
  return out;
}

store::OperationRecord Operation() {
  store::OperationRecord out;
  out.id = "op_1";
  out.instance_id = "ins_1";
  out.verb = "create";
  out.state = OperationState::kRunning;
  out.requested_by = "test";
  out.created_ms = 1'790'000'000'000;
  out.stages = {Stage("VALIDATING"), Stage("CRD_DEPLOYMENT"), Stage("COMPLETED")};
  return out;
}

TEST(Render, ADrillShowsWhatItCameTo) {
  store::OperationRecord drill = Operation();
  drill.source = "ins_source";
  drill.arguments =
      R"({"source":{"target":{"type":"LATEST","exclusive":false}},"drill":{"backup":"bkp_1","checks":[]}})";
  drill.started_ms = 1'790'000'000'000;
  Json shown = RenderDrill(drill, Instance());
  ExpectDeclared(shown, "RestoreDrill");
  EXPECT_EQ(shown["state"].AsString(), "RUNNING");
  EXPECT_EQ(shown["backupId"].AsString(), "bkp_1");
  EXPECT_EQ(shown["instanceId"].AsString(), "ins_source");
  EXPECT_TRUE(shown["recoverySeconds"].is_null() && shown["error"].is_null());
  EXPECT_EQ(shown["login"]["state"].AsString(), "PROVED");
  store::StageRecord ready = Stage("CREDENTIAL_GEN");
  ready.state = StageState::kCompensated;
  ready.finished_ms = drill.started_ms + 1500;
  drill.stages.push_back(ready);
  drill.state = OperationState::kFailed;
  drill.error = *Json::Parse(R"({"code":"PRECONDITION","reason":"CheckFailed","message":"m"})");
  shown = RenderDrill(drill, Instance());
  EXPECT_EQ(shown["state"].AsString(), "FAILED");
  EXPECT_EQ(shown["recoverySeconds"].AsDouble(), 1.5);
  EXPECT_EQ(shown["error"]["code"].AsString(), "CHECK_FAILED");
}

TEST(RenderInstance, ShowsTheEnvelopeAndNothingOfTheHostsOwn) {
  const Json shown = RenderInstance(Instance(), {true, "op_9"});
  ExpectDeclared(shown, "Instance");
  ExpectDeclared(shown["spec"], "InstanceSpec");
  ExpectDeclared(shown["status"], "InstanceStatus");
  ExpectDeclared(shown.At("/status/endpoints/0"), "Endpoint");
  EXPECT_EQ(shown.At("/status/endpoints/0/external/port").AsInt(), 41000);
  EXPECT_TRUE(shown.At("/status/endpoints/0/tls").AsBool());
  EXPECT_FALSE(shown.At("/status/endpoints/1/tls").AsBool(true));
  EXPECT_EQ(shown.At("/status/loginProof/state").AsString(), "PROVED");
  EXPECT_EQ(shown.At("/status/operationId").AsString(), "op_9");
  EXPECT_EQ(shown.At("/status/conditions/0/status").AsString(), "TRUE");
  EXPECT_EQ(shown.At("/spec/parameters/a").AsInt(), 1);
  const std::string text = shown.Dump();
  EXPECT_EQ(text.find("5eed"), std::string::npos);
  EXPECT_EQ(text.find("password"), std::string::npos);
}

TEST(RenderInstance, WithoutItsEngineTheStateIsUnknown) {
  const Json shown = RenderInstance(Instance(), {false, ""});
  EXPECT_EQ(shown.At("/status/state").AsString(), "UNKNOWN");
  EXPECT_EQ(shown.At("/status/reason").AsString(), "ENGINE_UNAVAILABLE");
  auto deleted = Instance();
  deleted.state = "DELETED";
  deleted.deleted_ms = 1'790'000'000'000;
  EXPECT_EQ(RenderInstance(deleted, {false, ""}).At("/status/state").AsString(), "DELETED");
}

TEST(RenderInstance, TheEtagFollowsStatusButNotTheTimeOfTheLastLook) {
  auto instance = Instance();
  const std::string before = RenderInstance(instance, {})["etag"].AsString();
  instance.observed_ms += 1000;
  EXPECT_EQ(RenderInstance(instance, {})["etag"].AsString(), before);
  instance.state = "DEGRADED";
  const std::string after = RenderInstance(instance, {})["etag"].AsString();
  EXPECT_NE(after, before);
  EXPECT_TRUE(IfMatchHolds(before, instance.generation));
}

TEST(RenderOperation, ARunningOneShowsWhatItWaitsFor) {
  auto operation = Operation();
  operation.stage = 1;
  operation.stages[0].state = StageState::kSucceeded;
  operation.stages[1].state = StageState::kRunning;
  operation.stages[1].attempts = 2;
  operation.stages[1].waiting_for =
      store::WaitingFor{"Pod", "acme-orders", "orders-1", "ImagePullBackOff", 1'790'000'000'000};
  operation.stages[1].error =
      Json::Obj({{"code", "UNAVAILABLE"}, {"reason", "ApiServerDown"}, {"message", "m"}});
  const Json shown = RenderOperation(operation);
  ExpectDeclared(shown, "Operation");
  ExpectDeclared(shown.At("/stages/1"), "Stage");
  EXPECT_EQ(shown.At("/progress/stage").AsString(), "CRD_DEPLOYMENT");
  EXPECT_EQ(shown.At("/progress/stageIndex").AsInt(), 1);
  EXPECT_EQ(shown.At("/progress/stageCount").AsInt(), 3);
  EXPECT_EQ(shown.At("/progress/message").AsString(), "waiting for Pod orders-1: ImagePullBackOff");
  EXPECT_EQ(shown.At("/stages/1/waitingFor/reason").AsString(), "ImagePullBackOff");
  EXPECT_EQ(shown.At("/stages/1/lastError/code").AsString(), "API_SERVER_DOWN");
  EXPECT_TRUE(shown["cancellable"].AsBool());
  EXPECT_FALSE(shown["done"].AsBool());
  EXPECT_FALSE(shown.Has("error"));
}

TEST(RenderOperation, AFailedOneTellsErrorRollbackAndRemnants) {
  auto operation = Operation();
  operation.state = OperationState::kFailed;
  operation.finished_ms = 1'790'000'005'000;
  operation.rollback_reason = "Failed";
  operation.rollback_outcome = "PARTIAL";
  operation.error =
      Json::Obj({{"code", "PRECONDITION"},
                 {"reason", "StageTimeout"},
                 {"message", "m"},
                 {"stage", "CRD_DEPLOYMENT"},
                 {"waitingFor", Json::Obj({{"kind", "Pod"}, {"since", "t"}, {"extra", 1}})}});
  operation.remnants = Json::Arr({Json::Obj({{"apiVersion", "v1"},
                                             {"kind", "Secret"},
                                             {"namespace", "n"},
                                             {"name", "s"},
                                             {"uid", "u"}})});
  operation.stages.push_back(Stage("RESOURCE_DELETION"));
  operation.stages.back().rollback = true;
  operation.stage = 3;
  const Json shown = RenderOperation(operation);
  ExpectDeclared(shown, "Operation");
  ExpectDeclared(shown["error"], "OperationError");
  ExpectDeclared(shown.At("/rollback/remnants/0"), "Remnant");
  ExpectDeclared(shown.At("/error/waitingFor"), "WaitingFor");
  EXPECT_EQ(shown.At("/error/code").AsString(), "STAGE_TIMEOUT");
  EXPECT_EQ(shown.At("/error/rollback").AsString(), "PARTIAL");
  EXPECT_EQ(shown.At("/rollback/state").AsString(), "PARTIAL");
  EXPECT_EQ(shown.At("/rollback/steps/0/name").AsString(), "RESOURCE_DELETION");
  EXPECT_EQ(shown["stages"].size(), 3u);
  EXPECT_EQ(shown.At("/progress/stageIndex").AsInt(), 2);
  EXPECT_FALSE(shown.Has("result"));
}

TEST(RenderOperation, OnceDoneThereIsExactlyOneOfResultAndError) {
  for (const auto state :
       {OperationState::kSucceeded, OperationState::kFailed, OperationState::kCancelled}) {
    auto operation = Operation();
    operation.state = state;
    const Json shown = RenderOperation(operation);
    EXPECT_TRUE(shown["done"].AsBool());
    EXPECT_NE(shown.Has("result"), shown.Has("error")) << store::Name(state);
    EXPECT_FALSE(shown["cancellable"].AsBool());
  }
}

TEST(RenderOperation, WithoutStagesNothingBreaks) {
  auto operation = Operation();
  operation.stages.clear();
  operation.stage = 5;
  EXPECT_EQ(RenderOperation(operation).At("/progress/stageCount").AsInt(), 0);
}

TEST(RenderCredentials, PrefersTheExternalAddressAndEscapesTheUri) {
  const Json fields = Json::Obj(
      {{"username", "app"}, {"password", "p@ss/w:rd %"}, {"database", "my db"}, {"ca", "pem"}});
  const Json shown = RenderCredentials(Instance(), fields);
  ExpectDeclared(shown, "Credentials");
  ExpectDeclared(shown.At("/endpoints/0"), "EndpointCredentials");
  EXPECT_EQ(shown.At("/endpoints/0/uri").AsString(),
            "examplesql://app:p%40ss%2Fw%3Ard%20%25@127.0.0.1:41000/my%20db");
  EXPECT_EQ(shown.At("/endpoints/1/uri").AsString(),
            "examplesql://app:p%40ss%2Fw%3Ard%20%25@[::1]:5433/my%20db");
  EXPECT_TRUE(shown.At("/endpoints/0/external").AsBool());
  EXPECT_FALSE(shown.At("/endpoints/1/external").AsBool());
  EXPECT_TRUE(shown.At("/endpoints/0/tls").AsBool());
  EXPECT_FALSE(shown.At("/endpoints/1/tls").AsBool(true));
  EXPECT_EQ(shown["host"].AsString(), "127.0.0.1");
  EXPECT_EQ(shown.At("/fields/ca").AsString(), "pem");
}

TEST(RenderCredentials, TheOperatorsOwnStringIsForThoseInTheCluster) {
  auto instance = Instance();
  instance.outputs = R"({"endpoints":[
    {"name":"primary","role":"READ_WRITE","host":"orders-svc.acme-orders.svc","port":27017}]})";
  const std::string own = "scheme://app:pw@one:1,two:1/app?set=orders";
  const Json fields = Json::Obj({{"username", "app"}, {"password", "pw"}, {"uri", own}});
  Json shown = RenderCredentials(instance, fields);
  EXPECT_EQ(shown["uri"].AsString(), own);
  EXPECT_EQ(shown["connectionString"].AsString(), own);
  EXPECT_EQ(shown.At("/endpoints/0/uri").AsString(), own);
  EXPECT_FALSE(shown.Has("fields"));
  instance.outputs = R"({"endpoints":[
    {"name":"primary","role":"READ_WRITE","host":"orders-svc.acme-orders.svc","port":27017,
     "external":{"host":"192.0.2.1","port":9}}]})";
  shown = RenderCredentials(instance, fields);
  EXPECT_EQ(shown["uri"].AsString(), "scheme://app:pw@192.0.2.1:9/app");
  EXPECT_EQ(shown["database"].AsString(), "app");
}

TEST(RenderCredentials, AllStringsOfAnInstanceHaveOneScheme) {
  auto instance = Instance();
  instance.outputs = R"({"endpoints":[
    {"name":"rw","role":"READ_WRITE","host":"rw.acme-orders.svc","port":5432},
    {"name":"ro","role":"READ_ONLY","host":"ro.acme-orders.svc","port":5432},
    {"name":"out","role":"ANY","host":"a.svc","port":1,"external":{"host":"192.0.2.1","port":9}}]})";
  const std::pair<const char*, const char*> kCases[] = {{"example://u:p@h:1/d", "example://"},
                                                        {"example+srv://u:p@h/d", "example://"},
                                                        {"", "examplesql://"},
                                                        {"no uri", "examplesql://"}};
  for (const auto& [own, scheme] : kCases) {
    Json fields = Json::Obj({{"username", "u"}, {"password", "p"}});
    if (*own != '\0') fields.Set("uri", own);
    const Json shown = RenderCredentials(instance, fields);
    for (const int i : {1, 2}) {
      const std::string uri = shown["endpoints"][i]["uri"].AsString();
      EXPECT_EQ(uri.substr(0, uri.find("://") + 3), scheme) << own;
    }
  }
}

TEST(RenderEngine, SaysToWhichTargetsARestoreCanGo) {
  engine::EngineStatus status;
  status.name = "good";
  status.state = engine::EngineState::kLoaded;
  EXPECT_FALSE(RenderEngine(status, *Json::Parse("{}")).Has("backup"));
  const Json shown = RenderEngine(
      status,
      *Json::Parse(
          R"({"backup":{"types":["FULL"],"continuous":true,"targets":["LATEST"],"in_place":false}})"));
  ExpectDeclared(shown, "Engine");
  EXPECT_EQ(shown["backup"],
            *Json::Parse(R"({"types":["FULL"],"targets":["LATEST"],"continuous":true})"));
}

TEST(RenderEngine, ABrokenOneStillShowsWhatIsKnown) {
  engine::EngineStatus status;
  status.name = "broken";
  status.path = "/secret/place.so";
  status.state = engine::EngineState::kRefused;
  status.reason = "NotElf";
  const Json shown = RenderEngine(status, nullptr);
  ExpectDeclared(shown, "Engine");
  EXPECT_EQ(shown["reason"].AsString(), "NotElf");
  EXPECT_EQ(shown.Dump().find("/secret"), std::string::npos);
}

}  // namespace
}  // namespace slipway::api
