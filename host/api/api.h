#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"
#include "http/server.h"
#include "pipeline/service.h"
#include "store/store.h"

namespace slipway::api {

// A caller. The token itself is nowhere kept, only its SHA-256.
struct Token {
  std::string name, sha256_hex;
  std::string role;  // admin | editor | viewer; viewers read, without credentials
  std::vector<std::string> organizations;  // "*" is all, empty is none
};

struct ApiOptions {
  http::Options listen;
  std::vector<Token> tokens;
  std::string version, commit;
  size_t workers = 8;
  bool require_idempotency_key = false;
  std::string page_token_key;  // 32 bytes; random at start when empty
  int64_t sse_heartbeat_ms = 15'000;
  size_t max_streams = 256;  // event streams and long polls together
};

// The REST API. Requests run on a bounded pool of workers, probes apart from them, event streams
// and long polls on one thread of their own. The references must outlive it.
class Api {
 public:
  Api(ApiOptions options, pipeline::Service& service, store::Store& store,
      engine::Registry& engines, const Clock& clock, Logger& log, Metrics& metrics);
  ~Api();  // Stop(0)
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  Result<void> Start();  // errors of http::Server::Start
  uint16_t port() const;
  // From now on readiness fails and changes are refused with 503; reads go on. Streams are told to
  // go elsewhere.
  void SetDraining();
  // Ends streams, answers what is in flight, joins. Idempotent.
  void Stop(int64_t drain_ms);
  // Any thread. Open streams are ended, so that their callers authenticate again.
  void SetTokens(std::vector<Token> tokens);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::api
