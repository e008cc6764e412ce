#include "app/settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/yaml.h"
#include "pipeline/quantity.h"
#include "pipeline/stages.h"

namespace slipway::app {
namespace {

// One settable value: its place in the file, and how text or JSON becomes it ("" or what is wrong).
struct Entry {
  const char* pointer;
  std::function<std::string(const Json&)> set;
};

std::string WantString(const Json& v, std::string& out) {
  if (!v.is_string()) return std::string("must be a string, not ") + v.type_name();
  out = v.AsString();
  return "";
}

std::string WantInt(const Json& v, int64_t low, int64_t high, int64_t& out) {
  int64_t n = v.AsInt(INT64_MIN);
  if (v.is_string()) {  // from the environment
    const std::string& s = v.AsString();
    if (std::from_chars(s.data(), s.data() + s.size(), n).ptr != s.data() + s.size() || s.empty())
      n = INT64_MIN;
  }
  if (n < low || n > high)
    return "must be an integer from " + std::to_string(low) + " to " + std::to_string(high);
  out = n;
  return "";
}

std::string WantBool(const Json& v, bool& out) {
  if (v.is_string() && (v.AsString() == "true" || v.AsString() == "false")) {
    out = v.AsString() == "true";
    return "";
  }
  if (!v.is_bool()) return "must be true or false";
  out = v.AsBool();
  return "";
}

std::string WantChoice(const Json& v, std::initializer_list<const char*> choices,
                       std::string& out) {
  std::string all;
  for (const char* choice : choices) {
    if (v.AsString() == choice) {
      out = choice;
      return "";
    }
    all += std::string(all.empty() ? "" : ", ") + choice;
  }
  return "must be one of " + all;
}

std::vector<Entry> Entries(Settings& s) {
  return {
      {"/listen/address", [&s](const Json& v) { return WantString(v, s.address); }},
      {"/listen/port",
       [&s](const Json& v) {
         int64_t n = s.port;
         std::string e = WantInt(v, 0, 65535, n);
         s.port = static_cast<uint16_t>(n);
         return e;
       }},
      {"/data_dir", [&s](const Json& v) { return WantString(v, s.data_dir); }},
      {"/engines_dir", [&s](const Json& v) { return WantString(v, s.engines_dir); }},
      {"/tiers_file", [&s](const Json& v) { return WantString(v, s.tiers_file); }},
      {"/master_key_file", [&s](const Json& v) { return WantString(v, s.master_key_file); }},
      {"/kubernetes/kubeconfig", [&s](const Json& v) { return WantString(v, s.kubeconfig); }},
      {"/kubernetes/context", [&s](const Json& v) { return WantString(v, s.context); }},
      {"/kubernetes/in_cluster", [&s](const Json& v) { return WantBool(v, s.in_cluster); }},
      {"/kubernetes/request_timeout_ms",
       [&s](const Json& v) { return WantInt(v, 100, 300'000, s.request_timeout_ms); }},
      {"/log/level",
       [&s](const Json& v) {
         return WantChoice(v, {"debug", "info", "warn", "error"}, s.log_level);
       }},
      {"/log/format",
       [&s](const Json& v) {
         return WantChoice(v, {"auto", "json", "human"}, s.log_format);
       }},
      {"/workers", [&s](const Json& v) { return WantInt(v, 1, 256, s.workers); }},
      {"/api/workers", [&s](const Json& v) { return WantInt(v, 1, 256, s.api_workers); }},
      {"/api/require_idempotency_key",
       [&s](const Json& v) { return WantBool(v, s.require_idempotency_key); }},
      {"/drain_ms", [&s](const Json& v) { return WantInt(v, 0, 600'000, s.drain_ms); }},
      {"/engine_call_timeout_ms",
       [&s](const Json& v) { return WantInt(v, 10, 60'000, s.engine_call_timeout_ms); }},
      {"/login_timeout_ms",
       [&s](const Json& v) { return WantInt(v, 100, 60'000, s.login_timeout_ms); }},
      {"/address_timeout_ms",
       [&s](const Json& v) { return WantInt(v, 0, 600'000, s.address_timeout_ms); }},
  };
}

std::string EnvironmentName(std::string_view pointer) {
  std::string name = "SLIPWAY";
  for (const char c : pointer)
    name += c == '/' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string Beside(const std::string& file, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::absolute(file).parent_path() / path).lexically_normal().string();
}

void ReadTokens(const YamlDocument& doc, const std::string& file, Settings& out,
                std::vector<std::string>& problems) {
  const Json& tokens = doc.value["tokens"];
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string at = "/tokens/" + std::to_string(i);
    const auto bad = [&](const std::string& where, const std::string& what) {
      problems.push_back(doc.Where(file, at + where) + ": " + what);
    };
    api::Token token;
    for (const auto& [key, value] : tokens[i].members()) {
      if (key == "name" && value.is_string()) {
        token.name = value.AsString();
      } else if (key == "sha256" && value.is_string()) {
        token.sha256_hex = value.AsString();
      } else if (key == "role" && value.is_string()) {
        token.role = value.AsString();
      } else if (key == "organizations" && value.is_array()) {
        for (const Json& organization : value.items())
          token.organizations.push_back(organization.AsString());
      } else {
        bad("/" + Json::EscapePointer(key),
            "tokens have name, sha256, role (strings) and organizations (a list), not this " + key);
      }
    }
    const bool hex = token.sha256_hex.size() == 64 &&
                     token.sha256_hex.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (token.name.empty()) bad("", "a token needs a name");
    if (!hex)
      bad("/sha256",
          "must be the SHA-256 of the token, 64 lower-case hex digits (printf %s TOKEN | "
          "sha256sum)");
    if (token.role != "admin" && token.role != "editor" && token.role != "viewer")
      bad("/role", "must be admin, editor or viewer");
    if (token.organizations.empty())
      bad("/organizations", "name at least one organization, or \"*\"");
    out.tokens.push_back(std::move(token));
  }
}

void ReadTimeouts(const YamlDocument& doc, const std::string& file, Settings& out,
                  std::vector<std::string>& problems) {
  for (const auto& [key, value] : doc.value["stage_timeout_seconds"].members()) {
    const std::string where = doc.Where(file, "/stage_timeout_seconds/" + Json::EscapePointer(key));
    const bool known = key == "default" || pipeline::IsEngineStage("create", key) ||
                       pipeline::IsEngineStage("delete", key) || key == "VALIDATING" ||
                       key == "NAMESPACE_DELETION";
    int64_t seconds = 0;
    const std::string wrong = known ? WantInt(value, 1, 7 * 86'400, seconds)
                                    : "is not a stage; \"default\" sets all others";
    if (!wrong.empty()) problems.push_back(where + ": " + key + " " + wrong);
    out.stage_timeout_ms[key == "default" ? "" : key] = seconds * 1000;
  }
}

void ReadTiers(const std::string& file, Settings& out, std::vector<std::string>& problems) {
  const auto text = ReadFile(file);
  if (!text) {
    problems.push_back(text.error().message);
    return;
  }
  const auto doc = ParseYamlDocument(*text);
  if (!doc) {
    problems.push_back(file + ":" + doc.error().message);
    return;
  }
  for (const auto& [key, value] : doc->value.members()) {
    if (key != "tiers") problems.push_back(doc->Where(file, "/" + key) + ": unknown key " + key);
  }
  for (const auto& [name, value] : doc->value["tiers"].members()) {
    const std::string at = "/tiers/" + Json::EscapePointer(name);
    pipeline::Tier tier;
    tier.name = name;
    int64_t instances = 0;
    for (const auto& [key, v] : value.members()) {
      std::string wrong;
      std::string* quantity = key == "storage"  ? &tier.storage
                              : key == "memory" ? &tier.memory
                              : key == "cpu"    ? &tier.cpu
                                                : nullptr;
      if (key == "instances") {
        wrong = WantInt(v, 1, 9, instances);
      } else if (quantity != nullptr) {
        *quantity = v.is_string() ? v.AsString() : v.Dump();
        const auto parsed = pipeline::ParseQuantity(*quantity);
        wrong = parsed ? "" : parsed.error().message;
      } else if (key == "pod_monitor") {
        wrong = WantBool(v, tier.pod_monitor);
      } else {
        wrong = "is not a key of a tier (instances, storage, memory, cpu, pod_monitor)";
      }
      if (!wrong.empty())
        problems.push_back(doc->Where(file, at + "/" + Json::EscapePointer(key)) + ": " + key +
                           " " + wrong);
    }
    tier.instances = static_cast<int>(instances);
    if (instances == 0 || tier.storage.empty() || tier.memory.empty() || tier.cpu.empty())
      problems.push_back(doc->Where(file, at) + ": tier " + name +
                         " needs instances, storage, memory and cpu");
    out.tiers.push_back(std::move(tier));
  }
  if (out.tiers.empty()) problems.push_back(file + ": no tiers");
}

}  // namespace

Settings LoadSettings(const std::string& file,
                      const std::map<std::string, std::string>& environment,
                      std::vector<std::string>& problems) {
  Settings out;
  out.stage_timeout_ms = {{"", 600'000}, {"WAITING_FOR_READY", 1'800'000}};
  const std::vector<Entry> entries = Entries(out);
  if (!file.empty()) {
    const auto text = ReadFile(file);
    const auto doc = text ? ParseYamlDocument(*text) : Result<YamlDocument>(text.error());
    if (!doc) {
      problems.push_back(text ? file + ":" + doc.error().message : doc.error().message);
      return out;
    }
    const std::function<void(const Json&, const std::string&)> walk = [&](const Json& value,
                                                                          const std::string& at) {
      for (const auto& [key, child] : value.members()) {
        const std::string pointer = at + "/" + Json::EscapePointer(key);
        if (pointer == "/tokens" || pointer == "/stage_timeout_seconds") continue;
        const auto entry = std::find_if(entries.begin(), entries.end(),
                                        [&](const Entry& e) { return pointer == e.pointer; });
        const bool branch = std::any_of(entries.begin(), entries.end(), [&](const Entry& e) {
          return std::string_view(e.pointer).substr(0, pointer.size() + 1) == pointer + "/";
        });
        if (entry != entries.end()) {
          const std::string wrong = entry->set(child);
          if (!wrong.empty())
            problems.push_back(doc->Where(file, pointer) + ": " + key + " " + wrong);
        } else if (branch && child.is_object()) {
          walk(child, pointer);
        } else {
          problems.push_back(doc->Where(file, pointer) + ": unknown key " + key);
        }
      }
    };
    if (!doc->value.is_object() && !doc->value.is_null())
      problems.push_back(file + ":1:1: must be a map of settings");
    walk(doc->value, "");
    ReadTokens(*doc, file, out, problems);
    ReadTimeouts(*doc, file, out, problems);
    for (std::string* path :
         {&out.data_dir, &out.engines_dir, &out.tiers_file, &out.master_key_file, &out.kubeconfig})
      *path = Beside(file, *path);
  }
  for (const Entry& entry : entries) {
    const auto it = environment.find(EnvironmentName(entry.pointer));
    if (it == environment.end()) continue;
    const std::string wrong = entry.set(Json(it->second));
    if (!wrong.empty()) problems.push_back(it->first + ": " + wrong);
  }
  if (!out.tiers_file.empty()) {
    ReadTiers(out.tiers_file, out, problems);
  } else {
    out.tiers = {{"FREE", 1, "5Gi", "512Mi", "500m", false},
                 {"STANDARD", 3, "50Gi", "4Gi", "2", true},
                 {"ENTERPRISE", 5, "500Gi", "16Gi", "4", true}};
  }
  return out;
}

Result<pipeline::MasterKeys> LoadMasterKeys(const std::string& file,
                                            const std::map<std::string, std::string>& environment,
                                            bool create) {
  std::string text, origin = "SLIPWAY_MASTER_KEY";
  if (const auto it = environment.find(origin); it != environment.end()) {
    text = it->second;
  } else {
    origin = file;
    if (file.empty())
      return Error{
          Code::kInvalid, "MasterKeyMissing",
          "set master_key_file or SLIPWAY_MASTER_KEY: credentials cannot be stored without a key"};

    struct stat info {};

    if (::stat(file.c_str(), &info) != 0) {
      if (!create)
        return Error{Code::kInvalid, "MasterKeyMissing",
                     file +
                         ": no such file; make one with: echo \"k1:$(head -c32 /dev/urandom | "
                         "base64)\" > FILE; chmod 600 FILE"};
      text = "k1:" + Base64Encode(RandomBytes(32)) + "\n";
      TRY_VOID(WriteFileAtomically(file, text, 0600));
    } else {
      if ((info.st_mode & 077) != 0)
        return Error{Code::kInvalid, "MasterKeyExposed",
                     file + ": others may read the master key; chmod 600 it"};
      TRY(text, ReadFile(file));
    }
  }
  pipeline::MasterKeys out;
  size_t at = 0;
  for (int line = 1; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string entry = text.substr(at, end - at);
    at = end + 1;
    if (entry.empty() || entry[0] == '#') continue;
    const size_t colon = entry.find(':');
    auto key =
        Base64Decode(colon == std::string::npos ? "" : std::string_view(entry).substr(colon + 1));
    if (colon == std::string::npos || colon == 0 || !key || key->size() != 32) {
      return Error{Code::kInvalid, "BadMasterKey",
                   origin + " line " + std::to_string(line) + ": must be id:BASE64 of 32 bytes"};
    }
    if (out.active.empty()) out.active = entry.substr(0, colon);
    out.keys[entry.substr(0, colon)] = *std::move(key);
  }
  if (out.active.empty()) return Error{Code::kInvalid, "BadMasterKey", origin + ": holds no key"};
  return out;
}

}  // namespace slipway::app
