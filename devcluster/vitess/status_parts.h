#pragma once

#include <cstdint>

#include "base/json.h"
#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// The parts that the statuses have in common. Pure, except for VtorcStatus.
inline constexpr char kUnknown[] = "Unknown";

inline const char* Yes(bool value) {
  return value ? "True" : "False";
}

inline Json TernaryOf(const Json& copied) {
  return copied.is_string() ? copied : Json(kUnknown);
}

// Leaves out zero values.
inline void SetCount(Json& to, const char* key, int64_t number) {
  if (number != 0) to.Set(key, number);
}

struct TabletCounts {
  int64_t desired = 0, tablets = 0, ready = 0, updated = 0;

  static TabletCounts Of(const Json& status) {
    return {status["desiredTablets"].AsInt(), status["tablets"].AsInt(),
            status["readyTablets"].AsInt(), status["updatedTablets"].AsInt()};
  }

  void Add(const TabletCounts& other) {
    desired += other.desired;
    tablets += other.tablets;
    ready += other.ready;
    updated += other.updated;
  }

  void Write(Json& status) const {
    SetCount(status, "desiredTablets", desired);
    SetCount(status, "tablets", tablets);
    SetCount(status, "readyTablets", ready);
    SetCount(status, "updatedTablets", updated);
  }
};

Json VtorcStatus(ClusterPass& pass, const ShardView& view);

}  // namespace slipway::sim::operators::vitess
