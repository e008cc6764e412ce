#include <map>

#include "api/call.h"
#include "api/render.h"
#include "api/request.h"
#include "pipeline/verbs.h"

namespace slipway::api {
namespace {

constexpr int kPatchTries = 5;

bool EngineServes(const Context& context, const std::string& database_type) {
  return static_cast<bool>(context.engines.ForType(database_type));
}

Result<Json> Show(const Context& context, const store::InstanceRecord& instance,
                  bool engine_available) {
  InstanceView view;
  view.engine_available = engine_available;
  if (instance.deleted_ms == 0) {
    TRY(const auto live, context.store.LiveOperation(instance.id));
    if (live) view.operation_id = live->id;
  }
  return RenderInstance(instance, view);
}

Reply NotModified(const std::string& etag) {
  http::Response out;
  out.status = 304;
  out.headers = {{"ETag", etag}};
  out.content_type.clear();
  return out;
}

Reply ShowOne(const Context& context, const Call& call, const store::InstanceRecord& instance) {
  const auto shown = Show(context, instance, EngineServes(context, instance.database_type));
  if (!shown) return Fail(context, call, shown.error());
  return JsonResponse(200, *shown,
                      {{"ETag", (*shown)["etag"].AsString()}, {"Cache-Control", "no-cache"}});
}

// A caller can read a deleted instance but not change it.
Error Gone(const std::string& id) {
  return Error{Code::kNotFound, "InstanceNotFound", "instance " + id + " is deleted"};
}

// Both writes check this first: the instance is visible, not deleted, and matches If-Match.
Result<store::InstanceRecord> InstanceForWrite(const Context& context, const Call& call) {
  TRY(store::InstanceRecord instance, SeenInstance(context, call));
  if (instance.deleted_ms != 0) return Gone(instance.id);
  const std::string* match = call.request().Header("if-match");
  if (match != nullptr && !IfMatchHolds(*match, instance.generation)) {
    return Error{Code::kPrecondition, "EtagMismatch", "the instance was changed since it was read"};
  }
  return instance;
}

Reply CreateInstance(const Context& context, const Call& call) {
  pipeline::OperationRequest wanted;
  wanted.idempotency = call.idempotency;
  pipeline::CreateRequest& create = wanted.create.emplace();
  std::vector<Error> wrong = ParseCreate(call.body, context.service.tiers(), create);
  wanted.verb = create.source.is_object() ? "restore" : "create";
  if (create.source.is_object()) wanted.arguments.Set("source", create.source);
  if (!create.organization.empty() && !call.caller.Sees(create.organization)) {
    return Fail(context, call,
                {Code::kForbidden, "Forbidden",
                 "this token may not create instances of organization " +
                     Json::Quote(create.organization)});
  }
  if (!create.database_type.empty()) {
    const auto engine = context.engines.ForType(create.database_type);
    if (!engine && engine.error().code == Code::kUnsupported)
      wrong.push_back(Error(engine.error()).At("/databaseType"));
  }
  if (!wrong.empty())
    return Fail(
        context, call,
        {Code::kInvalid, "ValidationFailed", "the request is not valid; errors[] says where"},
        std::move(wrong));

  pipeline::Findings findings;
  const auto submitted = context.service.Submit(wanted, ActorOf(call), findings);
  if (!submitted) return Fail(context, call, submitted.error(), std::move(findings.problems));
  Json shown = RenderOperation(submitted->operation);
  Json list = Json::MakeArray();
  for (const auto& warning : findings.warnings)
    list.Push(Json::Obj({{"pointer", warning.field}, {"message", warning.message}}));
  if (!list.empty()) shown.Set("warnings", std::move(list));
  http::Response out = Accepted(submitted->operation, shown);
  if (submitted->replayed) out.headers.emplace_back("Idempotency-Replayed", "true");
  return out;
}

Reply ListInstances(const Context& context, const Call& call) {
  const auto page = ReadPage(context, call);
  if (!page) return Fail(context, call, page.error());
  store::InstanceFilter filter;
  filter.project = QueryText(call.request(), "projectName");
  filter.name = QueryText(call.request(), "name");
  filter.database_type = QueryText(call.request(), "databaseType");
  filter.tier = QueryText(call.request(), "tier");
  const std::string state = QueryText(call.request(), "state");
  // UNKNOWN is not stored: it means an instance without its engine.
  if (state != "UNKNOWN") filter.state = state;
  filter.include_deleted = state == "DELETED";
  filter.before_created_ms = page->after.created_ms;
  filter.before_id = page->after.id;
  filter.limit = page->size + 1;
  const std::string org = QueryText(call.request(), "orgId");
  if (!call.caller.all_organizations) filter.organizations = call.caller.organizations;
  if (!org.empty()) filter.organizations = {org};
  // For the store an empty list of organizations means all.
  const bool nothing = (!call.caller.all_organizations && filter.organizations.empty()) ||
                       (!org.empty() && !call.caller.Sees(org));
  if (nothing) return PageResponse(context, call, *page, Json::MakeArray(), std::nullopt);

  auto rows = context.store.ListInstances(filter);
  if (!rows) return Fail(context, call, rows.error());
  const auto last = CutToPage(*rows, *page);
  std::map<std::string, bool> served;
  Json items = Json::MakeArray();
  for (const auto& row : *rows) {
    const auto [it, fresh] = served.try_emplace(row.database_type, false);
    if (fresh) it->second = EngineServes(context, row.database_type);
    auto shown = Show(context, row, it->second);
    if (!shown) return Fail(context, call, shown.error());
    if (state.empty() || shown->At("/status/state").AsString() == state)
      items.Push(*std::move(shown));
  }
  return PageResponse(context, call, *page, std::move(items), last);
}

Reply GetInstance(const Context& context, const Call& call) {
  const auto instance = SeenInstance(context, call);
  if (!instance) return Fail(context, call, instance.error());
  Reply shown = ShowOne(context, call, *instance);
  const std::string* known = call.request().Header("if-none-match");
  if (known != nullptr && shown.response.status == 200 &&
      IfNoneMatchHits(*known, shown.response.headers.front().second))
    return NotModified(shown.response.headers.front().second);
  return shown;
}

// A change of the spec: what it would do, or the operation that does it.
Reply ChangeSpec(const Context& context, const Call& call, const store::InstanceRecord& instance,
                 const Json& changes) {
  const bool dry = QueryText(call.request(), "dryRun") == "true";
  // A repeated request gets its operation, whatever has become of the instance.
  if (dry || !call.idempotency) {
    pipeline::Findings findings;
    const auto plan = context.service.Preview(instance.id, changes, findings);
    if (!plan) return Fail(context, call, plan.error(), std::move(findings.problems));
    if (dry) {
      const auto shown = Show(context, instance, true);
      if (!shown) return Fail(context, call, shown.error());
      return JsonResponse(200, RenderPlan(*plan),
                          {{"ETag", (*shown)["etag"].AsString()}, {"Cache-Control", "no-cache"}});
    }
    const std::string hash = QueryText(call.request(), "planHash");
    if (plan->changes.empty() && (hash.empty() || hash == plan->hash))
      return ShowOne(context, call, instance);
  }
  return SubmitOn(context, call, "update", Json::Obj({{"changes", changes}}));
}

Reply PatchInstance(const Context& context, const Call& call) {
  // Without If-Match a lost race is retried on the new state.
  for (int left = kPatchTries;; --left) {
    const auto instance = InstanceForWrite(context, call);
    if (!instance) return Fail(context, call, instance.error());
    Patch patch;
    std::vector<Error> wrong = ParsePatch(call.body, patch);
    if (wrong.size() == 1 && wrong[0].code == Code::kNotImplemented)
      return Fail(context, call, wrong[0]);
    std::optional<std::string> labels;
    if (patch.labels && wrong.empty()) {
      const auto old = Json::Parse(instance->labels);
      auto merged = PatchLabels(old ? *old : Json::MakeObject(), *patch.labels);
      if (merged) {
        labels = merged->Dump();
      } else {
        wrong.push_back(merged.error());
      }
    }
    if (!wrong.empty())
      return Fail(
          context, call,
          {Code::kInvalid, "ValidationFailed", "the request is not valid; errors[] says where"},
          std::move(wrong));
    if (!patch.changes.empty()) return ChangeSpec(context, call, *instance, patch.changes);
    if (QueryText(call.request(), "dryRun") == "true")
      return Fail(context, call,
                  {Code::kInvalid, "NothingToPlan",
                   "labels and deletionProtection change at once; there is no plan for them"});
    if (!labels && !patch.deletion_protection) return ShowOne(context, call, *instance);
    auto patched = context.service.Patch(
        {call.id(), instance->generation, patch.deletion_protection, labels}, ActorOf(call));
    if (patched) return ShowOne(context, call, *patched);
    const bool raced =
        patched.error().reason == "EtagMismatch" && call.request().Header("if-match") == nullptr;
    if (!raced || left == 1) return Fail(context, call, patched.error());
  }
}

Reply DeleteInstance(const Context& context, const Call& call) {
  Json arguments = Json::MakeObject();
  if (QueryText(call.request(), "retainVolumes") == "true") arguments.Set("retain_volumes", true);
  const std::string backups = QueryText(call.request(), "retainBackups");
  if (!backups.empty()) arguments.Set("retain_backups", backups == "true");
  if (QueryText(call.request(), "finalBackup") == "true") {
    if (backups == "false")
      return Fail(context, call,
                  {Code::kInvalid, "FinalBackupNotRetained",
                   "finalBackup=true is of use only if the backups are retained"});
    arguments.Set(pipeline::kFinalBackup, true);
  }
  return SubmitOn(context, call, "delete", std::move(arguments));
}

Reply RepairInstance(const Context& context, const Call& call) {
  return SubmitOn(context, call, "repair", Json::MakeObject());
}

Reply GetCredentials(const Context& context, const Call& call) {
  const auto instance = SeenInstance(context, call);
  if (!instance) return Fail(context, call, instance.error());
  if (instance->deleted_ms != 0) return Fail(context, call, Gone(call.id()));
  const auto secrets = context.service.Credentials(call.id(), ActorOf(call));
  if (!secrets) return Fail(context, call, secrets.error());
  Json fields = Json::MakeObject();
  for (const auto& [name, value] : *secrets) fields.Set(name, value.Reveal());
  context.log.Info(
      "credentials.read",
      {{"instance", call.id()}, {"by", call.caller.name}, {"request", call.request_id}});
  return JsonResponse(200, RenderCredentials(*instance, fields),
                      {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}});
}

Parameter Label(const char* name, const char* description) {
  return {.name = name, .description = description, .characters = "a-z0-9-", .min = 1, .max = 63};
}

}  // namespace

Reply SubmitOn(const Context& context, const Call& call, const char* verb, Json arguments) {
  const auto instance = InstanceForWrite(context, call);
  if (!instance) return Fail(context, call, instance.error());
  pipeline::OperationRequest request;
  request.verb = verb;
  request.instance_id = call.id();
  request.arguments = std::move(arguments);
  request.idempotency = call.idempotency;
  if (call.request().Header("if-match") != nullptr)
    request.expected_generation = instance->generation;
  request.plan_hash = QueryText(call.request(), "planHash");
  pipeline::Findings findings;
  const auto submitted = context.service.Submit(request, ActorOf(call), findings);
  if (!submitted) return Fail(context, call, submitted.error(), std::move(findings.problems));
  http::Response out = Accepted(submitted->operation, RenderOperation(submitted->operation));
  if (call.idempotency && submitted->replayed)
    out.headers.emplace_back("Idempotency-Replayed", "true");
  return out;
}

std::vector<Route> InstanceRoutes() {
  const Parameter id = IdOf("instance");
  return {
      {.method = "POST",
       .path = "/v1/instances",
       .operation_id = "createInstance",
       .summary = "Create a database, empty or out of another one's backups",
       .access = Access::kWrite,
       .parameters = {IdempotencyKeyHeader()},
       .body = {{.type = "application/json", .schema = "CreateInstance"}},
       .answers = {AcceptedOperation()},
       .refusals = {{400, {"IdempotencyKeyRequired"}},
                    {409, {"NameTaken", "NamespaceTaken", "BackupsExpired"}},
                    {422, {"IdempotencyKeyReused"}}},
       .asks_engine = true,
       .handler = CreateInstance},
      {.method = "GET",
       .path = "/v1/instances",
       .operation_id = "listInstances",
       .summary = "List instances",
       .parameters =
           Paged({Label("orgId", "only of this organization"),
                  Label("projectName", "only of projects with this name"),
                  Label("name", "only with this name"),
                  {.name = "databaseType",
                   .description = "only of this type",
                   .characters = "A-Z0-9_",
                   .min = 1,
                   .max = 64},
                  {.name = "tier",
                   .description = "only of this tier",
                   .characters = " -~",
                   .min = 1,
                   .max = 64},
                  {.name = "state",
                   .description = "only in this state; DELETED lists deleted instances",
                   .values = {"PROVISIONING", "ACTIVE", "DEGRADED", "UPDATING", "RESTARTING",
                              "SWITCHING_OVER", "DELETING", "DELETED", "FAILED", "UNKNOWN"}}}),
       .answers = {Ok("InstanceList", {"Link"})},
       .refusals = {{400, {"PageTokenMismatch"}}, {410, {"PageTokenExpired"}}},
       .handler = ListInstances},
      {.method = "GET",
       .path = "/v1/instances/{id}",
       .operation_id = "getInstance",
       .summary = "Read an instance",
       .parameters = {id, IfNoneMatchHeader()},
       .answers = {Ok("Instance", {"ETag"}),
                   {.status = 304, .description = "not modified", .headers = {"ETag"}}},
       .handler = GetInstance},
      {.method = "PATCH",
       .path = "/v1/instances/{id}",
       .operation_id = "patchInstance",
       .summary = "Change an instance",
       .access = Access::kWrite,
       .parameters = {id,
                      {.name = "dryRun",
                       .description = "true tells what the change would do, and does nothing",
                       .type = Parameter::Type::kBoolean},
                      {.name = "planHash",
                       .description = "hash of a plan that was seen; another plan is refused",
                       .characters = "0-9a-f",
                       .min = 64,
                       .max = 64},
                      IdempotencyKeyHeader(),
                      IfMatchHeader()},
       .body = {{.type = "application/merge-patch+json", .schema = "PatchInstance"}},
       .answers = {Ok("InstanceOrPlan", {"ETag"}), AcceptedOperation()},
       .refusals = {{409, {"OperationInProgress", "WrongState", "PlanStale"}},
                    {412, {"EtagMismatch"}},
                    {422, {"IdempotencyKeyReused", "VerbUnsupported", "NothingToPlan"}},
                    {501, {"NotImplemented"}},
                    {503, {"EngineUnavailable", "EngineQuarantined", "EngineCrashed"}}},
       .asks_engine = true,
       .handler = PatchInstance},
      {.method = "DELETE",
       .path = "/v1/instances/{id}",
       .operation_id = "deleteInstance",
       .summary = "Delete an instance with its data",
       .access = Access::kWrite,
       .parameters = {id,
                      {.name = "retainVolumes",
                       .description = "true keeps the PersistentVolumes (reclaim policy "
                                      "Retain) and names them in the operation (retained); false "
                                      "(the default) deletes the data",
                       .type = Parameter::Type::kBoolean},
                      {.name = "retainBackups",
                       .description = "true (the default) keeps the backups in a store of the host "
                                      "until they expire (expiresAt), so that the instance can be "
                                      "restored; false removes them once it is deleted. A bucket "
                                      "of the caller's own is never touched",
                       .type = Parameter::Type::kBoolean},
                      {.name = "finalBackup",
                       .description = "true takes a backup first. If it fails, or the operation is "
                                      "cancelled before its end, nothing is deleted",
                       .type = Parameter::Type::kBoolean},
                      IfMatchHeader()},
       .answers = {AcceptedOperation()},
       .refusals = {{409,
                     {"DeletionProtected", "OperationInProgress", "BackupNotConfigured",
                      "WrongState"}},
                    {412, {"EtagMismatch"}},
                    {422, {"RetainNotSupported", "VerbUnsupported", "FinalBackupNotRetained"}},
                    {503, {"EngineUnavailable", "EngineQuarantined", "EngineCrashed"}}},
       .handler = DeleteInstance},
      {.method = "POST",
       .path = "/v1/instances/{id}/repair",
       .operation_id = "repairInstance",
       .summary = "Apply the plan again; objects with another owner stay as they are",
       .access = Access::kWrite,
       .parameters = {id, IdempotencyKeyHeader(), IfMatchHeader()},
       .body = NoFields(),
       .answers = {AcceptedOperation()},
       .refusals = {{400, {"IdempotencyKeyRequired"}},
                    {409, {"OperationInProgress", "WrongState"}},
                    {412, {"EtagMismatch"}},
                    {422, {"IdempotencyKeyReused"}}},
       .handler = RepairInstance},
      {.method = "GET",
       .path = "/v1/instances/{id}/credentials",
       .operation_id = "getCredentials",
       .summary = "Read the connection data, including the password",
       .access = Access::kSecrets,
       .parameters = {id},
       .answers = {Ok("Credentials", {"Cache-Control"})},
       .refusals = {{404, {"NoCredentials"}}, {409, {"NoCredentialsYet"}}},
       .handler = GetCredentials},
  };
}

}  // namespace slipway::api
