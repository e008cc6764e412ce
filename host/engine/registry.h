#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/catalog.h"

namespace slipway::engine {

struct RegistryOptions {
  std::string config_dir;          // …/engines.d
  std::string state_dir;           // staged engines: <sha256>.so, mode 0700
  int64_t call_timeout_ms = 2000;  // time box of one call
  size_t max_result_bytes = 4u << 20;
};

// All configured engines. A broken file never throws and never hides the others. Reload swaps a
// snapshot; engines in use stay mapped for ever.
//
// One engine serves a database type: the first one, as long as a file configures it, or the engine
// that `takes_over` from it. An engine keeps its own instances: ForName.
//
// The host does not call bytes again that ended the process twice in the same call (crash_notes.h).
class Registry final : public Catalog {
 public:
  // Reads the last process's notes in state_dir and logs them.
  Registry(RegistryOptions options, const Clock& clock, Logger& log, Metrics& metrics);
  ~Registry() override;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Reads engines.d again: loads new and changed files, drops disabled and removed ones.
  void Reload();
  std::vector<EngineStatus> List() const override;
  // Problems of the configuration files ("file:line:col: text") and of their engine files. Runs no
  // engine code. For --check-config.
  static std::vector<std::string> CheckConfig(const std::string& config_dir);

  Result<std::shared_ptr<Engine>> ForType(const std::string& database_type) const override;
  Result<std::shared_ptr<Engine>> ForName(const std::string& engine_name) const override;
  Result<std::shared_ptr<Engine>> ForSha(const std::string& engine_name,
                                         const std::string& sha256) override;
  Result<std::shared_ptr<Engine>> SuccessorOf(const std::string& engine_name,
                                              const std::string& version) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::engine
