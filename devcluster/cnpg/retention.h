#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "devcluster/cnpg/base_backups.h"

namespace slipway::sim::operators::cnpg {

// What a retention policy lets go. Pure.
struct Retention {
  std::vector<std::string> bases;  // ids of bases that no point of the window needs
  // Sixteen digits: log and number of the first segment that a base which stays needs. Segments
  // before it go, on whatever time line. "" keeps them all.
  std::string first_segment;
};

// "30d", "4w", "2m" in milliseconds, a month for 31 days as Barman counts; 0 for none.
int64_t RetentionWindow(const std::string& policy);
// `bases` are in the order of their ends. The window ends now; the base that its first point
// starts from stays though it is older.
Retention WhatToRemove(const std::vector<BaseBackup>& bases, int64_t now_ms, int64_t window_ms);
// Whether a file of the archive is a segment, or belongs to one, from before `first_segment`.
bool BeforeSegment(const std::string& file, const std::string& first_segment);

}  // namespace slipway::sim::operators::cnpg
