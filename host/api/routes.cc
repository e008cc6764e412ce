#include "api/routes.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace slipway::api {
namespace {

using Params = std::vector<QueryParameter>;

const std::string kJson = "application/json";
const std::string kText = "text/plain; charset=utf-8";
const std::vector<std::string> kAccepted = {"Location", "Operation-Location", "Content-Location",
                                            "Retry-After", "Idempotency-Replayed"};

DeclaredResponse Ok(const std::string& schema, std::vector<std::string> headers = {}) {
  return {200, "OK", {{kJson, schema}}, std::move(headers)};
}

Params Paged(Params filters) {
  filters.push_back({"pageSize", "integer", "items in a page, 1 to 500; 50 when absent"});
  filters.push_back({"pageToken", "string", "nextPageToken of the page before"});
  return filters;
}

std::vector<Route> Instances() {
  const DeclaredResponse accepted{
      202, "accepted; follow the operation", {{kJson, "Operation"}}, kAccepted};
  return {
      {Endpoint::kCreateInstance,
       "POST",
       "/v1/instances",
       "createInstance",
       "Create a database",
       Access::kWrite,
       Lane::kWorker,
       kJson,
       "CreateInstance",
       {},
       {accepted},
       {409, 415, 422}},
      {Endpoint::kListInstances,
       "GET",
       "/v1/instances",
       "listInstances",
       "List instances",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       Paged(
           {{"orgId", "string", "only of this organization"},
            {"projectName", "string", "only of projects with this name"},
            {"name", "string", "only with this name"},
            {"databaseType", "string", "only of this type"},
            {"tier", "string", "only of this tier"},
            {"state",
             "string",
             "only in this state; DELETED shows what is gone",
             {"PROVISIONING", "ACTIVE", "DEGRADED", "DELETING", "DELETED", "FAILED", "UNKNOWN"}}}),
       {Ok("InstanceList", {"Link"})},
       {410}},
      {Endpoint::kGetInstance,
       "GET",
       "/v1/instances/{id}",
       "getInstance",
       "Read an instance",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       {},
       {Ok("Instance", {"ETag"}), {304, "not modified", {}, {"ETag"}}},
       {404}},
      {Endpoint::kPatchInstance,
       "PATCH",
       "/v1/instances/{id}",
       "patchInstance",
       "Change labels and deletion protection",
       Access::kWrite,
       Lane::kWorker,
       "application/merge-patch+json",
       "PatchInstance",
       {},
       {Ok("Instance", {"ETag"})},
       {404, 409, 412, 415, 422}},
      {Endpoint::kDeleteInstance,
       "DELETE",
       "/v1/instances/{id}",
       "deleteInstance",
       "Delete an instance with its data",
       Access::kWrite,
       Lane::kWorker,
       "",
       "",
       {{"retainVolumes", "boolean",
         "true leaves the PersistentVolumes behind (reclaim policy Retain) and names them in the "
         "operation (retained); false (the default) deletes the data"}},
       {accepted},
       {404, 409, 412}},
      {Endpoint::kGetCredentials,
       "GET",
       "/v1/instances/{id}/credentials",
       "getCredentials",
       "Read how to connect, with the password",
       Access::kSecrets,
       Lane::kWorker,
       "",
       "",
       {},
       {Ok("Credentials", {"Cache-Control"})},
       {404, 409}},
  };
}

std::vector<Route> Operations() {
  const DeclaredResponse accepted{
      202, "accepted; follow the operation", {{kJson, "Operation"}}, kAccepted};
  return {
      {Endpoint::kListOperations,
       "GET",
       "/v1/operations",
       "listOperations",
       "List operations",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       Paged({{"instanceId", "string", "only of this instance"},
              {"state",
               "string",
               "only in this state",
               {"PENDING", "RUNNING", "WAITING", "CANCELLING", "ROLLING_BACK", "BLOCKED",
                "SUCCEEDED", "FAILED", "CANCELLED"}},
              {"verb", "string", "only of this verb", {"create", "delete"}}}),
       {Ok("OperationList", {"Link"})},
       {410}},
      {Endpoint::kGetOperation,
       "GET",
       "/v1/operations/{id}",
       "getOperation",
       "Read an operation",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       {{"waitSeconds", "integer",
         "wait up to so long, 0 to 60, for it to end or to need a person"}},
       {Ok("Operation", {"Retry-After"})},
       {404}},
      {Endpoint::kCancelOperation,
       "POST",
       "/v1/operations/{id}/cancel",
       "cancelOperation",
       "Stop an operation and undo it",
       Access::kWrite,
       Lane::kWorker,
       kJson,
       "Empty",
       {},
       {accepted},
       {404, 409, 415, 422}},
      {Endpoint::kRetryOperation,
       "POST",
       "/v1/operations/{id}/retry",
       "retryOperation",
       "Go on at the stage that failed; one that waits looks again at once",
       Access::kWrite,
       Lane::kWorker,
       kJson,
       "Empty",
       {},
       {accepted},
       {404, 409, 415, 422}},
      {Endpoint::kOperationEvents,
       "GET",
       "/v1/operations/{id}/events",
       "operationEvents",
       "Follow an operation, as server-sent events or as a list",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       {{"after", "integer", "only events after this sequence number; Last-Event-ID wins"}},
       {{200,
         "OK",
         {{"text/event-stream", ""}, {kJson, "EventList"}},
         {"Cache-Control", "X-Accel-Buffering"}},
        {204, "the operation is over and its last event was seen"}},
       {404}},
  };
}

std::vector<Route> Others() {
  return {
      {Endpoint::kListEngines,
       "GET",
       "/v1/engines",
       "listEngines",
       "List engines, broken ones too",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       {},
       {Ok("EngineList")},
       {}},
      {Endpoint::kGetEngine,
       "GET",
       "/v1/engines/{name}",
       "getEngine",
       "Read an engine",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       {},
       {Ok("Engine")},
       {404}},
      {Endpoint::kListTiers,
       "GET",
       "/v1/tiers",
       "listTiers",
       "List the sizes on offer",
       Access::kRead,
       Lane::kWorker,
       "",
       "",
       {},
       {Ok("TierList")},
       {}},
      {Endpoint::kVersion,
       "GET",
       "/v1/version",
       "getVersion",
       "Version of the host",
       Access::kPublic,
       Lane::kMemory,
       "",
       "",
       {},
       {Ok("Version")},
       {}},
      {Endpoint::kLivez,
       "GET",
       "/livez",
       "livez",
       "Whether the process makes progress",
       Access::kPublic,
       Lane::kMemory,
       "",
       "",
       {{"verbose", "string", "ignored: there is nothing more to say"}},
       {{200, "alive", {{kText, ""}}}},
       {}},
      {Endpoint::kReadyz,
       "GET",
       "/readyz",
       "readyz",
       "Whether the host can serve, by dependency",
       Access::kPublic,
       Lane::kProbe,
       "",
       "",
       {{"verbose", "string", "one line per dependency"}},
       {{200, "ready", {{kText, ""}, {kJson, "Readiness"}}},
        {503, "not ready", {{kText, ""}, {kJson, "Readiness"}}}},
       {}},
      {Endpoint::kMetrics,
       "GET",
       "/metrics",
       "metrics",
       "Prometheus metrics",
       Access::kPublic,
       Lane::kMemory,
       "",
       "",
       {},
       {{200, "OK", {{"text/plain; version=0.0.4; charset=utf-8", ""}}}},
       {}},
      {Endpoint::kOpenApi,
       "GET",
       "/openapi.json",
       "openapi",
       "This document",
       Access::kPublic,
       Lane::kMemory,
       "",
       "",
       {},
       {{200, "OK", {{kJson, "Document"}}, {"ETag"}}, {304, "not modified", {}, {"ETag"}}},
       {}},
  };
}

}  // namespace

std::vector<Route> MakeRoutes() {
  std::vector<Route> out = Instances();
  for (auto part : {Operations(), Others()})
    std::move(part.begin(), part.end(), std::back_inserter(out));
  return out;
}

std::vector<int> ProblemStatuses(const Route& route) {
  // The HTTP layer's refusals, a bug, and a worker queue that is full.
  std::vector<int> out = {400, 408, 413, 414, 431, 500, 501, 503, 505};
  if (route.access != Access::kPublic) out.insert(out.end(), {401, 403, 429, 504});
  out.insert(out.end(), route.problems.begin(), route.problems.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace slipway::api
