#pragma once

#include <string>

#include "devcluster/mongodb/instance_spec.h"

namespace slipway::sim::operators::mongodb {

// The number of members that this reconcile works towards. A replica set grows and shrinks by one
// member per step; the status counts them. Pure.
class Scaling {
 public:
  Scaling(const InstanceSpec& spec, const Json& status);

  // The counts for the StatefulSets and for the automation config.
  int64_t set_members() const, set_arbiters() const;
  int64_t config_members() const, config_arbiters() const;

  bool members_scaling() const { return set_members() != members_; }

  bool still_scaling() const { return members_scaling() || set_arbiters() != arbiters_; }

  // True when the automation config is written before the StatefulSet. `ready`: the set has the
  // members of this step. `exists`: there is a set.
  bool ConfigFirst(bool tls, bool ready, bool exists, bool version_changes) const;
  // Writes the counters into the status; those of arbiters only when there are arbiters.
  void Count(Json& status) const;
  std::string Message() const;

 private:
  int64_t members_, arbiters_;
  int64_t current_set_, current_config_, current_set_arbiters_, current_config_arbiters_;
};

}  // namespace slipway::sim::operators::mongodb
