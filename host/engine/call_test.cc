// The host's reaction to an engine's behaviour during a call.
#include <atomic>
#include <thread>
#include <vector>

#include "engine/test_support.h"

namespace slipway::engine {
namespace {

class Calls : public EngineDirectory {
 protected:
  std::shared_ptr<Engine> Open(const char* built, const std::string& name, const std::string& type,
                               RegistryOptions options) {
    Configure(name + ".yaml", name, Install(built, name + ".so"));
    registry_ = std::make_unique<Registry>(options, clock_, log_, metrics_);
    registry_->Reload();
    auto engine = registry_->ForType(type);
    EXPECT_TRUE(engine) << registry_->List().at(0).message;
    return engine ? *engine : nullptr;
  }

  std::shared_ptr<Engine> OpenBad(int64_t box_ms) {
    RegistryOptions options = Options();
    options.call_timeout_ms = box_ms;
    return Open(SLIPWAY_ENGINE_BAD, "bad", "BAD", options);
  }

  std::shared_ptr<Engine> OpenBad() { return OpenBad(Options().call_timeout_ms); }

  static Json Do(const char* what) {
    return Json::Obj({{"schema", 1}, {"do", what}, {"spec", Json::MakeObject()}});
  }

  std::unique_ptr<Registry> registry_;
};

TEST_F(Calls, GoodEngineValidatesPlansAndSteps) {
  auto engine = Open(SLIPWAY_ENGINE_FAKE, "fake", "FAKE", Options());
  ASSERT_TRUE(engine);
  auto validated = engine->Validate(Json::Obj({{"schema", 1}, {"verb", "create"}}), nullptr);
  ASSERT_TRUE(validated) << validated.error().message;
  EXPECT_EQ((*validated)["spec"]["tier"].AsString(), "FREE");
  auto plan = engine->Plan(Json::Obj({{"schema", 1}}));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ((*plan)["stages"].size(), 2u);
  Json input =
      Json::Obj({{"stage", "CRD_DEPLOYMENT"}, {"instance", Json::Obj({{"name", "orders"}})}});
  auto step = engine->Step(input);
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ((*step).At("/verdict/state").AsString(), "progressing");
  EXPECT_EQ((*step).At("/apply/0/metadata/name").AsString(), "orders");
  input.Set("observed", Json::Arr({Json::Obj({{"kind", "ConfigMap"}})}));
  EXPECT_EQ((*engine->Step(input)).At("/verdict/state").AsString(), "ready");
}

TEST_F(Calls, CEngineWorks) {
  auto engine = Open(SLIPWAY_ENGINE_PLAIN, "plain", "PLAIN", Options());
  ASSERT_TRUE(engine);
  EXPECT_TRUE(engine->Step(Json::MakeObject()));
}

TEST_F(Calls, EveryFailureOfValidateIsReported) {
  auto engine = Open(SLIPWAY_ENGINE_FAKE, "fake", "FAKE", Options());
  ASSERT_TRUE(engine);
  std::vector<Error> all;
  auto refused = engine->Validate(Json::Obj({{"wrong", 1}}), &all);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_EQ(refused.error().reason, "FieldWrong");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].field, "/right");
}

TEST_F(Calls, TheHostsClockIsTheOnlyOne) {
  auto engine = Open(SLIPWAY_ENGINE_FAKE, "fake", "FAKE", Options());
  ASSERT_TRUE(engine);
  clock_.Advance(1234);
  auto answer = engine->Validate(Json::Obj({{"now", true}}), nullptr);
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer).At("/spec/now").AsInt(), clock_.NowMs());
}

TEST_F(Calls, BadAnswersBecomeErrors) {
  auto engine = OpenBad();
  ASSERT_TRUE(engine);

  const struct {
    const char* what;
    Code code;
    const char* reason;
    const char* words;
  } cases[] = {
      {"throw", Code::kInternal, "EngineThrew", "exception"},
      {"throw_int", Code::kInternal, "EngineThrew", "exception"},
      {"garbage", Code::kInternal, "BadDocument", "not JSON"},
      {"array", Code::kInternal, "BadDocument", "not an object"},
      {"nothing", Code::kInternal, "BadDocument", "without writing"},
      {"unexplained", Code::kInternal, "Unexplained", "42"},
      {"huge", Code::kInternal, "ResultTooLarge", "4194304"},
      {"unknown_state", Code::kInternal, "BadDocument", "perhaps"},
      {"hostile_failure", Code::kInvalid, "LineBreak", "not text"},
  };

  for (const auto& c : cases) {
    const auto answer = engine->Step(Do(c.what));
    ASSERT_FALSE(answer) << c.what;
    EXPECT_EQ(answer.error().code, c.code) << c.what;
    EXPECT_EQ(answer.error().reason, c.reason) << c.what;
    EXPECT_NE(answer.error().message.find(c.words), std::string::npos) << answer.error().message;
  }
  EXPECT_TRUE(engine->Step(Do("well"))) << "the host and the engine go on";
}

TEST_F(Calls, OversizedInputIsNotSent) {
  RegistryOptions options = Options();
  options.max_result_bytes = 4096;
  auto engine = Open(SLIPWAY_ENGINE_FAKE, "fake", "FAKE", options);
  ASSERT_TRUE(engine);
  const auto answer = engine->Plan(Json::Obj({{"big", std::string(5000, 'x')}}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kExhausted);
  EXPECT_EQ(answer.error().reason, "InputTooLarge");
  EXPECT_EQ(answer.error().message,
            "the input of fake's plan has 5010 bytes, the limit is 4096; big has 5002 of them");
}

TEST_F(Calls, NonsenseOfValidateIsTheEnginesFault) {
  auto engine = OpenBad();
  ASSERT_TRUE(engine);

  const struct {
    const char *what, *words;
  } cases[] = {
      {"throw", "(EngineThrew): the engine let an exception escape"},
      {"garbage", "(BadDocument): the document is not JSON"},
      {"nothing", "(BadDocument): the document is empty"},
      {"unexplained", "(Unexplained): the engine failed with code 42"},
      {"huge", "(ResultTooLarge)"},
      {"unlawful", "(EngineContract): /spec/instances changes when it is validated again"},
      {"refuses-itself", "(EngineContract): /spec is refused when it is validated again: there is"},
      {"strange-parameters", "(EngineContract): /spec/parameters/depth is not an integer"},
  };

  for (const auto& c : cases) {
    std::vector<Error> failures;
    const auto answer = engine->Validate(Do(c.what), &failures);
    ASSERT_FALSE(answer) << c.what;
    EXPECT_EQ(answer.error().code, Code::kInternal) << c.what;
    EXPECT_EQ(answer.error().engine, "bad") << c.what;
    EXPECT_EQ(answer.error().reason, "EngineMisbehaved") << c.what;
    EXPECT_EQ(answer.error().message.rfind("engine bad 1.0.0 broke its contract in validate", 0),
              0u);
    EXPECT_NE(answer.error().message.find(c.words), std::string::npos) << answer.error().message;
    EXPECT_TRUE(failures.empty()) << "they are none of the request's";
  }
  EXPECT_TRUE(engine->Validate(Do("well"), nullptr));
}

TEST_F(Calls, SpinningEngineIsQuarantinedOnce) {
  auto engine = OpenBad(1000);
  ASSERT_TRUE(engine);
  const auto answer = engine->Step(Do("spin"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(answer.error().reason, "EngineQuarantined");
  EXPECT_TRUE(answer.error().retryable);
  const auto again = engine->Step(Do("well"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "EngineQuarantined");
  EXPECT_EQ(registry_->List().at(0).state, EngineState::kQuarantined);
  EXPECT_EQ(registry_->List().at(0).reason, "Spun");
  EXPECT_EQ(registry_->ForType("BAD").error().reason, "EngineQuarantined");
  registry_->Reload();
  EXPECT_EQ(registry_->List().at(0).state, EngineState::kQuarantined)
      << "the same file is the same engine";
}

TEST_F(Calls, EngineThatGotNoProcessorIsNotQuarantined) {
  auto engine = OpenBad(400);
  ASSERT_TRUE(engine);
  EXPECT_TRUE(engine->Step(Do("stopped")));
  EXPECT_EQ(registry_->List().at(0).state, EngineState::kLoaded);
}

TEST_F(Calls, EngineThatSleepsIsQuarantined) {
  auto engine = OpenBad(100);
  ASSERT_TRUE(engine);
  const auto answer = engine->Step(Do("asleep"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "EngineQuarantined");
  EXPECT_EQ(registry_->List().at(0).state, EngineState::kQuarantined);
}

TEST_F(Calls, CallersBehindASpinningCallAreFreed) {
  auto engine = OpenBad(1000);
  ASSERT_TRUE(engine);
  std::atomic<int> freed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      const auto answer = engine->Step(Do("spin"));
      if (!answer && answer.error().code == Code::kUnavailable) ++freed;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(freed, 8);
  EXPECT_EQ(registry_->List().at(0).state, EngineState::kQuarantined);
}

TEST_F(Calls, SlowEngineThatListensIsNotQuarantined) {
  auto engine = OpenBad(1000);
  ASSERT_TRUE(engine);
  const auto answer = engine->Step(Do("slow"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "Unexplained");
  EXPECT_TRUE(engine->Step(Do("well")));
}

TEST_F(Calls, ManyThreadsShareAnEngine) {
  auto engine = Open(SLIPWAY_ENGINE_FAKE, "fake", "FAKE", Options());
  ASSERT_TRUE(engine);
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      const std::string name = "db" + std::to_string(i);
      for (int k = 0; k < 50; ++k) {
        const auto step = engine->Step(Json::Obj({{"stage", "CRD_DEPLOYMENT"}, {"name", name}}));
        if (step && (*step).At("/apply/0/metadata/name").AsString() == name) ++good;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace slipway::engine
