#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "pipeline/create.h"
#include "store/store.h"

namespace slipway::pipeline {

// A restore drill makes a throw-away instance out of another one's backups, runs checks on what
// came back, and takes the instance away again. It never touches its source.
//
// A check is {"name"?, "statement", "equals"?, "atLeast"?, "atMost"?}: the statement must yield a
// row, and its first value must be as the other members say. `equals` takes a text or a number.

inline constexpr size_t kDrillsAtOnce = 2;  // of one host

// The throw-away instance, as a create would ask for it. `wanted`: {"backupId"?, "target"?,
// "checks"?}, as the caller of the API gave it.
CreateRequest DrillOf(const store::InstanceRecord& source, const Json& wanted);

// Why the value is not as the check wants it; nullopt when it is.
std::optional<std::string> Mismatch(const Json& check, const std::optional<std::string>& value);

// The backup section of the throw-away instance: null, unless the engine's copies need one.
Json DrillBackup(const Json& drill, const Json& description, std::vector<Error>& found);

// `arguments.drill` of the operation: the checks, and the backup that the restore begins with ("":
// unknown). Problems go to `found`. `description`: of the engine.
Json DrillArguments(const Json& drill, const std::string& backup_id, const Json& description,
                    std::vector<Error>& found);

// What the end of a drill says of its backup. nullopt: nothing, or the operation is no drill.
std::optional<store::BackupProof> ProofOf(const store::OperationRecord& operation);

}  // namespace slipway::pipeline
