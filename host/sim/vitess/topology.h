#pragma once

#include <map>
#include <string>

#include "base/json.h"

namespace slipway::sim::operators::vitess {

// What the lockserver holds of a shard. It outlives the status, which is made anew in every pass,
// in an annotation of the VitessShard.
struct Topology {
  std::string primary;                         // alias, "" before the first election
  std::map<std::string, std::string> tablets;  // registered ones by alias: "restore", "replica", …

  static Topology Of(const Json& shard);

  bool registered() const { return !tablets.empty(); }

  bool operator==(const Topology&) const = default;

  std::string TypeOf(const std::string& alias) const;  // "primary" of that one, "" when unknown
  Json Patch() const;                                  // of the VitessShard
};

}  // namespace slipway::sim::operators::vitess
