#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "kube/http_message.h"

namespace slipway::kube {

// HTTP for code that must not block: one thread drives lists and watches. Requests and streams have
// separate pools of connections, so that watches cannot starve requests. The loop speaks HTTP/1.1
// on http, and HTTP/2 where TLS negotiates it; transfers then share as few connections as the
// server's limit of streams allows. After a time-out no new transfer uses the old connections of
// that pool.
class HttpLoop {
 public:
  using Done = std::function<void(HttpAnswer)>;

  // Both run on the loop's thread. They may cancel any transfer but not destroy the loop.
  struct StreamEvents {
    // Called without bytes when the answer begins, then with bytes as they arrive.
    std::function<void(int status, std::string_view bytes)> on_data;
    Done on_end;  // body is empty
  };

  explicit HttpLoop(HttpOptions options);
  ~HttpLoop();  // drops all transfers; no callback runs afterwards
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // Runs a task on the loop's thread. Any thread. The destructor drops the remaining tasks.
  void Post(std::function<void()> task);
  bool on_loop_thread() const;

  // From here on: the loop's thread only.
  using Id = uint64_t;  // never 0
  Id Fetch(HttpRequest request, Done done);
  Id Stream(HttpRequest request, StreamEvents events);
  Id After(int64_t delay_ms, std::function<void()> task);
  void Cancel(Id id);  // no callback of this id runs afterwards; ignores unknown ids

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::kube
