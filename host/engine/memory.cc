#include "engine/memory.h"

#include <algorithm>

#include "base/json.h"
#include "base/yaml.h"

namespace slipway::engine {
namespace {

constexpr size_t kMaxRemembered = 256;  // crashes

Json ToJson(const std::map<std::string, std::string>& words) {
  Json out = Json::MakeObject();
  for (const auto& [key, value] : words) out.Set(key, value);
  return out;
}

std::map<std::string, std::string> WordsOf(const Json& object) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : object.members()) out[key] = value.AsString();
  return out;
}

}  // namespace

Error Memory::Crash::ToError() const {
  return {Code::kUnavailable, "EngineCrashed",
          engine.name + " " + engine.version + " ended the host " + std::to_string(times) +
              " times in " + call +
              " and is not called again until its file or its settings change",
          "", true};
}

Memory::Memory(std::string file) : file_(std::move(file)) {
  const auto text = ReadFile(file_);
  if (!text) return;
  const auto root = Json::Parse(*text);
  if (!root) return;
  for (const Json& crash : (*root)["crashes"].items()) {
    crashes_.push_back({{crash["engine"].AsString(), crash["version"].AsString(),
                         crash["sha256"].AsString(), crash["settings"].AsString()},
                        crash["call"].AsString(),
                        static_cast<int>(crash["times"].AsInt())});
  }
  types_ = WordsOf((*root)["types"]);
  incumbents_ = WordsOf((*root)["serving"]);
  for (const auto& [type, engines] : (*root)["served"].members())
    for (const Json& engine : engines.items()) former_[type].insert(engine.AsString());
}

Memory::Crash Memory::Count(const EngineBytes& engine, const std::string& call) {
  const auto known = std::find_if(crashes_.begin(), crashes_.end(), [&](const Crash& crash) {
    return crash.engine.Same(engine) && crash.call == call;
  });
  Crash crash{engine, call, known != crashes_.end() ? known->times + 1 : 1};
  if (known != crashes_.end()) crashes_.erase(known);
  if (crashes_.size() >= kMaxRemembered) crashes_.erase(crashes_.begin());
  crashes_.push_back(crash);
  changed_ = true;
  return crash;
}

std::optional<Memory::Crash> Memory::Quarantined(const EngineBytes& engine) const {
  for (const Crash& crash : crashes_) {
    if (crash.engine.Same(engine) && crash.times >= kMaxCrashes) return crash;
  }
  return std::nullopt;
}

std::string Memory::TypeOf(const std::string& engine) const {
  const auto known = types_.find(engine);
  return known != types_.end() ? known->second : "";
}

void Memory::SetType(const std::string& engine, const std::string& type) {
  std::string& known = types_[engine];
  changed_ = changed_ || known != type;
  known = type;
}

std::string Memory::Incumbent(const std::string& type) const {
  const auto known = incumbents_.find(type);
  return known != incumbents_.end() ? known->second : "";
}

void Memory::SetIncumbent(const std::string& type, const std::string& engine) {
  std::string& serving = incumbents_[type];
  if (serving == engine) return;
  if (!serving.empty()) former_[type].insert(serving);
  former_[type].erase(engine);
  serving = engine;
  changed_ = true;
}

bool Memory::ServedBefore(const std::string& type, const std::string& engine) const {
  const auto known = former_.find(type);
  return known != former_.end() && known->second.contains(engine);
}

Result<void> Memory::Save() {
  if (!changed_) return {};
  Json crashes = Json::MakeArray();
  for (const Crash& crash : crashes_) {
    crashes.Push(Json::Obj({{"engine", crash.engine.name},
                            {"version", crash.engine.version},
                            {"sha256", crash.engine.sha256},
                            {"settings", crash.engine.settings},
                            {"call", crash.call},
                            {"times", crash.times}}));
  }
  Json served = Json::MakeObject();
  for (const auto& [type, engines] : former_) {
    for (const std::string& engine : engines) served[type].Push(engine);
  }
  TRY_VOID(WriteFileAtomically(file_,
                               Json::Obj({{"crashes", std::move(crashes)},
                                          {"types", ToJson(types_)},
                                          {"serving", ToJson(incumbents_)},
                                          {"served", std::move(served)}})
                                   .Pretty(),
                               0600));
  changed_ = false;
  return {};
}

}  // namespace slipway::engine
