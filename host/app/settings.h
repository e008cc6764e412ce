#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/api.h"
#include "pipeline/service.h"

namespace slipway::app {

using Environment = std::map<std::string, std::string>;

// The program's configuration, with the shipped defaults.
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
  std::vector<pipeline::BackupStore> backup_stores;

  // The source of each given value ("file:3:7", "SLIPWAY_DATA_DIR", "--port"), by pointer.
  std::map<std::string, std::string> places;

  // Starts a problem's text: "PLACE: ", or "" for a default, then the setting's name.
  std::string At(const std::string& pointer) const;
};

// Reads the file ("": defaults only), then SLIPWAY_… from the environment, then the tiers. It adds
// every mistake to `problems` as "file:line:column: text" or "SLIPWAY_X: text": a value of the
// wrong type or out of range, an unknown key, an unknown variable SLIPWAY_…. A null keeps the
// default. Relative paths in a file start at the file's directory.
Settings LoadSettings(const std::string& file, const Environment& environment,
                      std::vector<std::string>& problems);

}  // namespace slipway::app
