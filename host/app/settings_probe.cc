// Reads many configurations in one run, as slipwayd does. stdin: a JSON array of texts. stdout: one
// line of JSON per text, with the settings or the problems. For tests/settings_test.py.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "app/settings.h"
#include "base/json.h"

namespace {

using slipway::Json;

Json Strings(const std::vector<std::string>& texts) {
  Json out = Json::MakeArray();
  for (const std::string& text : texts) out.Push(text);
  return out;
}

Json Tokens(const slipway::app::Settings& s) {
  Json out = Json::MakeArray();
  for (const auto& token : s.tokens) {
    out.Push(Json::Obj({{"name", token.name},
                        {"sha256", token.sha256_hex},
                        {"role", token.role},
                        {"organizations", Strings(token.organizations)}}));
  }
  return out;
}

Json Stores(const slipway::app::Settings& s) {
  Json out = Json::MakeArray();
  for (const auto& store : s.backup_stores) {
    out.Push(Json::Obj({{"name", store.name},
                        {"default", store.is_default},
                        {"url", store.url},
                        {"endpoint", store.endpoint},
                        {"region", store.region},
                        {"ca_file", store.ca_file},
                        {"credentials_file", store.credentials_file},
                        {"keep_deleted_days", store.keep_deleted_ms / int64_t{86'400'000}},
                        {"drill_days", store.drill_days}}));
  }
  return out;
}

Json Tiers(const slipway::app::Settings& s) {
  Json out = Json::MakeObject();
  for (const auto& tier : s.tiers) {
    out.Set(tier.name, Json::Obj({{"instances", tier.instances},
                                  {"storage", tier.storage},
                                  {"memory", tier.memory},
                                  {"cpu", tier.cpu},
                                  {"pod_monitor", tier.pod_monitor}}));
  }
  return out;
}

Json Shown(const slipway::app::Settings& s) {
  Json timeouts = Json::MakeObject();
  for (const auto& [stage, ms] : s.stage_timeout_ms)
    timeouts.Set(stage.empty() ? "default" : stage, ms / 1000);
  return Json::Obj({{"listen.address", s.address},
                    {"listen.port", static_cast<int>(s.port)},
                    {"data_dir", s.data_dir},
                    {"engines_dir", s.engines_dir},
                    {"tiers_file", s.tiers_file},
                    {"master_key_file", s.master_key_file},
                    {"kubernetes.kubeconfig", s.kubeconfig},
                    {"kubernetes.context", s.context},
                    {"kubernetes.in_cluster", s.in_cluster},
                    {"kubernetes.request_timeout_ms", s.request_timeout_ms},
                    {"log.level", s.log_level},
                    {"log.format", s.log_format},
                    {"workers", s.workers},
                    {"api.workers", s.api_workers},
                    {"api.require_idempotency_key", s.require_idempotency_key},
                    {"drain_ms", s.drain_ms},
                    {"engine_call_timeout_ms", s.engine_call_timeout_ms},
                    {"login_timeout_ms", s.login_timeout_ms},
                    {"address_timeout_ms", s.address_timeout_ms},
                    {"stage_timeout_seconds", std::move(timeouts)},
                    {"tokens", Tokens(s)},
                    {"backup_stores", Stores(s)},
                    {"tiers", Tiers(s)}});
}

}  // namespace

// settings_probe FILE CONFIG: writes each text to FILE and reads CONFIG (the same file, or one that
// refers to it).
int main(int argc, char** argv) {
  const std::string in((std::istreambuf_iterator<char>(std::cin)), {});
  const auto texts = Json::Parse(in);
  if (argc != 3 || !texts || !texts->is_array()) return 2;
  for (const Json& text : texts->items()) {
    std::ofstream(argv[1], std::ios::binary) << text.AsString();
    std::vector<std::string> problems;
    const auto settings = slipway::app::LoadSettings(argv[2], {}, problems);
    Json line = Json::Obj({{"problems", Strings(problems)}});
    if (problems.empty()) line.Set("settings", Shown(settings));
    std::printf("%s\n", line.Dump().c_str());
  }
  return 0;
}
