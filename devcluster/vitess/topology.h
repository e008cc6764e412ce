#pragma once

#include <map>
#include <string>

#include "base/json.h"

namespace slipway::sim::operators::vitess {

// What the lockserver holds of a shard. An annotation of the VitessShard keeps it, because the
// status is made anew in every pass.
struct Topology {
  std::string primary;                         // alias, "" before the first election
  std::map<std::string, std::string> tablets;  // registered ones by alias: "restore", "replica", …

  static Topology Of(const Json& shard);

  bool registered() const { return !tablets.empty(); }

  bool operator==(const Topology&) const = default;

  std::string TypeOf(const std::string& alias) const;  // "primary" for the primary, "" when unknown
  Json Patch() const;                                  // for the VitessShard
};

}  // namespace slipway::sim::operators::vitess
