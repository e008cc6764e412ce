#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"

namespace slipway::engine {

// One failure that an engine reported through fail(); validate() may report several.
struct Failure {
  Error error;  // code from the ABI, reason, message, field
};

// The outcome of a call that the engine refused.
struct CallError {
  Error error;             // the first failure, or what the host found wrong
  std::vector<Error> all;  // validate: every failure
};

// One loaded engine version. Calls are time-boxed and size-limited, any thread.
// Beyond the engine's own failures the host reports:
//   kInternal "EngineThrew" "Unexplained" "BadDocument" (not JSON, or not its schema)
//   kInternal "ResultTooLarge"
//   kUnavailable "EngineQuarantined" (retryable): the engine spun past its box and is not called
//   again
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const std::string& name() const = 0;     // "engine-example"
  virtual const std::string& version() const = 0;  // "1.0.0"
  virtual const std::string& sha256() const = 0;
  virtual const std::string& database_type() const = 0;  // "EXAMPLESQL"
  virtual const Json& description() const = 0;           // the describe document, checked
  // `failures`, when given, receives every failure of the call.
  virtual Result<Json> Validate(const Json& request, std::vector<Error>* failures) = 0;
  virtual Result<Json> Plan(const Json& input) = 0;
  virtual Result<Json> Step(const Json& input) = 0;
};

enum class EngineState { kLoaded, kDisabled, kRefused, kQuarantined };

// What GET /v1/engines shows. Present for every file in engines.d, however broken.
struct EngineStatus {
  std::string name;
  std::string file;           // the configuration file
  std::string path;           // of the shared object
  std::string database_type;  // "" when it never loaded
  std::string title, version, sha256;
  int abi_major = 0, abi_minor = 0;
  EngineState state = EngineState::kRefused;
  std::string reason;   // stable word: "AbiMajor" "ExtraExports" "MissingSymbol" "HashMismatch"
                        // "WorldWritable" "NotElf" "Truncated" "Disabled" …
  std::string message;  // the sentence
  Json capabilities, verbs;
};

const char* EngineStateName(EngineState state);  // LOADED DISABLED INCOMPATIBLE QUARANTINED

struct RegistryOptions {
  std::string config_dir;          // …/engines.d
  std::string state_dir;           // engines are staged here as <sha256>.so, 0700
  int64_t call_timeout_ms = 2000;  // box of one call
  size_t max_result_bytes = 4u << 20;
};

// All engines that the configuration names. A broken file never throws and never hides the others.
// A snapshot is swapped on Reload; engines in use stay mapped for ever.
class Registry {
 public:
  Registry(RegistryOptions options, const Clock& clock, Logger& log, Metrics& metrics);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Reads engines.d again: new and changed files are loaded, disabled or removed ones leave.
  void Reload();
  std::vector<EngineStatus> List() const;
  // Problems of the configuration files only ("file:line:col: text"), without loading. For
  // --check-config.
  static std::vector<std::string> CheckConfig(const std::string& config_dir);

  // kUnsupported "EngineUnknown" | kUnavailable "EngineUnavailable"/"EngineQuarantined" with the
  // reason.
  Result<std::shared_ptr<Engine>> ForType(const std::string& database_type) const;
  // The version that planned an operation. kUnavailable "EngineVersionMissing" when it cannot be
  // had.
  Result<std::shared_ptr<Engine>> ForSha(const std::string& engine_name, const std::string& sha256);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::engine
