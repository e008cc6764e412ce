#include "api/call.h"
#include "api/render.h"
#include "api/request.h"
#include "pipeline/drills.h"

namespace slipway::api {
namespace {

constexpr char kVerb[] = "drill";

// A drill has the problems of the create that it is, at other places. What is wrong with no member
// of the request is wrong with the instance.
Reply Refuse(const Context& context, const Call& call, const Error& error,
             std::vector<Error> problems) {
  constexpr std::string_view kSource = "/source";
  for (Error& problem : problems) {
    if (problem.field.starts_with(kSource)) problem.field.erase(0, kSource.size());
    const std::string member = problem.field.substr(0, problem.field.find('/', 1));
    if (member == "/backupId" || member == "/target" || member == "/checks") continue;
    if (problem.reason == "RestoreNotSupported")
      return Fail(context, call, {Code::kUnsupported, "VerbUnsupported", problem.message});
    return Fail(context, call, {Code::kConflict, problem.reason, problem.message});
  }
  return Fail(context, call, error, std::move(problems));
}

// Of a deleted instance, too: its backups outlive it.
Reply StartDrill(const Context& context, const Call& call) {
  const auto source = SeenInstance(context, call);
  if (!source) return Fail(context, call, source.error());
  std::vector<Error> wrong = ParseDrill(call.body);
  if (!wrong.empty())
    return Fail(
        context, call,
        {Code::kInvalid, "ValidationFailed", "the request is not valid; errors[] says where"},
        std::move(wrong));
  pipeline::OperationRequest request;
  request.verb = kVerb;
  request.idempotency = call.idempotency;
  request.create = pipeline::DrillOf(*source, call.body);
  request.arguments = Json::Obj({{"source", request.create->source}});
  pipeline::Findings findings;
  const auto submitted = context.service.Submit(request, ActorOf(call), findings);
  if (!submitted) return Refuse(context, call, submitted.error(), std::move(findings.problems));
  http::Response out = Accepted(submitted->operation, RenderOperation(submitted->operation));
  if (submitted->replayed) out.headers.emplace_back("Idempotency-Replayed", "true");
  return out;
}

Reply ListDrills(const Context& context, const Call& call) {
  const auto source = SeenInstance(context, call);
  if (!source) return Fail(context, call, source.error());
  const auto page = ReadPage(context, call);
  if (!page) return Fail(context, call, page.error());
  store::OperationFilter filter;
  filter.verb = kVerb;
  filter.source = source->id;
  filter.before_created_ms = page->after.created_ms;
  filter.before_id = page->after.id;
  filter.limit = page->size + 1;
  auto rows = context.store.ListOperations(filter);
  if (!rows) return Fail(context, call, rows.error());
  const auto last = CutToPage(*rows, *page);
  Json items = Json::MakeArray();
  for (const auto& row : *rows) {
    const auto copy = context.store.GetInstance(row.instance_id);
    if (!copy) return Fail(context, call, copy.error());
    items.Push(RenderDrill(row, *copy));
  }
  return PageResponse(context, call, *page, std::move(items), last);
}

}  // namespace

std::vector<Route> DrillRoutes() {
  const Parameter instance = IdOf("instance");
  std::vector<Parameter> listed = Paged({});
  listed.insert(listed.begin(), instance);
  return {
      {.method = "POST",
       .path = "/v1/instances/{id}/restore-drills",
       .operation_id = "startRestoreDrill",
       .summary = "Restore an instance's backups into a throw-away instance and check it",
       .access = Access::kWrite,
       .parameters = {instance, IdempotencyKeyHeader()},
       .body = {{.type = "application/json", .schema = "StartRestoreDrill", .required = false}},
       .answers = {AcceptedOperation()},
       .refusals = {{400, {"IdempotencyKeyRequired"}},
                    {409,
                     {"OperationInProgress", "BackupsExpired", "NoBackups", "NoUsableBackup",
                      "NoStoreForDrill", "NamespaceTaken", "NameTooLong", "UnknownTier"}},
                    {422, {"IdempotencyKeyReused", "ValidationFailed", "VerbUnsupported"}},
                    {429, {"TooManyOperations"}},
                    {503, {"EngineUnavailable", "EngineQuarantined", "EngineCrashed"}}},
       .asks_engine = true,
       .handler = StartDrill},
      {.method = "GET",
       .path = "/v1/instances/{id}/restore-drills",
       .operation_id = "listRestoreDrills",
       .summary = "List the restore drills of an instance's backups",
       .parameters = std::move(listed),
       .answers = {Ok("RestoreDrillList", {"Link"})},
       .refusals = {{400, {"PageTokenMismatch"}}, {410, {"PageTokenExpired"}}},
       .handler = ListDrills},
  };
}

}  // namespace slipway::api
