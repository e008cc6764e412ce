#include "engine/in_process_engine.h"

#include <utility>

#include "engine/call.h"
#include "engine/documents.h"

namespace slipway::engine {
namespace {

Metrics::Histogram Seconds(Metrics& metrics, const std::string& engine, const char* function) {
  return metrics.GetHistogram("slipway_engine_call_seconds",
                              "time of one engine call, waiting included",
                              {{"engine", engine}, {"function", function}});
}

}  // namespace

InProcessEngine::InProcessEngine(const slipway_engine_api* api, Identity identity,
                                 const RegistryOptions& options, const Clock& clock, Logger& log,
                                 Metrics& metrics)
    : api_(api),
      identity_(std::move(identity)),
      timeout_ms_(options.call_timeout_ms),
      max_bytes_(options.max_result_bytes),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      validate_seconds_(Seconds(metrics, identity_.name, "validate")),
      plan_seconds_(Seconds(metrics, identity_.name, "plan")),
      step_seconds_(Seconds(metrics, identity_.name, "step")),
      lane_("eng-" + identity_.name, options.call_timeout_ms) {}

Result<std::shared_ptr<InProcessEngine>> InProcessEngine::Open(
    const slipway_engine_api* api, Identity identity, const Json& settings,
    const RegistryOptions& options, const Clock& clock, Logger& log, Metrics& metrics) {
  std::shared_ptr<InProcessEngine> engine(
      new InProcessEngine(api, std::move(identity), options, clock, log, metrics));
  const auto handle = std::make_shared<slipway_engine*>(nullptr);
  const auto opened = engine->Call(
      "open",
      [api, handle, config = settings.is_null() ? std::string("{}") : settings.Dump()](
          const slipway_call* call) {
        return api->open(call, {config.data(), config.size()}, handle.get());
      },
      nullptr);
  const auto refuse = [&](const char* reason, const Error& error) {
    if (engine->quarantined())
      return Error{Code::kUnavailable, "Spun", "the engine did not return while it was opened"};
    return Error{Code::kInternal, reason, error.reason + ": " + error.message};
  };
  if (!opened) return refuse("OpenFailed", opened.error());
  if (*handle == nullptr) {
    return Error{Code::kInternal, "OpenFailed", "open succeeded and gave no engine"};
  }
  engine->handle_ = *handle;
  auto text = engine->Call(
      "describe",
      [api, self = *handle](const slipway_call* call) { return api->describe(self, call); },
      nullptr);
  if (!text) return refuse("BadDescribe", text.error());
  TRY(Json description, ParseDescribe(*text, engine->identity_.name, engine->identity_.version));
  engine->database_type_ = description["database_type"].AsString();
  engine->description_ = std::move(description);
  return engine;
}

InProcessEngine::~InProcessEngine() {
  if (handle_ == nullptr) return;
  // Nobody calls any more; close runs where open ran. A lost lane answers at once: its engine may
  // still be running and stays as it is.
  const auto state = std::make_shared<CallState>(clock_.NowMs(), 0, max_bytes_);
  (void)lane_.Run(
      [api = api_, self = handle_](const slipway_call*) {
        api->close(self);
        return int32_t{SLIPWAY_OK};
      },
      state);
}

Error InProcessEngine::Count(const char* function, Error error) {
  metrics_
      .GetCounter(
          "slipway_engine_call_failures_total", "engine calls that did not give a document",
          {{"engine", identity_.name}, {"function", function}, {"code", CodeName(error.code)}})
      .Add();
  return error;
}

Result<std::string> InProcessEngine::Call(const char* function, Lane::Function body,
                                          std::vector<Error>* failures) {
  const int64_t now_ms = clock_.NowMs();
  const auto state = std::make_shared<CallState>(now_ms, now_ms + timeout_ms_, max_bytes_);
  const bool was_lost = lane_.lost();
  const Result<int32_t> code = lane_.Run(std::move(body), state);
  if (!code) {
    // The state belongs to the lane's thread if that is lost: it is not looked at.
    if (!was_lost && lane_.lost()) {
      log_.Error("engine.quarantined", {{"engine", identity_.name},
                                        {"engine_version", identity_.version},
                                        {"function", function},
                                        {"timeout_ms", timeout_ms_}});
    } else if (code.error().reason == "EngineThrew") {
      log_.Error("engine.threw", {{"engine", identity_.name}, {"function", function}});
    }
    return Count(function, code.error());
  }
  for (const CallState::LogLine& line : state->log()) {
    auto fields = Json::Parse(line.fields);
    log_.Write(static_cast<Logger::Level>(line.level), "engine.log",
               {{"engine", identity_.name},
                {"engine_version", identity_.version},
                {"function", function},
                {"message", line.message},
                {"fields", fields ? *std::move(fields) : Json()}});
  }
  if (failures != nullptr) *failures = state->failures();
  Result<std::string> text = state->Finish(*code);
  if (!text) {
    if (failures != nullptr && failures->empty()) failures->push_back(text.error());
    return Count(function, text.error());
  }
  return text;
}

Result<std::string> InProcessEngine::CallWith(const char* function, Slot slot, const Json& input,
                                              const Metrics::Histogram& seconds,
                                              std::vector<Error>* failures) {
  std::string text = input.Dump();
  if (text.size() > max_bytes_) {
    return Error{Code::kExhausted, "InputTooLarge",
                 "the engine's input is " + std::to_string(text.size()) + " bytes, the limit " +
                     std::to_string(max_bytes_)};
  }
  const int64_t start_ms = clock_.SteadyMs();
  auto out = Call(
      function,
      [run = api_->*slot, self = handle_, text = std::move(text)](const slipway_call* call) {
        return run(self, call, {text.data(), text.size()});
      },
      failures);
  seconds.Observe(static_cast<double>(clock_.SteadyMs() - start_ms) / 1000);
  return out;
}

template <class Check>
Result<Json> InProcessEngine::Checked(const char* function, Result<std::string> text, Check check) {
  if (!text) return std::move(text).error();
  Result<Json> document = check(*text);
  if (!document) {
    log_.Error("engine.bad_document", {{"engine", identity_.name},
                                       {"engine_version", identity_.version},
                                       {"function", function},
                                       {"problem", document.error().message}});
    return Count(function, document.error());
  }
  return document;
}

Result<Json> InProcessEngine::Validate(const Json& request, std::vector<Error>* failures) {
  auto text =
      CallWith("validate", &slipway_engine_api::validate, request, validate_seconds_, failures);
  return Checked("validate", std::move(text), ParseValidate);
}

Result<Json> InProcessEngine::Plan(const Json& input) {
  return Checked("plan", CallWith("plan", &slipway_engine_api::plan, input, plan_seconds_, nullptr),
                 ParsePlan);
}

Result<Json> InProcessEngine::Step(const Json& input) {
  return Checked("step", CallWith("step", &slipway_engine_api::step, input, step_seconds_, nullptr),
                 ParseStep);
}

}  // namespace slipway::engine
