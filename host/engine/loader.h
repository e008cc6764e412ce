#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "engine/config.h"
#include "engine/crash_notes.h"
#include "engine/in_process_engine.h"
#include "engine/registry.h"

namespace slipway::engine {

// The parts of the host that an engine needs.
struct LoadContext {
  const RegistryOptions& options;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
  CrashNotes& notes;
};

// The trusted bytes of an engine file and their digest, which equals the pin if there is one.
// Reasons: ReadTrusted's and HashMismatch.
struct EngineFile {
  std::string bytes, sha256;
};

Result<EngineFile> ReadEngineFile(const EngineConfig& config);

// The file with the configuration's settings; the version is not known yet.
EngineBytes BytesOf(const EngineConfig& config, const EngineFile& file);

// Checks the file without running any of its code.
Result<void> ProbeEngine(const EngineConfig& config, const EngineFile& file);

// Turns the bytes into a described engine. The file's code runs only after all checks of the file.
// The error's reason is one of the stable words of EngineStatus.
Result<std::shared_ptr<InProcessEngine>> LoadEngine(const EngineConfig& config,
                                                    const EngineFile& file,
                                                    const LoadContext& context);

// The staged copy of an earlier version, or kNotFound.
Result<EngineFile> ReadStaged(const std::string& state_dir, const std::string& sha256);

}  // namespace slipway::engine
