#pragma once

#include <string>

#include "base/json.h"
#include "devcluster/kinds.h"
#include "devcluster/status.h"

namespace slipway::sim {

// The writer: its field manager, the subresource it writes through, and the time (FormatSeconds).
struct Writer {
  std::string manager, subresource, time;
};

// Notes in `after` that `writer` set everything that differs from `before` (null for a create).
// Every write except server-side apply does this.
void TrackUpdate(const Kind& kind, const Json& before, Json& after, const Writer& writer);

// Server-side apply. Lays `config` over `live` (null for a create), removes the fields that the
// manager no longer sends, and notes who owns what. Returns a 409 with FieldManagerConflict causes
// when another manager owns a field that would change and `force` is not set.
Answer<Json> ApplyConfiguration(const Kind& kind, const Json& live, const Json& config,
                                const Writer& writer, bool force);

}  // namespace slipway::sim
