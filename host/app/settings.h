#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/api.h"
#include "base/log.h"
#include "base/result.h"
#include "pipeline/service.h"

namespace slipway::app {

// The configuration as the program uses it; defaults are the shipped ones.
struct Settings {
  std::string address = "127.0.0.1";
  uint16_t port = 7420;
  std::string data_dir;
  std::string engines_dir;
  std::string tiers_file;
  std::string kubeconfig, context;
  bool in_cluster = false;
  std::string master_key_file;
  std::string log_level = "info", log_format = "auto";  // auto json human
  int64_t workers = 16, api_workers = 8;
  bool require_idempotency_key = false;
  int64_t drain_ms = 10'000, request_timeout_ms = 10'000, engine_call_timeout_ms = 2000,
          login_timeout_ms = 5000, address_timeout_ms = 60'000;
  std::map<std::string, int64_t> stage_timeout_ms;
  std::vector<api::Token> tokens;
  std::vector<pipeline::Tier> tiers;
};

// Reads the file (may be "": defaults only), then SLIPWAY_… from the environment, then tiers. Every
// problem found is added to `problems` as "file:line:column: text" (or "SLIPWAY_X: text").
// Relative paths in a file are relative to the file.
Settings LoadSettings(const std::string& file,
                      const std::map<std::string, std::string>& environment,
                      std::vector<std::string>& problems);

// Master keys from the file ("id:base64" a line, the first is active) or SLIPWAY_MASTER_KEY in the
// same form. A missing file is created (0600) when `create`. kInvalid with the reason otherwise.
Result<pipeline::MasterKeys> LoadMasterKeys(const std::string& file,
                                            const std::map<std::string, std::string>& environment,
                                            bool create);

}  // namespace slipway::app
