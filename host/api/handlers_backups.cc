#include "api/call.h"
#include "api/render.h"
#include "api/request.h"

namespace slipway::api {
namespace {

constexpr const char* kStates[] = {"PENDING", "RUNNING", "COMPLETED", "FAILED"};

Result<http::Response> BackupPage(const Context& context, const Call& call,
                                  store::BackupFilter filter) {
  TRY(const Page page, ReadPage(context, call));
  filter.state = QueryText(call.request(), "state");
  filter.include_gone = QueryText(call.request(), "includeGone") == "true";
  filter.deleted = QueryText(call.request(), "deleted") == "true";
  filter.before_created_ms = page.after.created_ms;
  filter.before_id = page.after.id;
  filter.limit = page.size + 1;
  if (!call.caller.all_organizations) {
    filter.organizations = call.caller.organizations;
    // For the store an empty list of organizations means all.
    if (filter.organizations.empty())
      return PageResponse(context, call, page, Json::MakeArray(), std::nullopt);
  }
  TRY(auto rows, context.store.ListBackups(filter));
  const auto last = CutToPage(rows, page);
  Json items = Json::MakeArray();
  for (const auto& row : rows) items.Push(RenderBackup(row));
  return PageResponse(context, call, page, std::move(items), last);
}

Reply ListBackups(const Context& context, const Call& call) {
  store::BackupFilter filter;
  filter.instance_id = QueryText(call.request(), "instanceId");
  auto page = BackupPage(context, call, filter);
  return page ? Reply(*std::move(page)) : Fail(context, call, page.error());
}

// Of a deleted instance, too: its backups outlive it.
Reply ListBackupsOfInstance(const Context& context, const Call& call) {
  const auto instance = SeenInstance(context, call);
  if (!instance) return Fail(context, call, instance.error());
  store::BackupFilter filter;
  filter.instance_id = instance->id;
  auto page = BackupPage(context, call, filter);
  return page ? Reply(*std::move(page)) : Fail(context, call, page.error());
}

Reply GetBackup(const Context& context, const Call& call) {
  auto backup = context.store.GetBackup(call.id());
  if (backup && !call.caller.Sees(backup->organization))
    backup = Error{Code::kNotFound, "BackupNotFound", "there is no backup " + call.id()};
  if (!backup) return Fail(context, call, backup.error());
  return JsonResponse(200, RenderBackup(*backup), {{"Cache-Control", "no-cache"}});
}

Reply GetRecoveryWindow(const Context& context, const Call& call) {
  const auto instance = SeenInstance(context, call);
  if (!instance) return Fail(context, call, instance.error());
  return JsonResponse(200, RenderWindow(*instance), {{"Cache-Control", "no-cache"}});
}

Reply TakeBackup(const Context& context, const Call& call) {
  Json arguments = Json::MakeObject();
  std::vector<Error> wrong = ParseBackup(call.body, arguments);
  if (!wrong.empty())
    return Fail(
        context, call,
        {Code::kInvalid, "ValidationFailed", "the request is not valid; errors[] says where"},
        std::move(wrong));
  return SubmitOn(context, call, "backup", std::move(arguments));
}

std::vector<Parameter> Filters(std::vector<Parameter> more) {
  more.push_back({.name = "state",
                  .description = "only in this state",
                  .values = {std::begin(kStates), std::end(kStates)}});
  more.push_back({.name = "includeGone",
                  .description = "true lists those, too, that the archive no longer has",
                  .type = Parameter::Type::kBoolean});
  return Paged(std::move(more));
}

}  // namespace

std::vector<Route> BackupRoutes() {
  const Parameter instance = IdOf("instance");
  std::vector<Parameter> of_instance = Filters({});
  of_instance.insert(of_instance.begin(), instance);
  const std::vector<Refusal> paged = {{400, {"PageTokenMismatch"}}, {410, {"PageTokenExpired"}}};
  return {
      {.method = "POST",
       .path = "/v1/instances/{id}/backups",
       .operation_id = "takeBackup",
       .summary = "Take a backup now",
       .access = Access::kWrite,
       .parameters = {instance, IdempotencyKeyHeader(), IfMatchHeader()},
       .body = {{.type = "application/json", .schema = "TakeBackup", .required = false}},
       .answers = {AcceptedOperation()},
       .refusals = {{400, {"IdempotencyKeyRequired"}},
                    {409, {"OperationInProgress", "WrongState", "BackupNotConfigured"}},
                    {412, {"EtagMismatch"}},
                    {422, {"IdempotencyKeyReused", "VerbUnsupported"}},
                    {503, {"EngineUnavailable", "EngineQuarantined", "EngineCrashed"}}},
       .handler = TakeBackup},
      {.method = "GET",
       .path = "/v1/instances/{id}/backups",
       .operation_id = "listBackupsOfInstance",
       .summary = "List an instance's backups",
       .parameters = std::move(of_instance),
       .answers = {Ok("BackupList", {"Link"})},
       .refusals = paged,
       .handler = ListBackupsOfInstance},
      {.method = "GET",
       .path = "/v1/instances/{id}/recovery-window",
       .operation_id = "getRecoveryWindow",
       .summary = "Read to which points of time an instance can be restored",
       .parameters = {instance},
       .answers = {Ok("RecoveryWindow")},
       .handler = GetRecoveryWindow},
      {.method = "GET",
       .path = "/v1/backups",
       .operation_id = "listBackups",
       .summary = "List backups, those of deleted instances too",
       .parameters = Filters({{.name = "instanceId",
                               .description = "only of this instance",
                               .characters = instance.characters,
                               .min = instance.min,
                               .max = instance.max},
                              {.name = "deleted",
                               .description = "true lists only those of deleted instances",
                               .type = Parameter::Type::kBoolean}}),
       .answers = {Ok("BackupList", {"Link"})},
       .refusals = paged,
       .handler = ListBackups},
      {.method = "GET",
       .path = "/v1/backups/{id}",
       .operation_id = "getBackup",
       .summary = "Read a backup",
       .parameters = {IdOf("backup")},
       .answers = {Ok("Backup")},
       .handler = GetBackup},
  };
}

}  // namespace slipway::api
