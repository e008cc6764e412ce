#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "kube/http_loop.h"

namespace slipway::kube {

class HttpEasy;

// Blocking requests, carried out on the calling thread over a bounded pool of connections. A
// request that goes through another thread costs several times its own CPU time in wake-ups, so
// only what cannot block (HttpLoop) does. A connection serves one caller at a time, so there is
// nothing to multiplex: HTTP/1.1, which takes a third less CPU than HTTP/2 here. Any thread;
// guarded by one mutex, which covers no I/O.
class HttpCaller {
 public:
  explicit HttpCaller(HttpOptions options);
  ~HttpCaller();  // no call may be under way
  HttpCaller(const HttpCaller&) = delete;
  HttpCaller& operator=(const HttpCaller&) = delete;

  // Blocks for at most the request's timeout, waiting for a connection included.
  HttpAnswer Send(const HttpRequest& request);

 private:
  struct Waiter;

  std::unique_ptr<HttpEasy> Take(int64_t timeout_ms);  // null: none became free in time
  void GiveBack(std::unique_ptr<HttpEasy> easy);

  const HttpOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpEasy>> idle_;  // the last used is the warmest
  std::deque<Waiter*> waiting_;                  // the first is served first
  int made_ = 0;
};

}  // namespace slipway::kube
