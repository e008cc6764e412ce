#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "engine/config.h"
#include "engine/in_process_engine.h"

namespace slipway::engine {

// What an engine gets from the host.
struct LoadContext {
  const RegistryOptions& options;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
};

// The file's bytes, trusted and equal to the pin if there is one, and their digest. Adds
// HashMismatch to the reasons of ReadTrusted.
struct EngineFile {
  std::string bytes, sha256;
};

Result<EngineFile> ReadEngineFile(const EngineConfig& config);

// From bytes to a described engine; each step only makes it stricter and nothing of the file runs
// before the last ones. The error's reason is one of the stable words of EngineStatus.
Result<std::shared_ptr<InProcessEngine>> LoadEngine(const EngineConfig& config,
                                                    const EngineFile& file,
                                                    const LoadContext& context);

// The copy that was staged for an earlier version, or kNotFound.
Result<EngineFile> ReadStaged(const std::string& state_dir, const std::string& sha256);

}  // namespace slipway::engine
