#include "engine/entry.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/yaml.h"
#include "engine/text.h"
#include "engine/trust.h"

namespace slipway::engine {
namespace {

std::string Join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "; ") + line;
  return out;
}

void Describe(const InProcessEngine& engine, EngineStatus& status) {
  status.database_type = engine.database_type();
  status.title = engine.description()["title"].AsString();
  status.version = engine.version();
  status.sha256 = engine.sha256();
  status.abi_major = engine.identity().abi_major;
  status.abi_minor = engine.identity().abi_minor;
  status.capabilities = engine.description()["capabilities"];
  status.verbs = engine.description()["verbs"];
}

// True when the engine was quarantined during open and neither configuration nor bytes changed:
// another try would cost a thread.
bool StillSpins(const Entry& entry, const Entry& before, const EngineFile& file) {
  return !before.engine && before.status.reason == "Spun" &&
         before.config_digest == entry.config_digest && before.status.sha256 == file.sha256;
}

bool Unchanged(const Entry& entry, const Entry& before, const EngineFile& file) {
  return before.engine && before.config_digest == entry.config_digest &&
         before.engine->sha256() == file.sha256;
}

void Load(Entry& entry, const Entry* before, const LoadContext& context, const Memory& memory) {
  if (before != nullptr && before->status.name != entry.status.name) before = nullptr;
  const auto file = ReadEngineFile(entry.config);
  if (file) entry.status.sha256 = file->sha256;
  if (file && before != nullptr && StillSpins(entry, *before, *file)) {
    entry.status = before->status;
    return;
  }
  if (file && before != nullptr && Unchanged(entry, *before, *file)) {
    entry.engine = before->engine;
  } else {
    auto engine = file ? Result<std::shared_ptr<InProcessEngine>>(nullptr)
                       : Result<std::shared_ptr<InProcessEngine>>(file.error());
    const auto crash = file ? memory.Quarantined(BytesOf(entry.config, *file)) : std::nullopt;
    if (crash) {
      engine = crash->ToError();
    } else if (file) {
      engine = LoadEngine(entry.config, *file, context);
    }
    if (!engine) {
      context.log.Warn("engine.refused", {{"engine", entry.status.name},
                                          {"reason", engine.error().reason},
                                          {"message", Printable(engine.error().message)}});
      Refuse(entry, engine.error());
      if (crash && !crash->InLoading()) entry.status.state = EngineState::kQuarantined;
      // A working engine stays; the status says why its replacement did not load.
      if (before == nullptr || !before->engine || before->engine->quarantined()) return;
      entry.engine = before->engine;
      entry.config_digest.clear();  // try again next time
      Describe(*entry.engine, entry.status);
      entry.status.state = EngineState::kLoaded;
      return;
    }
    entry.engine = *std::move(engine);
    context.log.Info("engine.loaded", {{"engine", entry.status.name},
                                       {"engine_version", entry.engine->version()},
                                       {"sha256", entry.engine->sha256()},
                                       {"database_type", entry.engine->database_type()}});
  }
  Describe(*entry.engine, entry.status);
  entry.status.state = EngineState::kLoaded;
}

}  // namespace

void Refuse(Entry& entry, const Error& error) {
  entry.engine.reset();
  entry.status.state = error.reason == "Spun" ? EngineState::kQuarantined : EngineState::kRefused;
  entry.status.reason = error.reason;
  entry.status.message = Printable(error.message);
}

Entry ReadEntry(const std::string& file, const Entry* before, const std::set<std::string>& names,
                const LoadContext& context, const Memory& memory) {
  Entry entry;
  entry.status.file = file;
  if (const auto trusted = CheckConfigFile(file); !trusted) {
    Refuse(entry, trusted.error());
    return entry;
  }
  const auto text = ReadFile(file);
  if (!text) {
    Refuse(entry, {Code::kInternal, "NotFound", text.error().message});
    return entry;
  }
  entry.config_digest = Sha256Hex(*text);
  ParsedConfig parsed = ParseEngineConfig(file, *text);
  entry.config = std::move(parsed.config);
  entry.status.name = entry.config.name;
  entry.status.path = entry.config.path;
  entry.status.database_type = memory.TypeOf(entry.config.name);
  if (parsed.problems.empty() && names.contains(entry.config.name)) {
    parsed.problems.push_back(file + ": another file configures " + entry.config.name + " already");
  }
  if (!parsed.problems.empty()) {
    Refuse(entry, {Code::kInvalid, "BadConfig", Join(parsed.problems)});
    return entry;
  }
  if (!entry.config.enabled) {
    if (before != nullptr) entry.status = before->status;  // its title is still known
    entry.status.name = entry.config.name;
    entry.status.path = entry.config.path;
    entry.status.state = EngineState::kDisabled;
    entry.status.reason = "Disabled";
    entry.status.message = "disabled by its configuration";
    return entry;
  }
  Load(entry, before, context, memory);
  return entry;
}

void ServeTypes(Snapshot& snapshot, Memory& memory) {
  std::set<std::string> configured;
  std::map<std::string, std::vector<Entry*>> loaded;  // by database type
  for (auto& [file, entry] : snapshot) {
    configured.insert(entry.config.name);
    if (!entry.engine) continue;
    loaded[entry.engine->database_type()].push_back(&entry);
    memory.SetType(entry.config.name, entry.engine->database_type());
  }
  for (auto& [type, entries] : loaded) {
    // A broken or disabled file keeps its engine's type; only its removal frees the type.
    std::string serving = memory.Incumbent(type);
    if (!configured.contains(serving) || memory.TypeOf(serving) != type)
      serving = entries.front()->config.name;
    for (const Entry* entry : entries)
      if (entry->config.takes_over == serving) serving = entry->config.name;
    memory.SetIncumbent(type, serving);
    for (Entry* entry : entries) {
      entry->serves = entry->config.name == serving;
      if (entry->serves) continue;
      if (memory.ServedBefore(type, entry->config.name)) {
        entry->status.reason = "TakenOver";
        entry->status.message = serving + " serves " + type + " now; the instances that " +
                                entry->config.name + " made stay with it";
        continue;
      }
      Refuse(*entry, {Code::kConflict, "TypeTaken",
                      type + " is served by " + serving + "; `takes_over: " + serving + "` in " +
                          entry->status.file + " gives it to " + entry->config.name});
    }
  }
}

}  // namespace slipway::engine
