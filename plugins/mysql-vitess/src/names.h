// The names that the operator gives to its objects. They are functions of the spec, so that the
// engine can ask for an object without our label by its name.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace vitess {

inline constexpr size_t kNameMax = 253;
inline constexpr size_t kServiceNameMax = 63;
inline constexpr size_t kEtcdNameMax = 56;
// "-" and eight hexadecimal digits.
inline constexpr size_t kHashSuffix = 9;

std::array<uint8_t, 16> Md5(std::string_view text);

// The parts joined by '-', and the hash of the original parts behind; cut to `limit` if it is too
// long. A Service's name must begin with a letter.
std::string JoinedName(std::initializer_list<std::string_view> parts, size_t limit = kNameMax,
                       bool service = false);

struct KeyRange {
  std::string start, end;  // lower-case hexadecimal, empty: open

  std::string Text() const;  // "-80"
  std::string Safe() const;  // "x-80", as in names and labels
};

// The key ranges of `parts` equal shards; `parts` is a power of two up to 256.
std::vector<KeyRange> EqualShards(int64_t parts);

// "zone1-2548885007": the alias of the tablet `index`, counted from 1, of a replica pool.
std::string TabletAlias(const std::string& cell, const std::string& keyspace, const KeyRange& range,
                        int64_t index);

}  // namespace vitess
