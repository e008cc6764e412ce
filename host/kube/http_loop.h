#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::kube {

// What authenticates a request. Immutable; compared by address to see that it changed.
struct HttpAuth {
  std::string bearer_token;  // "" for none
  std::string client_cert_pem, client_key_pem;

  bool operator==(const HttpAuth&) const = default;
};

enum class HttpMethod { kGet, kPost, kPut, kPatch, kDelete };

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string path;  // with query, after the server's own prefix
  std::string body;
  const char* content_type = "application/json";  // a literal
  int64_t timeout_ms = 10'000;  // the whole attempt, queueing included; 0 for none (streams)
  int64_t idle_ms = 0;          // streams: ends with kTimeout after so long without a byte
  bool resend = true;           // false: never sent again by itself on a connection that died
  bool fresh = false;           // HttpCaller: on a new connection, the old one may be wedged
  std::shared_ptr<const HttpAuth> auth;
};

enum class HttpOutcome {
  kAnswered,  // status and body are there
  kNotSent,   // refused or unreachable: the server has seen nothing
  kLost,      // the connection ended early: the server may have acted
  kTimeout,   // no answer in time: the server may have acted
  kTooLarge,  // the answer exceeded the limit
  kTls,       // certificates do not fit; no use in trying again
  kCancelled,
};

struct HttpAnswer {
  HttpOutcome outcome = HttpOutcome::kCancelled;
  int status = 0;
  int64_t retry_after_ms = 0;
  std::string body;
  std::string detail;                 // of a failed transfer; no secrets
  std::vector<std::string> warnings;  // values of the Warning headers
};

struct HttpOptions {
  std::string server;  // scheme://host[:port][/prefix]
  std::string ca_pem, tls_server_name, proxy_url, user_agent;
  std::vector<std::string> headers;  // "Name: value", of every request
  bool insecure_skip_verify = false;
  bool multiplex = true;     // HTTP/2 where TLS negotiates it
  int max_connections = 16;  // for requests; streams have their own
  size_t max_response_bytes = 64u << 20;
  int64_t connect_timeout_ms = 5'000;
};

// Bytes over HTTP for whoever must not block: one thread that drives lists and watches. Requests
// and streams have a connection pool each, so that watches cannot starve requests. HTTP/1.1 on
// http, HTTP/2 where TLS negotiates it: then they share connections, as many as the server's limit
// of streams makes necessary. After a time-out nothing new goes to the connections of its pool.
class HttpLoop {
 public:
  using Done = std::function<void(HttpAnswer)>;

  // Both on the loop's thread; they may cancel any transfer, but not destroy the loop.
  struct StreamEvents {
    // First without bytes, when the answer begins; then bytes as they arrive.
    std::function<void(int status, std::string_view bytes)> on_data;
    Done on_end;  // body is empty
  };

  explicit HttpLoop(HttpOptions options);
  ~HttpLoop();  // drops everything; no callback runs any more
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // Runs a task on the loop's thread. Any thread. Tasks left at destruction are dropped.
  void Post(std::function<void()> task);
  bool on_loop_thread() const;

  // Loop's thread only from here.
  using Id = uint64_t;  // never 0
  Id Fetch(HttpRequest request, Done done);
  Id Stream(HttpRequest request, StreamEvents events);
  Id After(int64_t delay_ms, std::function<void()> task);
  void Cancel(Id id);  // no callback of this id runs any more; unknown ids are ignored

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::kube
