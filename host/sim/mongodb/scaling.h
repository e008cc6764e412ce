#pragma once

#include <string>

#include "sim/mongodb/instance_spec.h"

namespace slipway::sim::operators::mongodb {

// How many members this reconcile works towards: a replica set grows and shrinks by one member a
// step, counted in the status. Pure.
class Scaling {
 public:
  Scaling(const InstanceSpec& spec, const Json& status);

  // Of the StatefulSets and of the automation config.
  int64_t set_members() const, set_arbiters() const;
  int64_t config_members() const, config_arbiters() const;

  bool members_scaling() const { return set_members() != members_; }

  bool still_scaling() const { return members_scaling() || set_arbiters() != arbiters_; }

  // Whether the automation config is written before the StatefulSet. `ready`: the set has the
  // members of this step; `exists`: there is one.
  bool ConfigFirst(bool tls, bool ready, bool exists, bool version_changes) const;
  // The counters in the status; arbiters only when there are some.
  void Count(Json& status) const;
  std::string Message() const;

 private:
  int64_t members_, arbiters_;
  int64_t current_set_, current_config_, current_set_arbiters_, current_config_arbiters_;
};

}  // namespace slipway::sim::operators::mongodb
