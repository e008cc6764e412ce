// An engine's inputs and outputs.
#include "engine/documents.h"

#include <gtest/gtest.h>

#include "engine/inputs.h"
#include "engine/results.h"
#include "engine/schema.h"
#include "engine/schema_texts.h"

namespace slipway::engine {
namespace {

TEST(Documents, ALoginProofMayNameADatabase) {
  const auto parse = [](const std::string& proof) {
    return ParseDescribe(R"({"schema":1,"engine":"fake","version":"1","title":"Fake",
        "database_type":"FAKE","verbs":["create"],"capabilities":{},"name_limit":9,
        "parameters_schema":{},"watches":[],"applies":[],"login_proof":)" +
                             proof + "}",
                         "fake", "1");
  };
  EXPECT_TRUE(parse(R"({"protocol":"p","endpoint":"e","statement":"s","database":"app"})"));
  EXPECT_TRUE(parse(R"({"protocol":"p","endpoint":"e","statement":"s"})"));
  EXPECT_EQ(parse(R"({"protocol":"p","endpoint":"e","statement":"s","database":7})").error().field,
            "/login_proof/database");
}

TEST(Documents, NameThePlaceOfTheFirstMistake) {
  const struct {
    Result<Json> (*parse)(std::string_view);
    const char* text;
    const char* field;
  } cases[] = {
      {ParseValidate, R"({"schema":2,"spec":{}})", "/schema"},
      {ParseValidate, R"({"schema":1})", "/spec"},
      {ParseValidate, R"({"schema":1,"warnings":[{"field":"/x"}]})", "/warnings/0/message"},
      {ParsePlan, R"({"schema":1})", "/stages"},
      {ParsePlan, R"({"schema":1,"stages":[{"title":"x"}]})", "/stages/0/name"},
      {ParsePlan, R"({"schema":1,"stages":[{"name":"A","skip":{}}]})", "/stages/0/skip/reason"},
      {ParsePlan, R"({"schema":1,"stages":[],"quota":{"pods":3}})", "/quota/pods"},
      {ParseStep, R"({"schema":1})", "/verdict"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"skipped"}})", "/verdict/reason"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"apply":[{"kind":"Pod"}]})",
       "/apply/0/apiVersion"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"delete":[7]})", "/delete/0"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"need":{"a/b":{}}})",
       "/need/a~1b/apiVersion"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"retry_after_ms":"1"})",
       "/retry_after_ms"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"outputs":{"endpoints":[
          {"name":"a","role":"ANY","service":"b","port":1,"tls":"required"}]}})",
       "/outputs/endpoints/0/tls"},
  };

  for (const auto& c : cases) {
    const auto parsed = c.parse(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().reason, "BadDocument");
    EXPECT_EQ(parsed.error().field, c.field) << c.text;
  }
}

Json Parsed(const char* text) {
  auto parsed = Json::Parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

TEST(Documents, ADescriptionIsCheckedWhole) {
  const auto refused = [](const std::string& more) {
    const auto parsed = ParseDescribe(R"({"schema":1,"engine":"fake","version":"1","title":"Fake",
        "database_type":"FAKE","verbs":["create"],"capabilities":{},"name_limit":9,"watches":[],)" +
                                          more + "}",
                                      "fake", "1");
    return parsed ? "" : parsed.error().reason + " " + parsed.error().field;
  };
  EXPECT_EQ(refused(R"("parameters_schema":{},"applies":["v1/Pod","apps/v1/Deployment"])"), "");
  EXPECT_EQ(refused(R"("parameters_schema":{},"applies":["Deployment"])"),
            "BadDescribe /applies/0");
  EXPECT_EQ(refused(R"("parameters_schema":{"items":7},"applies":[])"),
            "BadDescribe /parameters_schema/items");
  EXPECT_EQ(refused(R"("parameters_schema":{},"applies":[],"contract":"2.0")"),
            "BadDescribe /contract");
  EXPECT_EQ(refused(R"("parameters_schema":{},"applies":[],"requires":["operation"])"), "");
  EXPECT_EQ(refused(R"("parameters_schema":{},"applies":[],"requires":["patch"])"),
            "MissingFeature /requires");
}

TEST(Inputs, FitTheirSchemas) {
  const auto fits = [](std::string_view text, const Json& input) {
    const auto schema = Schema::Compile(*Json::Parse(text), Schema::Patterns::kMatched);
    const auto wrong = schema->Check(input, "/$defs/input");
    return wrong ? wrong->pointer + " " + wrong->what : "";
  };
  ValidateInput validate;
  validate.verb = "create";
  EXPECT_EQ(fits(kValidateSchemaText, validate.ToJson()), "");
  PlanInput plan;
  plan.verb = "create";
  EXPECT_EQ(fits(kPlanSchemaText, plan.ToJson()), "");
  plan.previous = Json(7);
  EXPECT_NE(fits(kPlanSchemaText, plan.ToJson()), "");
  StepInput step;
  step.verb = "observe";
  step.stage = "OBSERVE";
  step.inventory = {{"v1", "Secret", "", "a"}, {"v1", "Secret", "", "b", "u-1"}};
  step.observed.Push(Json::MakeObject());
  EXPECT_EQ(fits(kStepSchemaText, step.ToJson()), "");
}

TEST(Inputs, HoldAllThatTheirPagePromises) {
  const InstanceFacts orders{"i-1", "orders", "acme-shop", "seed", "acme", "shop"};
  const Json spec = Json::Obj({{"tier", "FREE"}}), arguments = Json::Obj({{"force", true}});

  ValidateInput validate{"create", "orders", "acme-shop", spec, Json(), arguments};
  EXPECT_EQ(validate.ToJson(), Parsed(R"({"schema":1,"verb":"create",
      "instance":{"name":"orders","namespace":"acme-shop"},
      "spec":{"tier":"FREE"},"previous":null,"arguments":{"force":true}})"));

  PlanInput plan{"create", "op-1", 1000, orders, spec, Json::Obj({{"tier", "BASIC"}}), arguments};
  EXPECT_EQ(plan.ToJson(), Parsed(R"({"schema":1,"verb":"create",
      "operation":{"id":"op-1","started_ms":1000},
      "instance":{"id":"i-1","name":"orders","namespace":"acme-shop","seed":"seed",
                  "organization":"acme","project":"shop"},
      "spec":{"tier":"FREE"},"previous":{"tier":"BASIC"},"arguments":{"force":true}})"));

  StepInput step;
  step.verb = "observe";
  step.operation_id = "op-1";
  step.operation_started_ms = 1000;
  step.stage = "OBSERVE";
  step.attempt = 3;
  step.stage_started_ms = 1500;
  step.now_ms = 2000;
  step.instance = orders;
  step.inventory = {{"v1", "Secret", "acme-shop", "orders-app", "u-1"}};
  EXPECT_EQ(step.ToJson(), Parsed(R"({"schema":1,"verb":"observe",
      "operation":{"id":"op-1","started_ms":1000},
      "stage":"OBSERVE","attempt":3,"stage_started_ms":1500,"now_ms":2000,
      "instance":{"id":"i-1","name":"orders","namespace":"acme-shop","seed":"seed",
                  "organization":"acme","project":"shop"},
      "spec":{},"previous":null,"arguments":{},"carry":{},"facts":{},"observed":[],
      "inventory":[{"apiVersion":"v1","kind":"Secret","namespace":"acme-shop","name":"orders-app","uid":"u-1"}],
      "needs":{}})"));
}

TEST(Results, ReadAStepWhole) {
  const auto step = ReadStep(Parsed(R"({"schema":1,
      "apply":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}],
      "patch":[{"apiVersion":"v1","kind":"Pod","name":"b","subresource":"status","resource_version":"7",
                "body":{"status":{}}}],
      "delete":[{"apiVersion":"v1","kind":"Pod","namespace":"n","name":"b"}],
      "verdict":{"state":"progressing","reason":"Waiting","message":"1 of 2","percent":50,
                 "waitingFor":{"kind":"Pod","namespace":"n","name":"b","reason":"NotReady"}},
      "retry_after_ms":15000,
      "need":{"secret":{"apiVersion":"v1","kind":"Secret","name":"s"},
              "pods":{"apiVersion":"v1","kind":"Pod","labelSelector":"a=b"}},
      "outputs":{"endpoints":[{"name":"primary","role":"ANY","service":"b","port":1}]}})"));
  ASSERT_TRUE(step) << step.error().message;
  ASSERT_EQ(step->effects.size(), 3u);
  EXPECT_EQ(std::get<ApplyEffect>(step->effects[0]).object["metadata"]["name"].AsString(), "a");
  const auto& patch = std::get<PatchEffect>(step->effects[1]);
  EXPECT_EQ(patch.object, (ObjectRef{"v1", "Pod", "", "b"}));
  EXPECT_EQ(patch.subresource + patch.resource_version + patch.body.Dump(),
            R"(status7{"status":{}})");
  EXPECT_EQ(std::get<DeleteEffect>(step->effects[2]).object, (ObjectRef{"v1", "Pod", "n", "b"}));
  EXPECT_EQ(step->verdict.state, Verdict::State::kProgressing);
  EXPECT_EQ(step->verdict.reason, "Waiting");
  EXPECT_EQ(step->verdict.percent, 50);
  ASSERT_TRUE(step->verdict.waiting_for);
  EXPECT_EQ(step->verdict.waiting_for->name, "b");
  EXPECT_EQ(step->retry_after_ms, 15000);
  EXPECT_EQ(step->need.at("secret"), (ObjectRef{"v1", "Secret", "", "s"}));
  EXPECT_EQ(step->need.at("pods").label_selector, "a=b");
  EXPECT_EQ(step->outputs["endpoints"].size(), 1u);
}

TEST(Results, ReadTheShortestDocuments) {
  const auto step = ReadStep(Parsed(R"({"schema":1,"verdict":{"state":"ready"}})"));
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->effects.empty() && step->need.empty() && !step->retry_after_ms);
  EXPECT_TRUE(step->outputs.is_object() && step->outputs.empty());
  EXPECT_FALSE(step->verdict.waiting_for || step->verdict.percent);
  const auto plan = ReadPlan(Parsed(R"({"schema":1,"stages":[]})"));
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->quota.is_object() && plan->carry.is_object());
  EXPECT_EQ(plan->text, R"({"schema":1,"stages":[],"quota":{},"changes":[],"carry":{}})");
}

TEST(Results, ReadPlansAndSpecs) {
  const auto plan = ReadPlan(Parsed(R"({"schema":1,"stages":[{"name":"A","title":"first"},
      {"name":"B","skip":{"reason":"NotAsked","message":"no backup"}}],
      "quota":{"pods":"3"},"carry":{"k":1}})"));
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->stages.size(), 2u);
  EXPECT_EQ(plan->stages[0].title, "first");
  EXPECT_FALSE(plan->stages[0].skip);
  EXPECT_EQ(plan->stages[1].skip->reason, "NotAsked");
  EXPECT_EQ(plan->quota["pods"].AsString(), "3");
  const auto validated = ReadValidate(Parsed(R"({"schema":1,
      "spec":{"tier":"FREE","instances":1,"storage":"1Gi","memory":"1Gi","cpu":"1"},
      "warnings":[{"field":"/x","message":"careful"}]})"));
  ASSERT_TRUE(validated) << validated.error().message;
  EXPECT_EQ(validated->spec["tier"].AsString(), "FREE");
  EXPECT_EQ(validated->warnings.at(0).message, "careful");
}

std::string Step(const std::string& more) {
  return R"({"schema":1,"verdict":{"state":"progressing")" + more + "}";
}

// Repeats `item` `count` times with commas between.
std::string Repeat(const std::string& item, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i > 0 ? "," : "") + item;
  return out;
}

TEST(Results, AreLimited) {
  const std::string apply = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}})";
  const std::string erase = R"({"apiVersion":"v1","kind":"Pod","name":"a"})";
  const auto step = [](const std::string& more) { return ReadStep(Parsed(Step(more).c_str())); };
  const auto refused = [&](const std::string& more) {
    const auto read = step(more);
    return read ? "" : read.error().field + " " + read.error().reason;
  };
  EXPECT_EQ(refused(R"(},"apply":[)" + Repeat(apply, 256) + "]"), "");
  EXPECT_EQ(refused(R"(},"apply":[)" + Repeat(apply, 257) + "]"), "/apply BadDocument");
  EXPECT_EQ(refused(R"(},"delete":[)" + Repeat(erase, 1024) + "]"), "");
  EXPECT_EQ(refused(R"(},"delete":[)" + Repeat(erase, 1025) + "]"), "/delete BadDocument");
  std::string need;
  for (int i = 0; i < 257; ++i) need += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":" + erase;
  EXPECT_EQ(refused(R"(},"need":{)" + need + "}"), "/need BadDocument");
  for (const char* reason : {"", "two words", "lower", "Word!", "\u00e4"})
    EXPECT_EQ(refused(R"(,"reason":")" + std::string(reason) + "\"}"),
              "/verdict/reason BadDocument");
  EXPECT_EQ(refused(R"(,"reason":")" + std::string(64, 'A') + "\"}"), "");
  EXPECT_EQ(refused(R"(,"reason":")" + std::string(65, 'A') + "\"}"),
            "/verdict/reason BadDocument");
}

TEST(Results, CutWhatPeopleReadWithAMark) {
  const std::string lengthy(100'000, 'x');
  const auto step =
      ReadStep(Parsed(Step(R"(,"message":")" + lengthy +
                           R"(","waitingFor":{"kind":"Pod","name":")" + lengthy + "\"}}")
                          .c_str()));
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ(step->verdict.message.size(), 4096u);
  EXPECT_TRUE(step->verdict.message.ends_with(" (cut: 100000 bytes)"));
  EXPECT_EQ(step->verdict.waiting_for->name.size(), 512u);
  const auto plan =
      ReadPlan(Parsed((R"({"schema":1,"stages":[{"name":"A","skip":{"reason":"No","message":")" +
                       lengthy + "\"}}]}")
                          .c_str()));
  ASSERT_TRUE(plan);
  EXPECT_LT(plan->text.size(), 5000u) << "nor is it stored";
}

TEST(Results, AreRefusedWithThePlace) {
  EXPECT_EQ(ReadStep(Json::Arr({})).error().reason, "BadDocument");
  EXPECT_EQ(ReadStep(Parsed(R"({"schema":1,"verdict":{"state":"perhaps"}})")).error().field,
            "/verdict/state");
  EXPECT_EQ(ReadPlan(Parsed(R"({"schema":1})")).error().field, "/stages");
  EXPECT_EQ(ReadValidate(Parsed(R"({"schema":1})")).error().field, "/spec");
}

}  // namespace
}  // namespace slipway::engine
