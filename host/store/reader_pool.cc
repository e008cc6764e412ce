#include "store/reader_pool.h"

namespace slipway::store {
namespace {

constexpr size_t kIdleLimit = 16;

}  // namespace

Result<std::unique_ptr<Connection>> ReaderPool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return Connection::Open(path_, Connection::Mode::kReader);
}

void ReaderPool::Give(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleLimit) idle_.push_back(std::move(connection));
}

}  // namespace slipway::store
