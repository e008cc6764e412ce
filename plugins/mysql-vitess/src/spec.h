// The spec of one instance: normalising what the user and the tier say, and reading it back.
#pragma once
#include <string>
#include <vector>

#include "kit.h"
#include "names.h"

namespace vitess {

inline constexpr char kKeyspace[] = "app";  // and the database as its clients know it
inline constexpr char kUser[] = "app";
inline constexpr size_t kCellNameMax = 10;
// The Service of a cell's vtgate, NAME-CELL-vtgate-HASH, is the tightest: beyond 63 characters the
// operator cuts the name away, and two instances could no longer be told apart.
inline constexpr int kNameLimit =
    static_cast<int>(kServiceNameMax - kHashSuffix - (sizeof "-vtgate" - 1) - 1 - kCellNameMax);

// Every default written out; applied to its own result it changes nothing.
Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn);
Json ParametersSchema();

// A validated spec with what is Vitess's in it.
struct Database : Instance {
  std::vector<std::string> cells;
  std::vector<KeyRange> shards;
  std::string options;  // the text for my.cnf

  explicit Database(const Json& input);

  int64_t Shards() const { return static_cast<int64_t>(shards.size()); }

  // Replica tablets of one shard in the cell with this number: as even as it goes.
  int64_t TabletsIn(size_t cell) const;
  int64_t GatewaysPerCell() const;

  // The tablets of all shards.
  int64_t Tablets() const { return instances * Shards(); }

  // "PREFIX/NAME-SEED" in the bucket: a new folder for every life of a name, for a cluster restores
  // what it finds in it.
  std::string KeyPrefix() const;
  std::string Bucket() const;
};

}  // namespace vitess
