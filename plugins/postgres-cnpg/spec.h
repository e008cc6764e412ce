// What a user may ask of this engine, checked and with every default written out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json.h"

namespace cnpg {

struct Backup {
  std::string destination_path, endpoint_url, credentials_secret, access_key_id_key, secret_access_key_key, schedule, retention_policy;
};

struct Spec {
  std::string tier, storage, memory, cpu;
  int instances = 1;
  bool pod_monitor = false;
  std::vector<std::pair<std::string, std::string>> parameters;  // sorted by name
  std::optional<Backup> backup;
};

// One mistake: JSON Pointer into the spec, stable word, sentence.
using Complain = std::function<void(const std::string& field, const std::string& reason, const std::string& message)>;

// Reads and checks; complains about everything that is wrong.
Spec ReadSpec(const Value& spec, const Complain& complain);
std::string WriteSpec(const Spec& spec);

// Bytes of a Kubernetes quantity, 0 when it is none.
int64_t QuantityBytes(std::string_view text);
// Bytes of a PostgreSQL size with a unit ("128MB"), -1 when it is none.
int64_t PostgresBytes(std::string_view text);

}  // namespace cnpg
