#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/crash_notes.h"

namespace slipway::engine {

// The registry's memory across restarts: the engines that crashed the process, the engine that
// serves each database type, and the type of each engine even if it does not load now. One small
// file, always written as a whole. Not thread-safe.
class Memory {
 public:
  // After this many crashes in one call the host does not call the bytes again.
  static constexpr int kMaxCrashes = 2;

  struct Crash {
    EngineBytes engine;
    std::string call;
    int times = 0;

    // It crashed before describe returned, so no other call is possible.
    bool InLoading() const { return call == "load" || call == "open" || call == "describe"; }

    Error ToError() const;  // kUnavailable "EngineCrashed"
  };

  // Starts empty when the file is missing or unreadable.
  explicit Memory(std::string file);

  // Counts one crash and returns it with the total.
  Crash Count(const EngineBytes& engine, const std::string& call);
  // The crash for which the host no longer calls these bytes, if any.
  std::optional<Crash> Quarantined(const EngineBytes& engine) const;

  // "" if the engine never loaded.
  std::string TypeOf(const std::string& engine) const;
  void SetType(const std::string& engine, const std::string& type);
  // The engine that serves the type; "" when there is none.
  std::string Incumbent(const std::string& type) const;
  // The previous engine keeps its instances.
  void SetIncumbent(const std::string& type, const std::string& engine);
  bool ServedBefore(const std::string& type, const std::string& engine) const;

  // Writes the file if anything changed.
  Result<void> Save();

 private:
  const std::string file_;
  bool changed_ = false;
  std::vector<Crash> crashes_;  // oldest first
  std::map<std::string, std::string> types_, incumbents_;
  std::map<std::string, std::set<std::string>> former_;  // by type
};

}  // namespace slipway::engine
