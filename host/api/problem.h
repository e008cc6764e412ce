#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/server.h"

namespace slipway::api {

// An RFC 9457 problem on its way to the client.
struct Problem {
  int status = 500;
  std::string code;                // UPPER_SNAKE, part of the contract
  std::string detail;              // for people
  std::vector<Error> errors = {};  // one per wrong field
  bool retryable = false;
  int64_t retry_after_seconds = 0;
  std::string operation_id = {}, instance_id = {};  // of the conflicting operation and instance
  http::Pairs headers = {};
  std::string engine = {};  // the author of code and detail; "": the host
};

// "EtagMismatch" → "ETAG_MISMATCH", "CRDMissing" → "CRD_MISSING".
std::string UpperSnake(std::string_view reason);

// The only mapping from error codes to statuses. It hides an internal error's text; the caller logs
// it. An engine's internal error is not the host's failure: it becomes 502, with the engine's
// message. `details` become errors[].
Problem ToProblem(const Error& error, std::vector<Error> details = {});

// For refusals of the HTTP layer and for the router's 404 and 405.
Problem FromStatus(int status, std::string_view detail);

http::Response Render(const Problem& problem, std::string_view path, std::string_view request_id);

}  // namespace slipway::api
