#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::sim::operators::vitess {

// Names as pkg/operator/names makes them: the joined parts and a hash of the original parts. Pure.
std::string JoinName(const std::vector<std::string>& parts, size_t limit = 253);
std::string ServiceName(const std::vector<std::string>& parts);  // at most 63, a letter first
std::string EtcdName(const std::string& cluster);                // at most 56

uint32_t TabletUid(const std::string& cell, const std::string& keyspace,
                   const std::string& key_range, const std::string& type, int index);
std::string TabletAlias(const std::string& cell, uint32_t uid);  // "zone1-0790125915"

// The key ranges of `parts` equal shards: "-" for one, "-80" and "80-" for two.
std::vector<std::string> EqualRanges(int64_t parts);
std::string SafeRange(const std::string& key_range);  // "-80" → "x-80", as in names and labels

}  // namespace slipway::sim::operators::vitess
