#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <slipway/kit/engine.h>
#include <slipway/kit/step.h>

namespace slipway::kit {
namespace {

// A host's side of one call.
struct Host {
  std::string result;
  std::vector<std::string> failures;  // "CODE REASON FIELD: MESSAGE"
  bool cancelled = false;

  slipway_call Call() {
    slipway_call call{};
    call.struct_size = sizeof call;
    call.host = this;
    call.now_ms = 100000;
    call.write = [](const slipway_call* c, slipway_bytes bytes) -> int32_t {
      static_cast<Host*>(c->host)->result += slipway::view(bytes);
      return SLIPWAY_OK;
    };
    call.fail = [](const slipway_call* c, const slipway_failure* failure) -> int32_t {
      static_cast<Host*>(c->host)->failures.push_back(
          std::to_string(failure->code) + " " + std::string(slipway::view(failure->reason)) + " " +
          std::string(slipway::view(failure->field)) + ": " +
          std::string(slipway::view(failure->message)));
      return failure->code;
    };
    call.cancelled = [](const slipway_call* c) -> int32_t {
      return static_cast<Host*>(c->host)->cancelled ? 1 : 0;
    };
    return call;
  }
};

struct Settings {
  std::string colour;

  static Settings Parse(std::string_view config) {
    Settings out;
    ParseSettings(config, {{"colour", &out.colour}});
    if (out.colour == "none") RefuseSetting("colour", "must be a colour");
    return out;
  }
};

struct Observed {
  size_t count;

  Observed(const Json& objects, const Instance&) : count(objects.items().size()) {}
};

struct Stages : Work<Settings, Instance, Observed> {
  using Work::Work;

  Json Make() const { return Result(Ready("Made", settings.colour + " " + instance.name)); }

  Json Watch() const {
    return Result(Ready(
        "Seen", std::to_string(observed.count) + " after " + std::to_string(waited_ms) + " ms"));
  }
};

Description About() {
  return {.engine = "toy",
          .version = "1.0.0",
          .title = "A toy",
          .database_type = "TOY",
          .metrics = true};
}

void CheckName(const std::string& name, const Complain& complain) {
  if (name == "toy") complain("/name", "InvalidName", "the name may not be toy");
}

Json Normalised(const Json& spec, const Complain& complain, const Warn& warn) {
  if (spec.Has("bad")) complain("/bad", "UnknownField", "bad is unknown");
  if (spec.Has("odd")) warn("/odd", "odd is odd");
  return spec;
}

Json Quota(const Instance& instance) {
  return Json::Obj({{"pods", std::to_string(instance.instances)}});
}

constexpr StageRow<Stages> kTable[] = {
    {"create", "CRD_DEPLOYMENT", "Object", &Stages::Make},
    {"create", "RESTORE", "Data", &Stages::Make, WithoutSource},
    {"create", "BACKUP_CONFIG", "Backups", &Stages::Make, WithoutBackup},
    {"create", "METRICS_SETUP", "Metrics", &Stages::Make, WithoutMetrics},
    {"restart", "RESTART", "Restart", &Stages::Make},
    {"backup", "BACKUP", "Backup", &Stages::Make, BackupNotConfigured},
    {"delete", "RESOURCE_DELETION", "All", &Stages::Make},
    {"observe", "OBSERVE", nullptr, &Stages::Watch},
};
constexpr Definition<Stages> kToy{.description = About,
                                  .name = {8, "it has room for eight", CheckName},
                                  .normalise = Normalised,
                                  .quota = Quota,
                                  .sized = "create|restart",
                                  .table = kTable};
using Toy = TableEngine<kToy, Settings>;

constexpr char kInstance[] =
    R"("instance":{"id":"i","name":"orders","namespace":"acme"},)"
    R"("spec":{"tier":"FREE","instances":3,"pod_monitor":false,"backup":null})";

struct Answer {
  Json result;
  std::vector<std::string> failures;
};

Answer Ask(int32_t (*function)(const slipway_engine*, const slipway_call*, slipway_bytes),
           const std::string& document, bool cancelled = false) {
  const Toy toy(R"({"colour":"blue"})");
  Host host;
  host.cancelled = cancelled;
  const slipway_call call = host.Call();
  const slipway::Engine& engine = toy;
  function(reinterpret_cast<const slipway_engine*>(&engine), &call, slipway::bytes(document));
  return {host.result.empty() ? Json() : Json::Parse(host.result), host.failures};
}

const slipway_engine_api& kApi = slipway::detail::api<Toy>;

std::string Document(const std::string& verb, const std::string& stage = {}) {
  return R"({"schema":1,"verb":")" + verb + R"(","stage":")" + stage +
         R"(","stage_started_ms":40000,"observed":[{},{}],)" + kInstance + "}";
}

using Failures = std::vector<std::string>;

TEST(TableEngine, DescribesTheVerbsOfItsTable) {
  const Toy toy("{}");
  Host host;
  const slipway_call call = host.Call();
  slipway::Call wrapped(&call);
  toy.describe(wrapped);
  const Json description = Json::Parse(host.result);
  EXPECT_EQ(description["verbs"], Json::Arr({"create", "restart", "backup", "delete", "observe"}));
  EXPECT_EQ(description["name_limit"].AsInt(), 8);
  EXPECT_EQ(description["capabilities"].Dump(),
            R"({"backup":false,"metrics":true,"replicas":false})");
  // The host would try a login with an empty proof.
  EXPECT_FALSE(description.Has("login_proof") || description.Has("claims_selector"));
  EXPECT_FALSE(description.Has("backup") || description.Has("transient"));
}

TEST(TableEngine, PlansTheRowsOfAVerb) {
  const Answer create = Ask(kApi.plan, Document("create"));
  EXPECT_EQ(create.result.Dump(),
            R"({"schema":1,"stages":[{"name":"CRD_DEPLOYMENT","title":"Object"},)"
            R"({"name":"BACKUP_CONFIG","title":"Backups","skip":{"reason":"BackupNotRequested",)"
            R"("message":"the request has no backup section"}},)"
            R"({"name":"METRICS_SETUP","title":"Metrics","skip":{"reason":"TierExcludesMetrics",)"
            R"("message":"the tier FREE has no PodMonitor"}}],"quota":{"pods":"3"},"carry":{}})");
  EXPECT_EQ(Ask(kApi.plan, Document("restart")).result.Dump(),
            R"({"schema":1,"stages":[{"name":"RESTART","title":"Restart"}],)"
            R"("quota":{"pods":"3"},"carry":{}})");
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(TableEngine, NamesARowThatTheInputAsksFor) {
  const std::string restored =
      Replaced(Document("create", "RESTORE"), R"("backup":null)", R"("backup":null,"source":{})");
  EXPECT_EQ(Ask(kApi.plan, restored).result["stages"].items()[1].Dump(),
            R"({"name":"RESTORE","title":"Data"})");
  EXPECT_EQ(Ask(kApi.step, restored).result.At("verdict/state"), Json("ready"));
  EXPECT_EQ(Ask(kApi.step, Document("create", "RESTORE")).result.At("verdict/state"),
            Json("skipped"));
}

TEST(TableEngine, RefusesAVerbThatMakesNoSense) {
  EXPECT_EQ(Ask(kApi.plan, Document("backup")).failures,
            Failures{std::to_string(SLIPWAY_PRECONDITION) +
                     " BackupNotConfigured : the instance has no backup section"});
  EXPECT_EQ(Ask(kApi.step, Document("backup", "BACKUP")).result["verdict"].Dump(),
            R"({"state":"failed","reason":"BackupNotConfigured",)"
            R"("message":"the instance has no backup section"})");
  const std::string kept =
      Replaced(Document("backup", "BACKUP"), R"("backup":null)", R"("backup":{})");
  EXPECT_EQ(Ask(kApi.plan, kept).result["stages"].items().size(), 1U);
  EXPECT_EQ(Ask(kApi.step, kept).result.At("verdict/state"), Json("ready"));
}

TEST(TableEngine, PlansADeleteWhateverTheSpecIs) {
  EXPECT_EQ(Ask(kApi.plan, R"({"verb":"delete"})").result.Dump(),
            R"({"schema":1,"stages":[{"name":"RESOURCE_DELETION","title":"All"}],"carry":{}})");
}

TEST(TableEngine, RunsTheFunctionOfTheRow) {
  EXPECT_EQ(Ask(kApi.step, Document("create", "CRD_DEPLOYMENT")).result.At("verdict/message"),
            Json("blue orders"));
  EXPECT_EQ(Ask(kApi.step, Document("observe", "OBSERVE")).result.At("verdict/message"),
            Json("2 after 60000 ms"));
  EXPECT_EQ(Ask(kApi.step, Document("create", "BACKUP_CONFIG")).result.At("verdict/state"),
            Json("skipped"));
}

TEST(TableEngine, NamesTheVerbThatItDoesNotSupport) {
  const Failures unsupported{
      R"(2 UnsupportedVerb /verb: this engine does not support the verb "switchover")"};
  EXPECT_EQ(Ask(kApi.validate, Document("switchover")).failures, unsupported);
  EXPECT_EQ(Ask(kApi.plan, Document("switchover")).failures, unsupported);
  EXPECT_EQ(Ask(kApi.step, Document("switchover", "RESTART")).failures, unsupported);
  // Nothing is planned for an observation.
  EXPECT_EQ(Ask(kApi.plan, Document("observe")).failures.size(), 1U);
  EXPECT_EQ(Ask(kApi.step, Document("delete", "RESTART")).failures,
            Failures{R"(2 UnknownStage /stage: this engine does not know the stage "RESTART" of )"
                     R"(the verb "delete")"});
}

TEST(TableEngine, ValidatesNameAndSpec) {
  const auto validate = [](const std::string& name, const std::string& spec) {
    return Ask(kApi.validate,
               R"({"verb":"create","instance":{"name":")" + name + R"("},"spec":)" + spec + "}");
  };
  EXPECT_EQ(
      validate("orders", R"({"odd":1})").result.Dump(),
      R"({"schema":1,"spec":{"odd":1},"warnings":[{"field":"/odd","message":"odd is odd"}]})");
  EXPECT_EQ(
      validate("2toolong9", R"({"bad":1})").failures,
      (Failures{
          "1 NameTooLong /name: the name may have at most 8 characters: it has room for eight",
          "1 InvalidName /name: the name must start with a letter",
          "1 UnknownField /bad: bad is unknown"}));
  EXPECT_EQ(validate("toy", "{}").failures.size(), 1U);
  EXPECT_EQ(validate("orders", "[]").failures,
            Failures{"1 WrongType : the spec must be an object"});
}

TEST(Normalise, MaySeeTheWholeRequest) {
  const Normalise normalise = +[](const Request& request, const Complain&, const Warn&) {
    return Json::Obj(
        {{"verb", request.verb}, {"spec", request.spec}, {"type", request.arguments["type"]}});
  };
  const std::string verb = "backup";
  EXPECT_EQ(normalise({verb, Json(1), Json::Parse(R"({"type":"FULL"})"), Json()}, {}, {}).Dump(),
            R"({"verb":"backup","spec":1,"type":"FULL"})");
}

TEST(TableEngine, StopsBeforeItsWorkWhenCancelled) {
  for (const auto function : {kApi.validate, kApi.plan, kApi.step}) {
    const Answer answer = Ask(function, Document("create", "CRD_DEPLOYMENT"), true);
    ASSERT_EQ(answer.failures.size(), 1U);
    EXPECT_NE(answer.failures[0].find("Cancelled"), std::string::npos);
  }
}

TEST(Settings, ARefusedOneIsNamed) {
  for (const char* config : {R"({"colour":"none"})", R"({"shape":"round"})", R"({"colour":1})"}) {
    try {
      Toy toy(config);
      ADD_FAILURE() << config;
    } catch (const slipway::Error& error) {
      EXPECT_EQ(error.code, SLIPWAY_INVALID);
      EXPECT_TRUE(error.field == "/colour" || error.field == "/shape") << error.field;
    }
  }
}

}  // namespace
}  // namespace slipway::kit
