// One step of one stage: what should exist and how far it is.
#pragma once
#include <cstdint>

#include "settings.h"

namespace vitess {

// `input` is step's document. Throws slipway::Error UNSUPPORTED for an unknown verb or stage.
Json Step(const Settings& settings, const Json& input, int64_t now_ms);

}  // namespace vitess
