#pragma once

#include <string>
#include <vector>

namespace slipway::api {

enum class Endpoint {
  kCreateInstance,
  kListInstances,
  kGetInstance,
  kPatchInstance,
  kDeleteInstance,
  kGetCredentials,
  kListOperations,
  kGetOperation,
  kCancelOperation,
  kRetryOperation,
  kOperationEvents,
  kListEngines,
  kGetEngine,
  kListTiers,
  kVersion,
  kLivez,
  kReadyz,
  kMetrics,
  kOpenApi,
};

// What a caller needs for a route.
enum class Access { kPublic, kRead, kWrite, kSecrets };

// Where a route runs.
enum class Lane {
  kMemory,  // on the I/O thread: must not block
  kProbe,   // on the probes' own thread, so that load cannot make the host look dead
  kWorker,
};

struct QueryParameter {
  std::string name, type, description;  // type: string | integer | boolean
  std::vector<std::string> values = {};
};

struct DeclaredResponse {
  int status;
  std::string description;
  // content type → schema name; "" is a plain string, and no entry is no body
  std::vector<std::pair<std::string, std::string>> content = {};
  std::vector<std::string> headers = {};
};

struct Route {
  Endpoint endpoint;
  std::string method, path, operation_id, summary;
  Access access;
  Lane lane;
  std::string request_type, request_schema;  // "" when it has no body
  std::vector<QueryParameter> query;
  std::vector<DeclaredResponse> responses;
  std::vector<int> problems;  // besides those that every route can answer
};

// The one table that the router and /openapi.json are made of.
std::vector<Route> MakeRoutes();

// Every status that a route may answer with a problem document.
std::vector<int> ProblemStatuses(const Route& route);

}  // namespace slipway::api
