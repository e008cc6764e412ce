#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::kube {

// The credential of a request. Immutable: another address means another credential.
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
  int64_t timeout_ms = 10'000;  // of the whole attempt, the queue included; 0 for none (streams)
  int64_t idle_ms = 0;          // a stream without a byte for so long ends with kTimeout
  bool resend = true;           // false: do not send again when a connection died
  bool fresh = false;           // HttpCaller: take a new connection, for the old one may hang
  std::shared_ptr<const HttpAuth> auth;
};

enum class HttpOutcome {
  kAnswered,  // there is a status and a body
  kNotSent,   // refused or unreachable; the server has seen nothing
  kLost,      // the connection ended early; the server may have acted
  kTimeout,   // no answer in time; the server may have acted
  kTooLarge,  // the answer exceeded the limit
  kTls,       // the certificates do not fit; a retry is of no use
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

}  // namespace slipway::kube
