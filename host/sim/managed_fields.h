#pragma once

#include <string>

#include "base/json.h"
#include "sim/kinds.h"
#include "sim/status.h"

namespace slipway::sim {

// Who writes: the field manager, through which subresource, at what time (FormatSeconds).
struct Writer {
  std::string manager, subresource, time;
};

// Notes in `after` that `writer` set what differs from `before` (null for a create), as any write
// but server-side apply does.
void TrackUpdate(const Kind& kind, const Json& before, Json& after, const Writer& writer);

// Server-side apply: `live` (null for a create) with `config` laid over it, the fields that the
// manager no longer sends removed, ownership noted. 409 with FieldManagerConflict causes when
// another manager owns a field that would change and `force` is not set.
Answer<Json> ApplyConfiguration(const Kind& kind, const Json& live, const Json& config,
                                const Writer& writer, bool force);

}  // namespace slipway::sim
