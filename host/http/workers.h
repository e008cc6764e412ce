#pragma once

#include <cstddef>
#include <memory>

#include "http/connection.h"

namespace slipway::http {

// All that Pistache does for us: threads that read the sockets given to them and see when a client
// has gone.
class Workers {
 public:
  // Throws std::exception when descriptors or threads run out.
  explicit Workers(size_t threads);
  // Joins them.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // From one thread. The descriptor is a worker's from here on.
  void Adopt(int fd, std::shared_ptr<Connection> connection);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::http
