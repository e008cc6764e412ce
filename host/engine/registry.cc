#include "engine/registry.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "base/yaml.h"
#include "engine/crash_signals.h"
#include "engine/entry.h"
#include "engine/text.h"
#include "engine/trust.h"

namespace slipway::engine {
namespace {

using EnginePtr = std::shared_ptr<InProcessEngine>;
using Found = Result<std::shared_ptr<Engine>>;

// Old versions that stay open for the operations that began with them.
constexpr size_t kMaxOldVersions = 8;
constexpr char kTypeTaken[] = "TypeTaken";
constexpr char kCrashed[] = "EngineCrashed";
constexpr char kSpun[] =
    "the engine did not return from a call and is not called again until it is replaced";

bool IsSha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void Add(std::string& list, const std::string& word) {
  list += (list.empty() ? "" : ", ") + word;
}

// The entry's engine, or the reason why it cannot be called.
Found Callable(const Entry& entry) {
  const EngineStatus& status = entry.status;
  if (entry.engine && !entry.engine->quarantined()) return std::shared_ptr<Engine>(entry.engine);
  if (entry.engine) {
    return Error{Code::kUnavailable, "EngineQuarantined",
                 status.name + " did not return from a call and waits to be replaced", "", true};
  }
  if (status.reason == kCrashed)
    return Error{Code::kUnavailable, kCrashed, status.message, "", true};
  return Error{Code::kUnavailable, "EngineUnavailable",
               status.name + " is " + status.reason + ": " + status.message, "", true};
}

Error Unknown(const Snapshot& snapshot, const std::string& database_type) {
  std::string served, broken;
  for (const auto& [file, entry] : snapshot) {
    if (entry.serves) Add(served, entry.engine->database_type());
    if (!entry.engine && !entry.status.name.empty())
      Add(broken, entry.status.name + " (" + entry.status.reason + ")");
  }
  return {Code::kUnsupported, "EngineUnknown",
          "no engine provides " + Json::Quote(Printable(database_type, 64)) +
              "; known types: " + (served.empty() ? "none" : served) +
              (broken.empty() ? "" : "; not loaded: " + broken)};
}

}  // namespace

const char* EngineStateName(EngineState state) {
  switch (state) {
    case EngineState::kLoaded:
      return "LOADED";
    case EngineState::kDisabled:
      return "DISABLED";
    case EngineState::kRefused:
      return "INCOMPATIBLE";
    case EngineState::kQuarantined:
      return "QUARANTINED";
  }
  return "INCOMPATIBLE";
}

// One mutex guards it; no thread holds it while it reads a file or runs an engine. `loading` lets
// one thread load at a time and guards the memory.
struct Registry::Impl {
  RegistryOptions options;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
  const Metrics::Gauge loaded;
  CrashNotes notes;

  std::mutex loading;
  Memory memory;
  mutable std::mutex mutex;
  Snapshot snapshot;
  std::vector<EnginePtr> old;  // newest last

  Impl(RegistryOptions o, const Clock& c, Logger& l, Metrics& m)
      : options(std::move(o)),
        clock(c),
        log(l),
        metrics(m),
        loaded(m.GetGauge("slipway_engines_loaded", "engines that can be called")),
        notes(options.state_dir),
        memory(options.state_dir + "/registry.json") {}

  LoadContext Context() { return {options, clock, log, metrics, notes}; }

  Snapshot Current() const {
    const std::lock_guard lock(mutex);
    return snapshot;
  }

  void Save() {
    if (const auto saved = memory.Save(); !saved)
      log.Warn("engine.memory_not_saved", {{"message", saved.error().message}});
  }

  void Recover();
  EnginePtr Find(const std::string& engine_name, const std::string& sha256) const;
};

// Counts the crashes of the last process. It saves the counts before it clears the notes: a crash
// in between counts a real crash twice.
void Registry::Impl::Recover() {
  for (const CrashNotes::Left& left : notes.left()) {
    if (left.engine.sha256.empty()) {
      log.Error("host.crashed", {{"signal", left.end}});
      continue;
    }
    if (left.end == 0) {
      log.Info("engine.call_cut_off", {{"engine", left.engine.name},
                                       {"engine_version", left.engine.version},
                                       {"sha256", left.engine.sha256},
                                       {"function", left.call},
                                       {"operation", left.operation}});
      continue;
    }
    const Memory::Crash crash = memory.Count(left.engine, left.call);
    const bool exited = left.end == kExited;
    log.Error("engine.crashed", {{"engine", left.engine.name},
                                 {"engine_version", left.engine.version},
                                 {"sha256", left.engine.sha256},
                                 {"function", left.call},
                                 {"operation", left.operation},
                                 {"signal", exited ? Json() : Json(left.end)},
                                 {"exited", exited},
                                 {"times", crash.times},
                                 {"quarantined", crash.times >= Memory::kMaxCrashes}});
  }
  Save();
}

EnginePtr Registry::Impl::Find(const std::string& engine_name, const std::string& sha256) const {
  const std::lock_guard lock(mutex);
  for (const auto& [file, entry] : snapshot) {
    if (entry.engine && entry.engine->name() == engine_name && entry.engine->sha256() == sha256)
      return entry.engine;
  }
  for (auto it = old.rbegin(); it != old.rend(); ++it) {
    if ((*it)->name() == engine_name && (*it)->sha256() == sha256) return *it;
  }
  return nullptr;
}

Registry::Registry(RegistryOptions options, const Clock& clock, Logger& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), clock, log, metrics)) {
  impl_->Recover();
  if (!impl_->notes.Begin()) log.Warn("engine.no_notes", {{"directory", impl_->options.state_dir}});
  SetHostMark(impl_->notes.MarkForThreads({}));
  WatchForCrashes();
}

Registry::~Registry() = default;

void Registry::Reload() {
  const std::lock_guard loading(impl_->loading);
  const Snapshot before = impl_->Current();
  Snapshot next;
  std::set<std::string> names;
  for (const std::string& file : ListConfigFiles(impl_->options.config_dir)) {
    const auto it = before.find(file);
    Entry entry = ReadEntry(file, it == before.end() ? nullptr : &it->second, names,
                            impl_->Context(), impl_->memory);
    if (!entry.config.name.empty()) names.insert(entry.config.name);
    next.emplace(file, std::move(entry));
  }
  ServeTypes(next, impl_->memory);
  impl_->Save();
  impl_->loaded.Set(static_cast<double>(std::count_if(
      next.begin(), next.end(), [](const auto& entry) { return entry.second.engine != nullptr; })));
  std::vector<EnginePtr> dropped;  // closed after the lock is released
  const std::lock_guard lock(impl_->mutex);
  for (const auto& [file, entry] : before) {
    const auto it = next.find(file);
    const bool kept = it != next.end() && it->second.engine == entry.engine;
    if (entry.engine && !kept) impl_->old.push_back(entry.engine);
  }
  while (impl_->old.size() > kMaxOldVersions) {
    dropped.push_back(std::move(impl_->old.front()));
    impl_->old.erase(impl_->old.begin());
  }
  impl_->snapshot = std::move(next);
}

std::vector<EngineStatus> Registry::List() const {
  std::vector<EngineStatus> out;
  for (const auto& [file, entry] : impl_->Current()) {
    EngineStatus status = entry.status;
    if (entry.engine && entry.engine->quarantined()) {
      status.state = EngineState::kQuarantined;
      status.reason = "Spun";
      status.message = kSpun;
    }
    out.push_back(std::move(status));
  }
  return out;
}

std::vector<std::string> Registry::CheckConfig(const std::string& config_dir) {
  std::vector<std::string> problems;
  std::map<std::string, std::string> names;
  for (const std::string& file : ListConfigFiles(config_dir)) {
    if (const auto trusted = CheckConfigFile(file); !trusted) {
      problems.push_back(file + ": " + trusted.error().message);
      continue;
    }
    const auto text = ReadFile(file);
    if (!text) {
      problems.push_back(text.error().message);
      continue;
    }
    const ParsedConfig parsed = ParseEngineConfig(file, *text);
    problems.insert(problems.end(), parsed.problems.begin(), parsed.problems.end());
    if (parsed.config.name.empty()) continue;
    const auto [first, fresh] = names.emplace(parsed.config.name, file);
    if (!fresh)
      problems.push_back(file + ": " + first->second + " configures " + parsed.config.name +
                         " already");
    if (!parsed.problems.empty() || !parsed.config.enabled) continue;
    const auto engine = ReadEngineFile(parsed.config);
    const auto probed = engine ? ProbeEngine(parsed.config, *engine) : Result<void>(engine.error());
    if (!probed)
      problems.push_back(file + ": " + probed.error().reason + ": " + probed.error().message);
  }
  return problems;
}

Found Registry::ForType(const std::string& database_type) const {
  const Snapshot snapshot = impl_->Current();
  for (const auto& [file, entry] : snapshot)
    if (entry.serves && entry.engine->database_type() == database_type) return Callable(entry);
  for (const auto& [file, entry] : snapshot) {
    const EngineStatus& status = entry.status;
    if (!entry.engine && status.reason != kTypeTaken && !database_type.empty() &&
        status.database_type == database_type)
      return Callable(entry);  // the type is this engine's
  }
  return Unknown(snapshot, database_type);
}

Found Registry::ForName(const std::string& engine_name) const {
  for (const auto& [file, entry] : impl_->Current()) {
    // A second file with the same engine name was refused.
    if (entry.config.name == engine_name) return Callable(entry);
  }
  return Error{Code::kUnavailable, "EngineUnavailable",
               "no file of engines.d configures " + Json::Quote(Printable(engine_name, 64)), "",
               true};
}

Found Registry::SuccessorOf(const std::string& engine_name, const std::string& version) const {
  TRY(const auto found, ForName(engine_name));
  const auto engine = std::static_pointer_cast<InProcessEngine>(found);
  if (engine->CarriesOn(version)) return found;
  return Error{Code::kUnavailable, "NoSuccessor",
               engine_name + " " + engine->version() + " does not list " + Printable(version, 32) +
                   " in plan_compat: it cannot continue that version's plans",
               "", true};
}

Found Registry::ForSha(const std::string& engine_name, const std::string& sha256) {
  if (EnginePtr engine = impl_->Find(engine_name, sha256))
    return std::shared_ptr<Engine>(std::move(engine));

  const auto missing = [&](const std::string& why) {
    return Error{
        Code::kUnavailable, "EngineVersionMissing",
        engine_name + " with sha256 " + Printable(sha256, 64) + " is not available: " + why, "",
        true};
  };
  const std::lock_guard loading(impl_->loading);
  if (EnginePtr engine = impl_->Find(engine_name, sha256))
    return std::shared_ptr<Engine>(std::move(engine));
  if (!IsSha256(sha256)) return missing("not a digest");
  EngineConfig config;
  for (const auto& [file, entry] : impl_->Current()) {
    if (entry.config.name == engine_name && entry.config.enabled) config = entry.config;
  }
  if (config.name.empty()) return missing("no enabled configuration names this engine");
  const auto file = ReadStaged(impl_->options.state_dir, sha256);
  if (!file) return missing(file.error().message);
  if (const auto crash = impl_->memory.Quarantined(BytesOf(config, *file))) return crash->ToError();
  auto engine = LoadEngine(config, *file, impl_->Context());
  if (!engine) return missing(engine.error().reason + ": " + engine.error().message);
  const std::lock_guard lock(impl_->mutex);
  impl_->old.push_back(*engine);
  return std::shared_ptr<Engine>(*std::move(engine));
}

}  // namespace slipway::engine
