// Backups on demand, and what there is to restore from.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "judge.h"

namespace cnpg {

// The Backup of an operation. It is the same whenever the stage is repeated.
std::string BackupName(const Instance& instance, const std::string& operation_id);

// Where the Backup of an operation is: `backup`, or `answer` as long as nobody knows and once it is
// gone for good. With neither it was never made.
struct Sought {
  const Json* backup = nullptr;
  std::optional<Json> answer;
};

Sought SeekBackup(const Json& input, const Observed& observed, const std::string& name);

// `waited_ms`: see WaitedMs.
Judgement JudgeBackup(const Observed& observed, const Json& backup, int64_t waited_ms,
                      int64_t now_ms);

// outputs.backups and outputs.window. `fresh` is a Backup that may not be observed yet, or null.
Json BackupOutputs(const Instance& instance, const Observed& observed, const Json* fresh = nullptr);

}  // namespace cnpg
