#include "engine/in_process_engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/call.h"
#include "engine/crash_signals.h"
#include "engine/documents.h"
#include "engine/library.h"
#include "engine/loader.h"

namespace slipway::engine {
namespace {

Metrics::Histogram Seconds(Metrics& metrics, const std::string& engine, const char* function) {
  return metrics.GetHistogram("slipway_engine_call_seconds",
                              "time of one engine call, including the wait",
                              {{"engine", engine}, {"function", function}});
}

// Names the largest member of a document that is too large: "observed has 5000000 of them".
std::string Largest(const Json& document) {
  size_t most = 0;
  std::string name;
  for (const auto& [key, value] : document.members()) {
    const size_t size = value.Dump().size();
    if (size <= most) continue;
    most = size;
    name = key;
  }
  return name + " has " + std::to_string(most) + " of them";
}

// The pointer to the first difference between two values.
std::string FirstDifference(const Json& a, const Json& b) {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.members()) {
      if (value != b[key] || !b.Has(key))
        return "/" + Json::EscapePointer(key) + FirstDifference(value, b[key]);
    }
    for (const auto& [key, value] : b.members())
      if (!a.Has(key)) return "/" + Json::EscapePointer(key);
  }
  if (a.is_array() && b.is_array()) {
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      if (a[i] != b[i]) return "/" + std::to_string(i) + FirstDifference(a[i], b[i]);
  }
  return "";
}

Error BrokenLaw(const std::string& pointer, const std::string& law) {
  return {Code::kInternal, "EngineContract", "/spec" + pointer + " " + law, "/spec" + pointer};
}

// True when the host found the error, so the message is the host's own.
bool IsHostsFinding(const Error& error) {
  constexpr std::array<std::string_view, 5> kReasons = {
      "BadDocument", "EngineContract", "EngineThrew", "ResultTooLarge", "Unexplained"};
  return std::find(kReasons.begin(), kReasons.end(), error.reason) != kReasons.end();
}

}  // namespace

InProcessEngine::InProcessEngine(Identity identity, const LoadContext& context)
    : identity_(std::move(identity)),
      timeout_ms_(context.options.call_timeout_ms),
      max_bytes_(context.options.max_result_bytes),
      clock_(context.clock),
      log_(context.log),
      metrics_(context.metrics),
      notes_(context.notes),
      note_(notes_.Take(identity_.bytes)),
      validate_seconds_(Seconds(metrics_, name(), "validate")),
      plan_seconds_(Seconds(metrics_, name(), "plan")),
      step_seconds_(Seconds(metrics_, name(), "step")),
      lane_("eng-" + name(), timeout_ms_) {}

Result<std::shared_ptr<InProcessEngine>> InProcessEngine::Open(const std::string& path,
                                                               Identity identity,
                                                               const Json& settings,
                                                               const LoadContext& context) {
  std::shared_ptr<InProcessEngine> engine(new InProcessEngine(std::move(identity), context));
  Result<void> opened = engine->Load(path);
  if (opened) opened = engine->OpenWith(settings);
  if (opened) opened = engine->Describe();
  if (opened) return engine;
  if (engine->quarantined())
    return Error{Code::kUnavailable, "Spun", "the engine did not return while it was opened"};
  return std::move(opened).error();
}

Result<void> InProcessEngine::Load(const std::string& path) {
  using Loaded = Result<const slipway_engine_api*>;
  const auto loaded = std::make_shared<Loaded>(nullptr);
  if (auto* mark = notes_.MarkForThreads(identity_.bytes)) WatchLibrary(path, mark);
  TRY_VOID(Call(
      "load", "",
      [path, loaded](const slipway_call*) {
        *loaded = LoadLibrary(path);
        return int32_t{SLIPWAY_OK};
      },
      nullptr));
  if (!*loaded) return loaded->error();
  api_ = **loaded;
  return {};
}

Result<void> InProcessEngine::OpenWith(const Json& settings) {
  const auto handle = std::make_shared<slipway_engine*>(nullptr);
  const auto opened = Call(
      "open", "",
      [api = api_, handle, config = settings.is_null() ? std::string("{}") : settings.Dump()](
          const slipway_call* call) {
        return api->open(call, {config.data(), config.size()}, handle.get());
      },
      nullptr);
  if (!opened)
    return Error{Code::kInternal, "OpenFailed",
                 opened.error().reason + ": " + opened.error().message};
  if (*handle == nullptr)
    return Error{Code::kInternal, "OpenFailed", "open succeeded and gave no engine"};
  handle_ = *handle;
  return {};
}

Result<void> InProcessEngine::Describe() {
  auto text = Call(
      "describe", "",
      [api = api_, self = handle_](const slipway_call* call) { return api->describe(self, call); },
      nullptr);
  if (!text)
    return Error{Code::kInternal, "BadDescribe", text.error().reason + ": " + text.error().message};
  TRY(description_, ParseDescribe(*text, name(), version()));
  database_type_ = description_["database_type"].AsString();
  TRY(parameters_, Schema::Compile(description_["parameters_schema"], Schema::Patterns::kIgnored));
  return {};
}

InProcessEngine::~InProcessEngine() {
  if (handle_ != nullptr) {
    // No caller is left. close runs on the thread that ran open. A lost lane answers at once; its
    // engine may still run and is not closed.
    const auto state = std::make_shared<CallState>(clock_.NowMs(), 0, max_bytes_);
    (void)lane_.Run(
        [api = api_, self = handle_, note = note_](const slipway_call*) {
          const CallNote noted(note, "close", "");
          api->close(self);
          return int32_t{SLIPWAY_OK};
        },
        state);
  }
  if (!lane_.lost()) notes_.Return(note_);
}

bool InProcessEngine::CarriesOn(const std::string& version) const {
  const auto& compatible = description_["plan_compat"].items();
  return std::any_of(compatible.begin(), compatible.end(), [&](const Json& entry) {
    const std::string& text = entry.AsString();
    if (!text.ends_with(".*")) return text == version;
    return version.starts_with(text.substr(0, text.size() - 1));
  });
}

Error InProcessEngine::Count(const char* function, Error error) {
  metrics_
      .GetCounter("slipway_engine_call_failures_total", "engine calls that returned no document",
                  {{"engine", name()}, {"function", function}, {"code", CodeName(error.code)}})
      .Add();
  error.engine = name();
  return error;
}

Result<std::string> InProcessEngine::Call(const char* function, const std::string& operation,
                                          Lane::Function body, std::vector<Error>* failures) {
  const int64_t now_ms = clock_.NowMs();
  const auto state = std::make_shared<CallState>(now_ms, now_ms + timeout_ms_, max_bytes_);
  const bool was_lost = lane_.lost();
  const Result<int32_t> code = lane_.Run(
      [body = std::move(body), note = note_, function, operation](const slipway_call* call) {
        const CallNote noted(note, function, operation);
        return body(call);
      },
      state);
  if (!code) {
    // If the lane is lost, its thread owns the state: do not read it.
    if (!was_lost && lane_.lost()) {
      log_.Error("engine.quarantined", {{"engine", name()},
                                        {"engine_version", version()},
                                        {"function", function},
                                        {"timeout_ms", timeout_ms_}});
    } else if (code.error().reason == "EngineThrew") {
      log_.Error("engine.threw", {{"engine", name()}, {"function", function}});
    }
    return Count(function, code.error());
  }
  for (const CallState::LogLine& line : state->log()) {
    auto fields = Json::Parse(line.fields);
    log_.Write(static_cast<Logger::Level>(line.level), "engine.log",
               {{"engine", name()},
                {"engine_version", version()},
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
    return Count(function, {Code::kExhausted, "InputTooLarge",
                            "the input of " + name() + "'s " + function + " has " +
                                std::to_string(text.size()) + " bytes, the limit is " +
                                std::to_string(max_bytes_) + "; " + Largest(input)});
  }
  const int64_t start_ms = clock_.SteadyMs();
  auto out = Call(
      function, input["operation"]["id"].AsString(),
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
    log_.Error("engine.bad_document", {{"engine", name()},
                                       {"engine_version", version()},
                                       {"function", function},
                                       {"problem", document.error().message}});
    return Count(function, document.error());
  }
  return document;
}

Result<Json> InProcessEngine::ValidateOnce(const Json& request, std::vector<Error>* failures) {
  return Checked(
      "validate",
      CallWith("validate", &slipway_engine_api::validate, request, validate_seconds_, failures),
      ParseValidate);
}

Result<void> InProcessEngine::CheckLaws(const Json& request, const Json& validated) {
  const Json& spec = validated["spec"];
  if (const Json* parameters = spec.Find("parameters"); parameters != nullptr) {
    if (const auto wrong = parameters_->Check(*parameters))
      return BrokenLaw("/parameters" + wrong->pointer,
                       wrong->what + ", as describe's parameters_schema demands");
  }
  Json again = request;
  again.Set("spec", spec);
  const auto second = ValidateOnce(again, nullptr);
  if (!second && second.error().code == Code::kInvalid)
    return BrokenLaw("", "is refused when it is validated again: " + second.error().message);
  if (!second) return second.error();
  if ((*second)["spec"] == spec) return {};
  return BrokenLaw(FirstDifference(spec, (*second)["spec"]), "changes when it is validated again");
}

Result<Json> InProcessEngine::Validate(const Json& request, std::vector<Error>* failures) {
  Result<Json> answer = ValidateOnce(request, failures);
  if (answer) {
    if (auto lawful = CheckLaws(request, *answer); !lawful)
      answer = Count("validate", lawful.error());
  }
  if (answer || answer.error().code != Code::kInternal) return answer;
  const Error& why = answer.error();
  log_.Error("engine.misbehaved", {{"engine", name()},
                                   {"engine_version", version()},
                                   {"function", "validate"},
                                   {"reason", why.reason},
                                   {"message", why.message}});
  if (failures != nullptr) failures->clear();
  Error error{Code::kInternal, "EngineMisbehaved",
              "engine " + name() + " " + version() + " broke its contract in validate (" +
                  why.reason + ")" + (IsHostsFinding(why) ? ": " + why.message : "")};
  error.engine = name();
  return error;
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
