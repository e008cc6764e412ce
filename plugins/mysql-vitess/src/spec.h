// The spec of an instance: checks and completes what the user and the tier say, and reads it back.
#pragma once
#include <string>
#include <vector>

#include "kit.h"
#include "names.h"

namespace vitess {

inline constexpr char kKeyspace[] = "app";  // clients know the database by the same name
inline constexpr char kUser[] = "app";
inline constexpr int kPort = 3306;
inline constexpr size_t kCellNameMax = 10;
// The Service of a cell's vtgate, NAME-CELL-vtgate-HASH, is the tightest: beyond 63 characters the
// operator cuts the name away, and two instances could no longer be told apart.
inline constexpr int kNameLimit =
    static_cast<int>(kServiceNameMax - kHashSuffix - (sizeof "-vtgate" - 1) - 1 - kCellNameMax);

// Every default written out; applied to its own result it changes nothing.
Json NormalisedSpec(const Request& request, const Complain& complain, const Warn& warn);
Json ParametersSchema();

// A destinationPath, read.
struct Store {
  bool directory = false;
  std::string bucket;  // "" for a directory
  std::string path;    // in the bucket, without a slash at its ends; or the directory

  std::string In(const std::string& folder) const {
    return path.empty() ? folder : path + "/" + folder;
  }
};

Store StoreOf(const std::string& destination);

// An instance with the parts of its spec that only Vitess has.
struct Database : Instance {
  std::vector<std::string> cells;
  std::vector<KeyRange> shards;
  std::string options;  // the text for my.cnf

  explicit Database(const Json& input);

  int64_t Shards() const { return static_cast<int64_t>(shards.size()); }

  // The replica tablets of one shard in the cell with this number, spread evenly.
  int64_t TabletsIn(size_t cell) const;
  int64_t GatewaysPerCell() const;

  // The tablets of all shards.
  int64_t Tablets() const { return instances * Shards(); }

  // The same with a single tablet per shard.
  Database Alone() const;
};

}  // namespace vitess
