#include "engine/loader.h"

#include "base/crypto.h"
#include "engine/elf_probe.h"
#include "engine/text.h"
#include "engine/trust.h"

namespace slipway::engine {
namespace {

Result<ElfFacts> Probe(const EngineConfig& config, const EngineFile& file) {
  TRY(ElfFacts facts, ProbeElf(file.bytes));
  TRY_VOID(CheckFacts(facts, config.name));
  return facts;
}

}  // namespace

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

EngineBytes BytesOf(const EngineConfig& config, const EngineFile& file) {
  return {config.name, "", file.sha256, Sha256Hex(config.settings.Dump()).substr(0, 16)};
}

Result<void> ProbeEngine(const EngineConfig& config, const EngineFile& file) {
  TRY(const ElfFacts facts, Probe(config, file));
  return {};
}

Result<std::shared_ptr<InProcessEngine>> LoadEngine(const EngineConfig& config,
                                                    const EngineFile& file,
                                                    const LoadContext& context) {
  TRY(const ElfFacts facts, Probe(config, file));
  TRY(const std::string staged, Stage(context.options.state_dir, file.sha256, file.bytes));
  InProcessEngine::Identity identity;
  identity.bytes = BytesOf(config, file);
  identity.bytes.version = Printable(facts.version, 32);
  identity.abi_major = facts.abi_major;
  identity.abi_minor = facts.abi_minor;
  return InProcessEngine::Open(staged, std::move(identity), config.settings, context);
}

Result<EngineFile> ReadStaged(const std::string& state_dir, const std::string& sha256) {
  EngineConfig staged;
  staged.path = state_dir + "/" + sha256 + ".so";
  staged.sha256 = sha256;
  return ReadEngineFile(staged);
}

}  // namespace slipway::engine
