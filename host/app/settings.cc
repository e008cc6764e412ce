#include "app/settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>

#include "app/environment.h"
#include "app/settings_lists.h"
#include "base/yaml.h"
#include "base/yaml_field.h"

namespace slipway::app {
namespace {

enum class Kind { kText, kInteger, kFlag };

// One setting: its place in the file and its reader.
struct Setting {
  const char* pointer;
  Kind kind;
  std::function<bool(const YamlField&)> read;  // true when the value is present and valid
};

Setting Text(const char* pointer, std::string& out) {
  return {pointer, Kind::kText, [&out](const YamlField& field) { return field.Read(out); }};
}

Setting Flag(const char* pointer, bool& out) {
  return {pointer, Kind::kFlag, [&out](const YamlField& field) { return field.Read(out); }};
}

Setting Integer(const char* pointer, int64_t low, int64_t high, int64_t& out) {
  return {pointer, Kind::kInteger,
          [&out, low, high](const YamlField& field) { return field.Read(out, low, high); }};
}

Setting Port(const char* pointer, uint16_t& out) {
  return {pointer, Kind::kInteger, [&out](const YamlField& field) {
            int64_t port = 0;
            if (!field.Read(port, 0, 65535)) return false;
            out = static_cast<uint16_t>(port);
            return true;
          }};
}

Setting Choice(const char* pointer, std::vector<std::string> choices, std::string& out) {
  return {pointer, Kind::kText, [&out, choices = std::move(choices)](const YamlField& field) {
            std::string text, all;
            if (!field.Read(text)) return false;
            for (const std::string& choice : choices) {
              if (choice == text) {
                out = text;
                return true;
              }
              all += (all.empty() ? "" : ", ") + choice;
            }
            field.Refuse("must be one of " + all);
            return false;
          }};
}

std::vector<Setting> AllSettings(Settings& s) {
  return {
      Text("/listen/address", s.address),
      Port("/listen/port", s.port),
      Text("/data_dir", s.data_dir),
      Text("/engines_dir", s.engines_dir),
      Text("/tiers_file", s.tiers_file),
      Text("/master_key_file", s.master_key_file),
      Text("/kubernetes/kubeconfig", s.kubeconfig),
      Text("/kubernetes/context", s.context),
      Flag("/kubernetes/in_cluster", s.in_cluster),
      Integer("/kubernetes/request_timeout_ms", 100, 300'000, s.request_timeout_ms),
      Choice("/log/level", {"debug", "info", "warn", "error"}, s.log_level),
      Choice("/log/format", {"auto", "json", "human"}, s.log_format),
      Integer("/workers", 1, 256, s.workers),
      Integer("/api/workers", 1, 256, s.api_workers),
      Flag("/api/require_idempotency_key", s.require_idempotency_key),
      Integer("/drain_ms", 0, 600'000, s.drain_ms),
      Integer("/engine_call_timeout_ms", 10, 60'000, s.engine_call_timeout_ms),
      Integer("/login_timeout_ms", 100, 60'000, s.login_timeout_ms),
      Integer("/address_timeout_ms", 0, 600'000, s.address_timeout_ms),
  };
}

bool StartsSection(const Setting& setting, const std::string& pointer) {
  return std::string_view(setting.pointer).starts_with(pointer + "/");
}

// Reads the settings of a mapping at `at` ("" or "/listen"), and refuses unknown keys.
void ReadSection(const YamlField& section, const std::string& at,
                 const std::vector<Setting>& settings, Settings& out) {
  for (const auto& [key, field] : section.Members()) {
    const std::string pointer = at + "/" + Json::EscapePointer(key);
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&](const Setting& s) { return pointer == s.pointer; });
    if (setting != settings.end()) {
      if (setting->read(field)) out.places[pointer] = field.Where();
    } else if (std::any_of(settings.begin(), settings.end(),
                           [&](const Setting& s) { return StartsSection(s, pointer); })) {
      ReadSection(field, pointer, settings, out);
    } else if (pointer == "/tokens") {
      out.tokens = ReadTokens(field);
    } else if (pointer == "/backup_stores") {
      out.backup_stores = ReadBackupStores(field);
    } else if (pointer == "/stage_timeout_seconds") {
      ReadTimeouts(field, out.stage_timeout_ms);
    } else {
      field.Refuse("is an unknown key");
    }
  }
}

std::string Beside(const std::string& file, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::absolute(file).parent_path() / path).lexically_normal().string();
}

void ReadSettingsFile(const std::string& file, const std::vector<Setting>& settings, Settings& out,
                      std::vector<std::string>& problems) {
  const auto text = ReadFile(file);
  const auto document = text ? ParseYamlDocument(*text) : Result<YamlDocument>(text.error());
  if (!document) {
    problems.push_back(text ? file + ":" + document.error().message : text.error().message);
    return;
  }
  std::vector<YamlProblem> found;
  ReadSection(YamlField(*document, file, found), "", settings, out);
  for (YamlProblem& problem : found) problems.push_back(std::move(problem.text));
  for (std::string* path :
       {&out.data_dir, &out.engines_dir, &out.tiers_file, &out.master_key_file, &out.kubeconfig})
    *path = Beside(file, *path);
  for (pipeline::BackupStore& store : out.backup_stores) {
    store.ca_file = Beside(file, store.ca_file);
    store.credentials_file = Beside(file, store.credentials_file);
  }
}

// Converts a variable's text to the type that the file would have.
Json FromText(Kind kind, const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  if (kind == Kind::kFlag && (text == "true" || text == "false")) return Json(text == "true");
  if (kind != Kind::kInteger || text.empty()) return Json(text);
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? Json(number) : Json(text);
}

void ReadEnvironment(const Environment& environment, const std::vector<Setting>& settings,
                     Settings& out, std::vector<std::string>& problems) {
  std::vector<std::string> known{"SLIPWAY_CONFIG", "SLIPWAY_MASTER_KEY", "SLIPWAY_FAILPOINT",
                                 "SLIPWAY_FAILPOINT_TRACE"};
  for (const Setting& setting : settings) {
    known.push_back(EnvironmentName(setting.pointer));
    const auto variable = environment.find(known.back());
    if (variable == environment.end()) continue;
    YamlDocument document;
    document.value = FromText(setting.kind, variable->second);
    std::vector<YamlProblem> found;
    if (setting.read(YamlField(document, variable->first, found)))
      out.places[setting.pointer] = variable->first;
    for (YamlProblem& problem : found) problems.push_back(std::move(problem.text));
  }
  for (std::string& problem : UnknownVariables(environment, known))
    problems.push_back(std::move(problem));
}

void ReadTiersFile(Settings& out, std::vector<std::string>& problems) {
  const std::string& file = out.tiers_file;
  const auto text = ReadFile(file);
  if (!text) {
    problems.push_back(out.At("/tiers_file") + " cannot be read: " + text.error().message);
    return;
  }
  const auto document = ParseYamlDocument(*text);
  if (!document) {
    problems.push_back(file + ":" + document.error().message);
    return;
  }
  std::vector<YamlProblem> found;
  out.tiers = ReadTiers(YamlField(*document, file, found));
  for (YamlProblem& problem : found) problems.push_back(std::move(problem.text));
}

}  // namespace

std::string Settings::At(const std::string& pointer) const {
  const auto place = places.find(pointer);
  std::string name = pointer.substr(1);
  std::replace(name.begin(), name.end(), '/', '.');
  return place == places.end() ? name : place->second + ": " + name;
}

Settings LoadSettings(const std::string& file, const Environment& environment,
                      std::vector<std::string>& problems) {
  Settings out;
  out.stage_timeout_ms = {{"", 600'000},
                          {"WAITING_FOR_READY", 1'800'000},
                          {"BACKUP", 4 * 3'600'000},
                          {"RESTORE", 24 * 3'600'000}};
  const std::vector<Setting> settings = AllSettings(out);
  if (!file.empty()) ReadSettingsFile(file, settings, out, problems);
  ReadEnvironment(environment, settings, out, problems);
  if (out.address.empty())
    problems.push_back(out.At("/listen/address") +
                       " must name an address; 0.0.0.0 means all IPv4 addresses");
  if (out.in_cluster && !(out.kubeconfig.empty() && out.context.empty())) {
    problems.push_back(out.At("/kubernetes/in_cluster") +
                       " cannot be true together with a kubeconfig or a context");
  }
  if (out.tiers_file.empty()) {
    out.tiers = BuiltInTiers();
  } else {
    ReadTiersFile(out, problems);
  }
  return out;
}

}  // namespace slipway::app
