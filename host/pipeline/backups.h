#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "store/store.h"

namespace slipway::pipeline {

// Takes an engine's `outputs.backups` as records and `outputs.window` into the instance's outputs
// (both: sdk/DOCUMENTS.md). A report that was taken before gives nothing to write.
void TakeBackups(const Json& told, const store::InstanceRecord& instance, const Clock& clock,
                 Json& outputs, store::BackupReport& report);

// The latest point of time to which the window reaches, and the earliest; 0: none.
struct Reach {
  int64_t from_ms = 0, to_ms = 0;
  bool open = false;  // later points can be restored, too, as far as the archive has got
};

// The windows of an instance's outputs, oldest first.
std::vector<Reach> WindowsOf(const Json& outputs);

}  // namespace slipway::pipeline
