#pragma once

#include <memory>
#include <string>
#include <vector>

#include <slipway/engine.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"
#include "engine/lane.h"

namespace slipway::engine {

// An engine in this process, called through its table on its own lane. Any thread.
class InProcessEngine final : public Engine {
 public:
  struct Identity {
    std::string name, version, sha256;
    int abi_major = 0, abi_minor = 0;
  };

  // Opens the engine with its settings and has it describe itself. OpenFailed, BadDescribe, Spun.
  static Result<std::shared_ptr<InProcessEngine>> Open(const slipway_engine_api* api,
                                                       Identity identity, const Json& settings,
                                                       const RegistryOptions& options,
                                                       const Clock& clock, Logger& log,
                                                       Metrics& metrics);
  ~InProcessEngine() override;

  const std::string& name() const override { return identity_.name; }

  const std::string& version() const override { return identity_.version; }

  const std::string& sha256() const override { return identity_.sha256; }

  const std::string& database_type() const override { return database_type_; }

  const Json& description() const override { return description_; }

  const Identity& identity() const { return identity_; }

  bool quarantined() const { return lane_.lost(); }

  Result<Json> Validate(const Json& request, std::vector<Error>* failures) override;
  Result<Json> Plan(const Json& input) override;
  Result<Json> Step(const Json& input) override;

 private:
  using Slot = int32_t (*slipway_engine_api::*)(const slipway_engine*, const slipway_call*,
                                                slipway_bytes);

  InProcessEngine(const slipway_engine_api* api, Identity identity, const RegistryOptions& options,
                  const Clock& clock, Logger& log, Metrics& metrics);
  Result<std::string> Call(const char* function, Lane::Function body, std::vector<Error>* failures);
  Result<std::string> CallWith(const char* function, Slot slot, const Json& input,
                               const Metrics::Histogram& seconds, std::vector<Error>* failures);
  template <class Check>
  Result<Json> Checked(const char* function, Result<std::string> text, Check check);
  Error Count(const char* function, Error error);

  const slipway_engine_api* const api_;  // lives as long as the process
  const Identity identity_;
  const int64_t timeout_ms_;
  const size_t max_bytes_;
  const Clock& clock_;
  Logger& log_;
  Metrics& metrics_;
  const Metrics::Histogram validate_seconds_, plan_seconds_, step_seconds_;
  slipway_engine* handle_ = nullptr;
  std::string database_type_;
  Json description_;
  Lane lane_;
};

}  // namespace slipway::engine
