#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "devcluster/cnpg/base_backups.h"

namespace slipway::sim::operators::cnpg {

// What a retention policy removes. Pure.
struct Retention {
  std::vector<std::string> bases;  // the ids of bases that no point of the window needs
  // The first segment that one of the remaining bases needs, without its timeline: sixteen digits.
  // Earlier segments go, on every timeline. "" keeps all segments.
  std::string first_segment;
};

// "30d", "4w" or "2m" in milliseconds; a month has 31 days, as in Barman. 0 without a policy.
int64_t RetentionWindow(const std::string& policy);
// `bases` are in the order of their ends. The window ends now. A restore of its first point needs a
// base that is older: that base stays. `window_ms` 0 removes nothing.
Retention WhatToRemove(const std::vector<BaseBackup>& bases, int64_t now_ms, int64_t window_ms);
// True when a file of the archive is a segment before `first_segment`, or belongs to one.
bool BeforeSegment(const std::string& file, const std::string& first_segment);

}  // namespace slipway::sim::operators::cnpg
