#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "kube/http_message.h"

namespace slipway::kube {

class HttpEasy;

// Sends blocking requests on the caller's thread, with a bounded pool of connections. (A request
// through another thread costs several times its own CPU time in wake-ups; HttpLoop is for callers
// that cannot block.) A connection serves one caller at a time and multiplexes nothing, so it
// speaks HTTP/1.1, which takes a third less CPU than HTTP/2 here. Any thread. One mutex guards the
// pool; no I/O happens under it.
class HttpCaller {
 public:
  explicit HttpCaller(HttpOptions options);
  ~HttpCaller();  // end all calls first
  HttpCaller(const HttpCaller&) = delete;
  HttpCaller& operator=(const HttpCaller&) = delete;

  // Blocks no longer than the request's timeout, the wait for a connection included.
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
