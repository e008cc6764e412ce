#include "engine/loader.h"

#include "base/crypto.h"
#include "engine/elf_probe.h"
#include "engine/library.h"
#include "engine/trust.h"

namespace slipway::engine {

Result<EngineFile> ReadEngineFile(const EngineConfig& config) {
  EngineFile file;
  TRY(file.bytes, ReadTrusted(config.path));
  file.sha256 = Sha256Hex(file.bytes);
  if (!config.sha256.empty() && !ConstantTimeEqual(file.sha256, config.sha256)) {
    return Error{
        Code::kForbidden, "HashMismatch",
        config.path + " has sha256 " + file.sha256 + ", the configuration pins " + config.sha256};
  }
  return file;
}

Result<std::shared_ptr<InProcessEngine>> LoadEngine(const EngineConfig& config,
                                                    const EngineFile& file,
                                                    const LoadContext& context) {
  TRY(const ElfFacts facts, ProbeElf(file.bytes));
  TRY_VOID(CheckFacts(facts, config.name));
  TRY(const std::string staged, Stage(context.options.state_dir, file.sha256, file.bytes));
  TRY(const slipway_engine_api* api, LoadLibrary(staged));
  InProcessEngine::Identity identity;
  identity.name = facts.engine;
  identity.version = Printable(facts.version, 32);
  identity.sha256 = file.sha256;
  identity.abi_major = facts.abi_major;
  identity.abi_minor = facts.abi_minor;
  return InProcessEngine::Open(api, std::move(identity), config.settings, context.options,
                               context.clock, context.log, context.metrics);
}

Result<EngineFile> ReadStaged(const std::string& state_dir, const std::string& sha256) {
  EngineConfig staged;
  staged.path = state_dir + "/" + sha256 + ".so";
  staged.sha256 = sha256;
  return ReadEngineFile(staged);
}

}  // namespace slipway::engine
