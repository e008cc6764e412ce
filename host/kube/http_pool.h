#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "kube/http_transfer.h"
#include "kube/poll_set.h"

namespace slipway::kube {

// One curl multi handle of the loop, with its connections, timer, idle easy handles, and the
// transfers that wait for a place. Only the loop's thread uses it.
struct HttpPool {
  HttpPool(const HttpOptions& options, Transfer::Kind kind, PollSet& sockets, const Clock& clock);
  ~HttpPool();  // end all transfers first
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  bool CanStart() const { return active < limit && opening < opening_limit && !waiting.empty(); }

  PollSet& sockets;
  const Clock& clock;
  const Transfer::Kind kind;
  void* const multi;
  int64_t timer_ms = Transfer::kNever;
  size_t active = 0, limit = 0;
  size_t opening = 0, opening_limit = SIZE_MAX;  // transfers without an answer so far
  std::deque<TransferPtr> waiting;
  std::vector<std::unique_ptr<HttpEasy>> idle;
};

}  // namespace slipway::kube
