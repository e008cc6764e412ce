#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/tick.h"

namespace slipway::pipeline {

// Looks at the instances that no operation works on: is everything there that we applied, what does
// the engine say, do the credentials still open the database? Each is looked at when one of its
// watched objects changes and every few minutes anyway; a full look also asks the API server for
// what no watch shows. Nothing is changed in the cluster. Any thread; one look per instance at a
// time is the scheduler's promise.
class Health {
 public:
  explicit Health(const TickDeps& deps) : deps_(deps) {}

  // Delay in ms until the next look; negative: there is nothing to look at any more.
  int64_t Look(const std::string& instance_id);
  // The next look is a full one.
  void WantFullLook(const std::string& instance_id);
  void WantFullLooks();
  // The credentials as the cluster has them now, if it answers; stored when they changed. Errors
  // are the store's.
  Result<void> FollowCredentials(const std::string& instance_id);

 private:
  struct Memory {
    int64_t full_ms = -1;           // steady, of the last full look; -1: never
    int64_t unhealthy_ms = -1;      // steady, since when; -1: healthy
    std::vector<std::string> gone;  // unwatched objects that the last full look missed
  };

  struct View;

  Result<void> Load(const std::string& instance_id, View& view);
  Result<void> FindGone(View& view, const Json& observed, Memory& memory, bool full);
  void SayBackups(View& view, const Json& told);
  Result<void> FollowSecret(View& view, const Json& source, const Json& observed);
  Result<void> Store(View& view);
  Memory Remember(const std::string& instance_id);
  void Keep(const std::string& instance_id, const Memory& memory);

  const TickDeps deps_;
  std::mutex mutex_;
  std::map<std::string, Memory> memories_;
};

}  // namespace slipway::pipeline
