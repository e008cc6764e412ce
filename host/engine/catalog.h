#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/engine.h"

namespace slipway::engine {

enum class EngineState { kLoaded, kDisabled, kRefused, kQuarantined };

// GET /v1/engines shows this. Every file in engines.d has one, however broken.
struct EngineStatus {
  std::string name;
  std::string file;           // the configuration file
  std::string path;           // of the shared object
  std::string database_type;  // "" if the engine never loaded
  std::string title, version, sha256;
  int abi_major = 0, abi_minor = 0;
  EngineState state = EngineState::kRefused;
  std::string reason;   // stable word: "AbiMajor" "ExtraExports" "MissingSymbol" "HashMismatch"
                        // "WorldWritable" "NotElf" "Truncated" "Disabled" "EngineCrashed"
                        // "TypeTaken" "TakenOver" …
  std::string message;  // for a person
  Json capabilities, verbs;
};

const char* EngineStateName(EngineState state);  // LOADED DISABLED INCOMPATIBLE QUARANTINED

// The pipeline's view of all engines. Any thread.
class Catalog {
 public:
  virtual ~Catalog() = default;
  virtual std::vector<EngineStatus> List() const = 0;
  // The engine for new instances of a type. kUnsupported "EngineUnknown", which lists the known
  // types; kUnavailable "EngineUnavailable" "EngineQuarantined" "EngineCrashed" with the reason.
  virtual Result<std::shared_ptr<Engine>> ForType(const std::string& database_type) const = 0;
  // The current version of an engine, for its own instances, even if another engine serves its type
  // now. kUnavailable as in ForType.
  virtual Result<std::shared_ptr<Engine>> ForName(const std::string& engine_name) const = 0;
  // The version that planned an operation. kUnavailable "EngineVersionMissing" when its file is
  // gone, "EngineCrashed" when the host no longer calls it.
  virtual Result<std::shared_ptr<Engine>> ForSha(const std::string& engine_name,
                                                 const std::string& sha256) = 0;
  // The current version of the engine, if its plan_compat lists `version`: it can continue that
  // version's plans. kUnavailable "NoSuccessor" otherwise.
  virtual Result<std::shared_ptr<Engine>> SuccessorOf(const std::string& engine_name,
                                                      const std::string& version) const = 0;
};

}  // namespace slipway::engine
