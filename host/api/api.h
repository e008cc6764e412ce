#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/registry.h"
#include "http/server.h"
#include "pipeline/service.h"
#include "store/store.h"

namespace slipway::api {

// A caller's token. The host keeps only its SHA-256.
struct Token {
  std::string name, sha256_hex;
  std::string role;  // admin | editor | viewer; a viewer reads all but credentials
  std::vector<std::string> organizations;  // "*": all; empty: none
};

struct ApiOptions {
  http::Options listen;
  std::vector<Token> tokens;
  std::string version, commit;
  size_t workers = 8;
  bool require_idempotency_key = false;
  std::string page_token_key;  // 32 bytes; empty: random at start
  int64_t sse_heartbeat_ms = 15'000;
  size_t max_streams = 256;  // event streams and long polls together
};

// The REST API. Requests run on a bounded pool of workers. Probes have their own thread; event
// streams and long polls share another. The references must outlive the API.
class Api {
 public:
  Api(ApiOptions options, pipeline::Service& service, store::Store& store,
      engine::Registry& engines, const Clock& clock, Logger& log, Metrics& metrics);
  ~Api();  // Stop(0)
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  Result<void> Start();  // same errors as http::Server::Start
  uint16_t port() const;
  // From now on readiness fails, and changes get 503; reads go on. Streams end with "goaway".
  void SetDraining();
  // Ends streams, answers the requests in flight, joins threads. Idempotent.
  void Stop(int64_t drain_ms);
  // Ends open streams, so that their callers authenticate again. Any thread.
  void SetTokens(std::vector<Token> tokens);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::api
