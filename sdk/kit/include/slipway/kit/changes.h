// What an update of the spec does to a running instance, as plan's `changes` tell it.
#pragma once
#include <string>
#include <string_view>

#include <slipway/kit/json.h>

namespace slipway::kit {

// How a change takes effect.
enum class How {
  kNone,            // nobody notices
  kReload,          // the servers read it while they run
  kInPlace,         // something is added, grown or taken away; no server restarts
  kRollingRestart,  // every server restarts, one after the other
};

// One entry of `changes`. `path`: a JSON Pointer into the spec.
struct Change {
  std::string path;
  How how = How::kNone;
  bool revertible = true;  // false: a failed update keeps it
  std::string loses = {};  // what is gone for good, for a person; "": nothing

  Json ToJson() const;
};

// How a change of the parameter of that name takes effect.
using HowOfParameter = How (*)(std::string_view name);

// The changes between two normalised specs of one instance, as they are for most engines: another
// size of a server restarts it, storage grows in place and stays so, a member that goes takes its
// volume along.
Json ChangesOf(const Json& previous, const Json& spec, HowOfParameter how_of);

}  // namespace slipway::kit
