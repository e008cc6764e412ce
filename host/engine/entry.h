#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/config.h"
#include "engine/in_process_engine.h"
#include "engine/loader.h"
#include "engine/memory.h"
#include "engine/registry.h"

namespace slipway::engine {

// One file of engines.d and the result of its load.
struct Entry {
  EngineStatus status;
  EngineConfig config;
  std::string config_digest;
  std::shared_ptr<InProcessEngine> engine;  // null unless loaded
  bool serves = false;                      // serves its type's new instances
};

using Snapshot = std::map<std::string, Entry>;  // by file name, which is the order of reading

// Reads one configuration file and loads its engine. `before` is the previous result, or null. An
// unchanged engine is kept, and a working engine stays when its replacement does not load. `names`
// are the engines of the earlier files.
Entry ReadEntry(const std::string& file, const Entry* before, const std::set<std::string>& names,
                const LoadContext& context, const Memory& memory);

// Marks the entry as not loaded; its status says why.
void Refuse(Entry& entry, const Error& error);

// Gives each database type one loaded engine: the incumbent, or the engine that takes over from it.
// An engine that served the type before keeps its instances. Any other is refused with "TypeTaken".
void ServeTypes(Snapshot& snapshot, Memory& memory);

}  // namespace slipway::engine
