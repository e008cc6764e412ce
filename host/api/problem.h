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
  std::string detail;              // for a person
  std::vector<Error> errors = {};  // one per wrong field
  bool retryable = false;
  int64_t retry_after_seconds = 0;
  std::string operation_id = {}, instance_id = {};  // what stands in the way
  http::Pairs headers = {};
};

// "EtagMismatch" → "ETAG_MISMATCH", "CRDMissing" → "CRD_MISSING".
std::string UpperSnake(std::string_view reason);

// The one mapping from error codes to statuses. An internal error's text stays inside: the caller
// logs it. `details` become errors[].
Problem ToProblem(const Error& error, std::vector<Error> details = {});

// For what the HTTP layer refuses by itself, and for the router's 404 and 405.
Problem FromStatus(int status, std::string_view detail);

http::Response Render(const Problem& problem, std::string_view path, std::string_view request_id);

}  // namespace slipway::api
