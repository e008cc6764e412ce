#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <slipway/engine.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/crash_notes.h"
#include "engine/engine.h"
#include "engine/lane.h"
#include "engine/schema.h"

namespace slipway::engine {

struct LoadContext;

// An engine in this process. Calls go through its table, on its own lane. Any thread.
class InProcessEngine final : public Engine {
 public:
  struct Identity {
    EngineBytes bytes;
    int abi_major = 0, abi_minor = 0;
  };

  // Maps the library at `path`, opens the engine with its settings and calls describe, all on the
  // lane. Reasons: LoadLibrary's, OpenFailed, BadDescribe, MissingFeature, Spun.
  static Result<std::shared_ptr<InProcessEngine>> Open(const std::string& path, Identity identity,
                                                       const Json& settings,
                                                       const LoadContext& context);
  ~InProcessEngine() override;

  const std::string& name() const override { return identity_.bytes.name; }

  const std::string& version() const override { return identity_.bytes.version; }

  const std::string& sha256() const override { return identity_.bytes.sha256; }

  const std::string& database_type() const override { return database_type_; }

  const Json& description() const override { return description_; }

  const Identity& identity() const { return identity_; }

  bool quarantined() const { return lane_.lost(); }

  // True when this engine can continue the plans of that version.
  bool CarriesOn(const std::string& version) const;

  Result<Json> Validate(const Json& request, std::vector<Error>* failures) override;
  Result<Json> Plan(const Json& input) override;
  Result<Json> Step(const Json& input) override;

 private:
  using Slot = int32_t (*slipway_engine_api::*)(const slipway_engine*, const slipway_call*,
                                                slipway_bytes);

  InProcessEngine(Identity identity, const LoadContext& context);
  Result<void> Load(const std::string& path);
  Result<void> OpenWith(const Json& settings);
  Result<void> Describe();
  Result<std::string> Call(const char* function, const std::string& operation, Lane::Function body,
                           std::vector<Error>* failures);
  Result<std::string> CallWith(const char* function, Slot slot, const Json& input,
                               const Metrics::Histogram& seconds, std::vector<Error>* failures);
  template <class Check>
  Result<Json> Checked(const char* function, Result<std::string> text, Check check);
  Result<Json> ValidateOnce(const Json& request, std::vector<Error>* failures);
  Result<void> CheckLaws(const Json& request, const Json& validated);
  Error Count(const char* function, Error error);

  const Identity identity_;
  const int64_t timeout_ms_;
  const size_t max_bytes_;
  const Clock& clock_;
  Logger& log_;
  Metrics& metrics_;
  CrashNotes& notes_;
  CrashNotes::Slot* const note_;
  const Metrics::Histogram validate_seconds_, plan_seconds_, step_seconds_;
  const slipway_engine_api* api_ = nullptr;  // valid until the process ends
  slipway_engine* handle_ = nullptr;
  std::string database_type_;
  Json description_;
  std::optional<Schema> parameters_;
  Lane lane_;
};

}  // namespace slipway::engine
