#pragma once

#include <cstddef>
#include <memory>

#include "http/connection.h"

namespace slipway::http {

// Pistache does only this for us: its threads read the sockets and notice when a client goes away.
class Workers {
 public:
  // Throws std::exception when descriptors or threads run out.
  explicit Workers(size_t threads);
  // Joins the threads.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Call it from one thread only. A worker owns the descriptor from here on.
  void Adopt(int fd, std::shared_ptr<Connection> connection);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::http
