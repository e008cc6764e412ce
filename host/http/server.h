#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace slipway::http {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// One complete, validated request. Header names are lower case. Path segments and query values are
// percent-decoded once; a decoded NUL, bad UTF-8 or a bad escape was already answered with 400.
struct Request {
  std::string method;  // as sent, upper case token
  std::string target;  // raw, origin form
  std::string path;    // raw path, without the query
  std::vector<std::string>
      segments;  // "/v1/a%2Fb" → {"v1", "a/b"}; a trailing slash gives a last ""
  Pairs query;   // decoded, in order, duplicates kept
  Pairs headers;
  std::string body;
  std::string peer;  // address without port

  const std::string* Header(std::string_view lower_case_name) const;  // first, or nullptr
  const std::string* Query(std::string_view name) const;              // first, or nullptr
};

struct Response {
  int status = 200;
  Pairs headers;  // the server sets Content-Length, Date, Connection
  std::string body;
  std::string content_type = "application/json";
};

// A chunked response that stays open (SSE, watches). Any thread.
class Stream {
 public:
  virtual ~Stream() = default;
  // Queues one chunk. False when the client is gone or exceeds the backlog limit: stop writing.
  virtual bool Write(std::string_view data) = 0;
  // Ends the response properly; drops further writes.
  virtual void Close() = 0;
  // Drops the connection mid-response, as a broken server would (the simulator's faults).
  virtual void Abort() = 0;
  virtual bool closed() const = 0;
};

// One request that waits for its answer. Move it to the thread that answers. If it is destroyed
// unanswered, the client gets a 500. Answer HEAD like GET; the server leaves the body out.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  virtual void Respond(Response response) = 0;  // once
  virtual std::shared_ptr<Stream> StartStream(int status, std::string content_type,
                                              Pairs headers) = 0;  // instead of Respond
  // Writes raw bytes and drops the connection: only for "half a line" faults.
  virtual void AbortWith(std::string_view raw) = 0;
  virtual bool client_gone() const = 0;
};

// Runs on an I/O thread and must not block: it answers from memory or moves the exchange to a
// worker.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;
// Makes the answer to a request that the server itself refuses (400, 408, 413, 414, 431, 501, 503,
// 505). `request_id` is the client's X-Request-Id if it was read.
using Refusal =
    std::function<Response(int status, std::string_view reason, std::string_view request_id)>;

struct Limits {
  size_t head_bytes = 16 * 1024;
  size_t target_bytes = 8 * 1024;
  size_t header_count = 100;
  size_t body_bytes = 1024 * 1024;
  size_t connections = 4096;  // lowered to 0.8 × RLIMIT_NOFILE
  size_t stream_backlog = 256 * 1024;
  size_t response_backlog = 64u << 20;
  size_t total_bytes = 256u << 20;  // held for all connections together: bodies, backlogs
  int64_t head_ms = 10'000;
  int64_t body_ms = 60'000;
  int64_t idle_ms = 60'000;
  int64_t stall_ms = 30'000;  // longest write without progress
};

struct Options {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free port
  size_t threads = 2;
  Limits limits;
};

// Pistache polls the sockets and owns the I/O threads. We do framing, validation and sending
// ourselves, because one client can block Pistache's parser and writer. Each connection has one
// request in flight; pipelined requests wait their turn.
class Server {
 public:
  Server(Options options, Handler handler, Refusal refusal, Logger& log);
  ~Server();  // Stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Result<void> Start();  // kUnavailable "AddressInUse" names the address
  uint16_t port() const;
  // Answers the requests in flight (up to drain_ms), closes streams and connections, joins threads.
  // Idempotent.
  void Stop(int64_t drain_ms);
  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// 200 → "OK".
const char* StatusText(int status);

}  // namespace slipway::http
