#pragma once

#include <string>

#include "base/result.h"

namespace slipway::store {

// The store's directory, locked against a second host for its own lifetime.
class Directory {
 public:
  // Makes it (0700) with its database file (0600). kConflict "StoreLocked"; kInternal
  // "StoreDirectory" when it cannot make or open one of them.
  static Result<Directory> Open(const std::string& path);
  ~Directory();
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&&) = delete;

  const std::string& database() const { return database_; }

 private:
  Directory(int lock_fd, std::string database)
      : lock_fd_(lock_fd), database_(std::move(database)) {}

  int lock_fd_;
  std::string database_;
};

}  // namespace slipway::store
