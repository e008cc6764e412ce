#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::engine {

// One loaded engine version. Calls have limits on time and size. Any thread.
// Besides the engine's own failures the host reports:
//   kExhausted "InputTooLarge": the engine's input is over the limit; the message names its
//     largest member
//   kInternal "EngineThrew" "Unexplained" "BadDocument" (not JSON, or not its schema)
//     "ResultTooLarge"
//   kInternal "EngineMisbehaved": one of these, or a broken rule of the contract, in Validate
//   kUnavailable "EngineQuarantined" (retryable): a call exceeded its time box; the host does not
//     call the engine again
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const std::string& name() const = 0;     // "engine-example"
  virtual const std::string& version() const = 0;  // "1.0.0"
  virtual const std::string& sha256() const = 0;
  virtual const std::string& database_type() const = 0;  // "EXAMPLESQL"
  virtual const Json& description() const = 0;           // the checked describe document
  // `failures` may be null; it receives every failure of the call.
  virtual Result<Json> Validate(const Json& request, std::vector<Error>* failures) = 0;
  virtual Result<Json> Plan(const Json& input) = 0;
  virtual Result<Json> Step(const Json& input) = 0;
};

}  // namespace slipway::engine
