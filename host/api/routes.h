#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::api {

struct Call;
struct Context;
struct Reply;

// The right that a caller needs for a route.
enum class Access { kPublic, kRead, kWrite, kSecrets, kAdmin };

// Where a route runs.
enum class Lane {
  kMemory,  // on the I/O thread; must not block
  kProbe,   // on the probes' own thread, so that the host looks alive under load
  kWorker,
};

enum class In { kPath, kQuery, kHeader };

// One parameter with its bounds. CheckParameters enforces the bounds, and /openapi.json shows them.
struct Parameter {
  enum class Type { kText, kInteger, kBoolean, kTime };

  std::string name = {};
  In in = In::kQuery;
  std::string description = {};
  Type type = Type::kText;
  // The characters that a text may have, as a regular expression's set ("a-z0-9_"); "": any.
  std::string characters = {};
  int64_t min = 0;  // bounds of the number or of the text's length
  int64_t max = std::numeric_limits<int64_t>::max();
  std::vector<std::string> values = {};  // the allowed values; empty: any
  std::string reason = "Malformed";      // of the refusal
  std::string names =
      {};  // in a path: the kind that it identifies ("instance"); a refusal is then a 404
};

struct Body {
  std::string type, schema;
  bool required = true;
  bool has_fields = true;  // false: an object without fields
};

struct Answer {
  int status = 200;
  std::string description = {};
  // content type → schema name; "": a plain string; no entry: no body
  std::vector<std::pair<std::string, std::string>> content = {};
  std::vector<std::string> headers = {};
};

// A status of a route's refusals, with the possible reasons.
struct Refusal {
  int status = 0;
  std::vector<std::string> reasons;
};

// A route is one row and one function. The row feeds the router, the checks and /openapi.json.
struct Route {
  std::string method = {}, path = {}, operation_id = {}, summary = {};
  Access access = Access::kRead;
  Lane lane = Lane::kWorker;
  std::vector<Parameter> parameters = {};
  std::optional<Body> body = {};
  std::vector<Answer> answers = {};
  std::vector<Refusal> refusals = {};  // in addition to every route's
  bool asks_engine = false;            // an engine may refuse, too, with its own reasons
  Reply (*handler)(const Context&, const Call&) = nullptr;
};

// The rows of each handlers file.
std::vector<Route> InstanceRoutes();
std::vector<Route> BackupRoutes();
std::vector<Route> DayTwoRoutes();
std::vector<Route> DrillRoutes();
std::vector<Route> OperationRoutes();
std::vector<Route> EngineRoutes();
std::vector<Route> AuditRoutes();
std::vector<Route> HealthRoutes();

std::vector<Route> AllRoutes();

// A row's parameters and those of every request.
std::vector<Parameter> ParametersOf(const Route& route);
// Every status with a problem document that a route may give, in order, with the reasons.
std::vector<Refusal> RefusalsOf(const Route& route);
// The regular expression for a text parameter; "": any text.
std::string PatternOf(const Parameter& parameter);

// The parts that rows share.
Parameter IdOf(const std::string& what);  // in the path, as {id}
Parameter IdempotencyKeyHeader();
Parameter IfMatchHeader();
Parameter IfNoneMatchHeader();
std::vector<Parameter> Paged(std::vector<Parameter> filters);
Answer Ok(const std::string& schema, std::vector<std::string> headers = {});
Answer AcceptedOperation();
Body NoFields();  // for a POST without input

}  // namespace slipway::api
