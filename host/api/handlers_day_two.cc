#include "api/call.h"
#include "api/request.h"

namespace slipway::api {
namespace {

Reply Restart(const Context& context, const Call& call) {
  return SubmitOn(context, call, "restart", Json::MakeObject());
}

Reply SwitchOver(const Context& context, const Call& call) {
  Json arguments = Json::MakeObject();
  std::vector<Error> wrong = ParseSwitchover(call.body, arguments);
  if (!wrong.empty())
    return Fail(
        context, call,
        {Code::kInvalid, "ValidationFailed", "the request is not valid; errors[] says where"},
        std::move(wrong));
  return SubmitOn(context, call, "switchover", std::move(arguments));
}

}  // namespace

std::vector<Route> DayTwoRoutes() {
  const Parameter id = IdOf("instance");
  const auto refusals = [](std::vector<std::string> conflicts) -> std::vector<Refusal> {
    return {{400, {"IdempotencyKeyRequired"}},
            {409, std::move(conflicts)},
            {412, {"EtagMismatch"}},
            {422, {"IdempotencyKeyReused", "VerbUnsupported"}},
            {503, {"EngineUnavailable", "EngineQuarantined", "EngineCrashed"}}};
  };
  return {
      {.method = "POST",
       .path = "/v1/instances/{id}/restart",
       .operation_id = "restartInstance",
       .summary = "Restart every server, one after the other",
       .access = Access::kWrite,
       .parameters = {id, IdempotencyKeyHeader(), IfMatchHeader()},
       .body = NoFields(),
       .answers = {AcceptedOperation()},
       .refusals = refusals({"OperationInProgress", "WrongState"}),
       .handler = Restart},
      {.method = "POST",
       .path = "/v1/instances/{id}/switchover",
       .operation_id = "switchOverInstance",
       .summary = "Make another member the primary",
       .access = Access::kWrite,
       .parameters = {id, IdempotencyKeyHeader(), IfMatchHeader()},
       .body = {{.type = "application/json", .schema = "Switchover", .required = false}},
       .answers = {AcceptedOperation()},
       .refusals = refusals({"OperationInProgress", "WrongState", "NoReplica"}),
       .handler = SwitchOver},
  };
}

}  // namespace slipway::api
