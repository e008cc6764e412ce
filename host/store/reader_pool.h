#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/sqlite.h"

namespace slipway::store {

// Lends each caller one reading connection. One mutex guards it. No caller waits: without an idle
// connection it opens one; the pool keeps only a few.
class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  // Calls `read` with a connection that stands on one snapshot of the database.
  template <class T, class Read>
  Result<T> Snapshot(Read&& read) {
    TRY(auto connection, Take());
    TRY_VOID(connection->Run("BEGIN"));
    Result<T> result = read(*connection);
    if (connection->Run("COMMIT")) Give(std::move(connection));
    return result;
  }

 private:
  Result<std::unique_ptr<Connection>> Take();
  void Give(std::unique_ptr<Connection> connection);

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace slipway::store
