#pragma once

#include "engine/engine.h"
#include "pipeline/create.h"
#include "store/store.h"

namespace slipway::pipeline {

// The source of a restore as the request names it, and all that an engine needs of it.
struct Source {
  store::InstanceRecord instance;  // may be deleted
  Json arguments;                  // `source` of sdk/DOCUMENTS.md
  std::string backup_id;           // of the backup that the restore begins with; "": not known
};

// Finds what `request.source` names ({"instanceId"} or {"backupId"}, and a "target") and checks the
// target against the source's recovery window, before anything is made. `backup_engine` describes
// the engine that would restore. Problems go to `found` with their place in the request; then the
// result has no use. kUnavailable: the store of records cannot be read.
Result<Source> ResolveSource(const CreateRequest& request, const std::string& instance_name,
                             const Json& description, const store::Store& store, int64_t now_ms,
                             std::vector<Error>& found);

}  // namespace slipway::pipeline
