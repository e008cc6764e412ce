#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/crypto.h"
#include "base/yaml.h"
#include "engine/config.h"
#include "engine/elf_probe.h"
#include "engine/engine.h"
#include "engine/loader.h"
#include "engine/trust.h"

namespace slipway::engine {
namespace {

using EnginePtr = std::shared_ptr<InProcessEngine>;

// Versions kept open beside the current ones, for operations that began with them.
constexpr size_t kMaxOldVersions = 8;

// One file of engines.d.
struct Entry {
  EngineStatus status;
  EngineConfig config;
  std::string config_digest;
  EnginePtr engine;  // null unless loaded
};

using Snapshot = std::map<std::string, Entry>;  // by file, so by the order they are read in

bool IsSha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

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

void Refuse(Entry& entry, const Error& error) {
  entry.status.state = error.reason == "Spun" ? EngineState::kQuarantined : EngineState::kRefused;
  entry.status.reason = error.reason;
  entry.status.message = Printable(error.message);
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

// Guarded by one mutex, which is never held while a file is read or an engine runs; `loading` lets
// one thread load at a time.
struct Registry::Impl {
  RegistryOptions options;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
  const Metrics::Gauge loaded;

  std::mutex loading;
  mutable std::mutex mutex;
  Snapshot snapshot;
  std::vector<EnginePtr> old;  // newest last

  Impl(RegistryOptions o, const Clock& c, Logger& l, Metrics& m)
      : options(std::move(o)),
        clock(c),
        log(l),
        metrics(m),
        loaded(m.GetGauge("slipway_engines_loaded", "engines that can be called")) {}

  LoadContext Context() { return {options, clock, log, metrics}; }

  Snapshot Current() const {
    const std::lock_guard lock(mutex);
    return snapshot;
  }

  Entry Read(const std::string& file, const Entry* before, const std::set<std::string>& names);
  void Load(Entry& entry, const Entry* before);
};

// The configuration file; the engine itself is Load's.
Entry Registry::Impl::Read(const std::string& file, const Entry* before,
                           const std::set<std::string>& names) {
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
  if (parsed.problems.empty() && names.contains(entry.config.name)) {
    parsed.problems.push_back(file + ": another file configures " + entry.config.name + " already");
  }
  if (!parsed.problems.empty()) {
    Refuse(entry, {Code::kInvalid, "BadConfig", Join(parsed.problems)});
    return entry;
  }
  if (!entry.config.enabled) {
    if (before != nullptr) entry.status = before->status;  // its type and title are still known
    entry.status.name = entry.config.name;
    entry.status.path = entry.config.path;
    entry.status.state = EngineState::kDisabled;
    entry.status.reason = "Disabled";
    entry.status.message = "disabled by its configuration";
    return entry;
  }
  Load(entry, before);
  return entry;
}

void Registry::Impl::Load(Entry& entry, const Entry* before) {
  const bool same_name = before != nullptr && before->status.name == entry.status.name;
  auto file = ReadEngineFile(entry.config);
  if (file && same_name && before->engine && before->config_digest == entry.config_digest &&
      before->engine->sha256() == file->sha256) {
    // Nothing changed. A quarantined one stays so: it would cost a thread each time.
    entry.engine = before->engine;
  } else if (file && same_name && !before->engine && before->status.reason == "Spun" &&
             before->config_digest == entry.config_digest &&
             before->status.sha256 == file->sha256) {
    entry.status = before->status;
    return;
  } else {
    Result<EnginePtr> engine =
        file ? LoadEngine(entry.config, *file, Context()) : Result<EnginePtr>(file.error());
    if (file) entry.status.sha256 = file->sha256;
    if (!engine) {
      log.Warn("engine.refused", {{"engine", entry.status.name},
                                  {"reason", engine.error().reason},
                                  {"message", Printable(engine.error().message)}});
      Refuse(entry, engine.error());
      // What worked goes on working; the status says why it is not the new one.
      if (same_name && before->engine && !before->engine->quarantined()) {
        entry.engine = before->engine;
        entry.config_digest.clear();  // try again next time
        Describe(*entry.engine, entry.status);
        entry.status.state = EngineState::kLoaded;
      }
      return;
    }
    entry.engine = *std::move(engine);
    log.Info("engine.loaded", {{"engine", entry.status.name},
                               {"engine_version", entry.engine->version()},
                               {"sha256", entry.engine->sha256()},
                               {"database_type", entry.engine->database_type()}});
  }
  Describe(*entry.engine, entry.status);
  entry.status.state = EngineState::kLoaded;
}

Registry::Registry(RegistryOptions options, const Clock& clock, Logger& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), clock, log, metrics)) {}

Registry::~Registry() = default;

void Registry::Reload() {
  const std::lock_guard loading(impl_->loading);
  const Snapshot before = impl_->Current();
  Snapshot next;
  std::set<std::string> names;
  std::map<std::string, std::string> types;  // type → engine
  double loaded = 0;
  for (const std::string& file : ListConfigFiles(impl_->options.config_dir)) {
    const auto it = before.find(file);
    Entry entry = impl_->Read(file, it == before.end() ? nullptr : &it->second, names);
    if (!entry.config.name.empty()) names.insert(entry.config.name);
    if (entry.engine) {
      const auto [owner, fresh] = types.emplace(entry.engine->database_type(), entry.status.name);
      if (!fresh) {
        entry.engine.reset();
        Refuse(entry, {Code::kConflict, "DuplicateType",
                       entry.status.database_type + " is served by " + owner->second + " already"});
      }
    }
    loaded += entry.engine ? 1 : 0;
    next.emplace(file, std::move(entry));
  }
  std::vector<EnginePtr> dropped;  // closed after the lock is gone
  {
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
  impl_->loaded.Set(loaded);
}

std::vector<EngineStatus> Registry::List() const {
  std::vector<EngineStatus> out;
  for (const auto& [file, entry] : impl_->Current()) {
    EngineStatus status = entry.status;
    if (entry.engine && entry.engine->quarantined()) {
      status.state = EngineState::kQuarantined;
      status.reason = "Spun";
      status.message =
          "the engine did not return from a call and is not called again until it is replaced";
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
  }
  return problems;
}

Result<std::shared_ptr<Engine>> Registry::ForType(const std::string& database_type) const {
  const Snapshot snapshot = impl_->Current();
  for (const auto& [file, entry] : snapshot) {
    if (!entry.engine || entry.engine->database_type() != database_type) continue;
    if (entry.engine->quarantined()) {
      return Error{Code::kUnavailable, "EngineQuarantined",
                   entry.status.name + " did not return from a call and waits to be replaced", "",
                   true};
    }
    return std::shared_ptr<Engine>(entry.engine);
  }
  for (const auto& [file, entry] : snapshot) {
    if (database_type.empty() || entry.status.database_type != database_type) continue;
    return Error{Code::kUnavailable, "EngineUnavailable",
                 entry.status.name + " is " + entry.status.reason + ": " + entry.status.message, "",
                 true};
  }
  return Error{Code::kUnsupported, "EngineUnknown",
               "no engine provides " + Json::Quote(Printable(database_type, 64))};
}

Result<std::shared_ptr<Engine>> Registry::ForSha(const std::string& engine_name,
                                                 const std::string& sha256) {
  const auto find = [&]() -> EnginePtr {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [file, entry] : impl_->snapshot) {
      if (entry.engine && entry.engine->name() == engine_name && entry.engine->sha256() == sha256)
        return entry.engine;
    }
    for (auto it = impl_->old.rbegin(); it != impl_->old.rend(); ++it) {
      if ((*it)->name() == engine_name && (*it)->sha256() == sha256) return *it;
    }
    return nullptr;
  };
  if (EnginePtr engine = find()) return std::shared_ptr<Engine>(std::move(engine));

  const auto missing = [&](const std::string& why) {
    return Error{Code::kUnavailable, "EngineVersionMissing",
                 engine_name + " with sha256 " + Printable(sha256, 64) + " cannot be had: " + why,
                 "", true};
  };
  const std::lock_guard loading(impl_->loading);
  if (EnginePtr engine = find()) return std::shared_ptr<Engine>(std::move(engine));
  if (!IsSha256(sha256)) return missing("not a digest");
  EngineConfig config;
  for (const auto& [file, entry] : impl_->Current()) {
    if (entry.config.name == engine_name && entry.config.enabled) config = entry.config;
  }
  if (config.name.empty()) return missing("no enabled configuration names this engine");
  const auto file = ReadStaged(impl_->options.state_dir, sha256);
  if (!file) return missing(file.error().message);
  auto engine = LoadEngine(config, *file, impl_->Context());
  if (!engine) return missing(engine.error().reason + ": " + engine.error().message);
  std::vector<EnginePtr> dropped;
  const std::lock_guard lock(impl_->mutex);
  impl_->old.push_back(*engine);
  return std::shared_ptr<Engine>(*std::move(engine));
}

}  // namespace slipway::engine
