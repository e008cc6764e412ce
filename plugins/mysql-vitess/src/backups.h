// Backups: the Jobs that ask vtctld for one, what there is in the bucket, and what can be restored.
#pragma once
#include <string>

#include "scene.h"
#include "settings.h"

namespace vitess {

// What a Job has come to. `backup` is the VitessBackup of a Job that is done.
struct Run {
  Judgement judgement;
  bool missing = false;  // it is to be made
  const Json* job = nullptr;
  const Json* backup = nullptr;
};

// The name of a Job of an operation. It is the same whenever the stage is repeated.
std::string RunName(const Database& database, const std::string& operation_id,
                    const KeyRange& range);
// Judges the Job of that name: ready once its backup is listed as complete.
Run JudgeRun(const Scene& scene, const Json& input, const std::string& name, const KeyRange& range);

// The VitessBackups of the instance; null pointer: not fetched yet.
const Json* ListedBackups(const Scene& scene);
// The name in the bucket of the oldest complete backup that vtbackup made; "" for none.
std::string OldestSeed(const Json& backups);

// outputs.backups and outputs.window; null as long as something is not fetched.
Json BackupOutputs(const Scene& scene);

}  // namespace vitess
