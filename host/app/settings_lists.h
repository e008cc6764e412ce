#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/api.h"
#include "base/yaml_field.h"
#include "pipeline/service.h"

namespace slipway::app {

// Readers for the configuration's lists and maps. Mistakes become problems of the field.
std::vector<api::Token> ReadTokens(const YamlField& tokens);
std::vector<pipeline::BackupStore> ReadBackupStores(const YamlField& stores);
// Adds to `out`, in milliseconds; "" holds the default for all other stages.
void ReadTimeouts(const YamlField& timeouts, std::map<std::string, int64_t>& out);
// Reads the whole tiers file.
std::vector<pipeline::Tier> ReadTiers(const YamlField& root);
std::vector<pipeline::Tier> BuiltInTiers();

}  // namespace slipway::app
