// Restores: the source of an instance's data, as the spec keeps it, and the progress of a restore.
#pragma once
#include <cstdint>

#include "judge.h"

namespace cnpg {

// The name of the source in the Cluster's spec.
inline constexpr char kSourceName[] = "source";

// spec.source of `given`, arguments.source (DOCUMENTS.md): {"instance", "archive", "server",
// "target", "backup_id"?}. `archive` has the members of the source's spec.backup that say where it
// is, `server` is the source's folder in it. Complains about every mistake; the result means
// nothing after one.
Json NormalisedSource(const Json& given, const Sizing& sizing, const Complain& complain);
// Complains about a spec.source that is not of that form. Null is right.
void CheckSource(const Json& source, const Complain& complain);

// recoveryTarget of the operator; null: the end of the archive.
Json RecoveryTarget(const Json& source);

// Ready once the data is there and the primary has it. `waited_ms`: see WaitedMs.
Judgement JudgeRestore(const Instance& instance, const Observed& observed, int64_t waited_ms);

}  // namespace cnpg
