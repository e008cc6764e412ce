#include <map>

#include "api/call.h"
#include "api/render.h"
#include "api/request.h"

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

Reply ShowOne(const Context& context, const Call& call, const store::InstanceRecord& instance) {
  const auto shown = Show(context, instance, EngineServes(context, instance.database_type));
  if (!shown) return Fail(context, call, shown.error());
  const std::string etag = (*shown)["etag"].AsString();
  const std::string* known = call.request().Header("if-none-match");
  if (call.route->endpoint == Endpoint::kGetInstance && known != nullptr &&
      IfNoneMatchHits(*known, etag)) {
    http::Response unchanged;
    unchanged.status = 304;
    unchanged.headers = {{"ETag", etag}};
    unchanged.content_type.clear();
    return unchanged;
  }
  return JsonResponse(200, *shown, {{"ETag", etag}, {"Cache-Control", "no-cache"}});
}

Problem MediaType(const char* header, const char* wanted) {
  Problem out = FromStatus(415, std::string("the body must be ") + wanted);
  out.headers.emplace_back(header, wanted);
  return out;
}

Problem EtagMismatch() {
  return ToProblem(
      Error{Code::kPrecondition, "EtagMismatch", "the instance was changed since it was read"});
}

// A deleted instance can be read, but nothing can be done with it.
Error Gone(const std::string& id) {
  return Error{Code::kNotFound, "InstanceNotFound", "instance " + id + " is deleted"};
}

// What both writes look at first: the instance is visible, there, and as the caller knows it.
struct Checked {
  store::InstanceRecord instance;
  std::optional<Problem> problem;
};

Result<Checked> CheckForWrite(const Context& context, const Call& call) {
  TRY(store::InstanceRecord instance, SeenInstance(context, call));
  if (instance.deleted_ms != 0) return Gone(instance.id);
  const std::string* match = call.request().Header("if-match");
  if (match != nullptr && !IfMatchHolds(*match, instance.generation))
    return Checked{std::move(instance), EtagMismatch()};
  return Checked{std::move(instance), std::nullopt};
}

}  // namespace

Reply CreateInstance(const Context& context, const Call& call) {
  if (!HasContentType(call.request(), "application/json"))
    return Fail(call, MediaType("Accept", "application/json"));
  const auto body = ParseBody(call.request());
  if (!body) return Fail(context, call, body.error());
  auto key = ReadIdempotencyKey(context, call, *body);
  if (!key) return Fail(context, call, key.error());

  pipeline::CreateRequest create;
  std::vector<Error> wrong = ParseCreate(*body, context.service.tiers(), create);
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
  create.requested_by = call.caller.name;
  create.request_id = call.request_id;
  create.idempotency = *std::move(key);

  std::vector<pipeline::Warning> warnings;
  const auto submitted = context.service.Create(create, &wrong, &warnings);
  if (!submitted) return Fail(context, call, submitted.error(), std::move(wrong));
  Json shown = RenderOperation(submitted->operation);
  Json list = Json::MakeArray();
  for (const auto& warning : warnings)
    list.Push(Json::Obj({{"pointer", warning.field}, {"message", warning.message}}));
  if (!list.empty()) shown.Set("warnings", std::move(list));
  http::Response out = Accepted(submitted->operation, shown);
  if (submitted->replayed) out.headers.emplace_back("Idempotency-Replayed", "true");
  return out;
}

Reply ListInstances(const Context& context, const Call& call) {
  const auto page = ReadPage(context, call);
  if (!page) return Fail(context, call, page.error());
  const auto text = [&](const char* name) {
    const std::string* value = call.request().Query(name);
    return value != nullptr ? *value : std::string();
  };
  store::InstanceFilter filter;
  filter.project = text("projectName");
  filter.name = text("name");
  filter.database_type = text("databaseType");
  filter.tier = text("tier");
  const std::string state = text("state");
  // UNKNOWN is not stored: it is every instance without its engine.
  if (state != "UNKNOWN") filter.state = state;
  filter.include_deleted = state == "DELETED";
  filter.before_created_ms = page->after.created_ms;
  filter.before_id = page->after.id;
  filter.limit = page->size + 1;
  const std::string org = text("orgId");
  if (!call.caller.all_organizations) filter.organizations = call.caller.organizations;
  if (!org.empty()) filter.organizations = {org};
  // An empty list of organizations would mean all of them to the store.
  const bool nothing = (!call.caller.all_organizations && filter.organizations.empty()) ||
                       (!org.empty() && !call.caller.Sees(org));
  if (nothing) return PageResponse(context, call, *page, Json::MakeArray(), std::nullopt);

  auto rows = context.store.ListInstances(filter);
  if (!rows) return Fail(context, call, rows.error());
  std::optional<PagePosition> last;
  if (rows->size() > page->size) {
    rows->resize(page->size);
    last = PagePosition{rows->back().created_ms, rows->back().id};
  }
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
  return instance ? ShowOne(context, call, *instance) : Fail(context, call, instance.error());
}

Reply PatchInstance(const Context& context, const Call& call) {
  constexpr const char* kType = "application/merge-patch+json";
  if (!HasContentType(call.request(), kType)) return Fail(call, MediaType("Accept-Patch", kType));
  const auto body = ParseBody(call.request());
  if (!body) return Fail(context, call, body.error());
  // Without If-Match a lost race is tried again on what is there then.
  for (int left = kPatchTries; left > 0; --left) {
    const auto checked = CheckForWrite(context, call);
    if (!checked) return Fail(context, call, checked.error());
    if (checked->problem) return Fail(call, *checked->problem);
    Patch patch;
    std::vector<Error> wrong = ParsePatch(*body, patch);
    if (wrong.size() == 1 && wrong[0].code == Code::kNotImplemented)
      return Fail(context, call, wrong[0]);
    std::optional<std::string> labels;
    if (patch.labels && wrong.empty()) {
      const auto old = Json::Parse(checked->instance.labels);
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
    if (!labels && !patch.deletion_protection) return ShowOne(context, call, checked->instance);
    auto patched = context.store.PatchInstance(call.id, checked->instance.generation,
                                               patch.deletion_protection, labels);
    if (patched) return ShowOne(context, call, *patched);
    const bool raced =
        patched.error().reason == "EtagMismatch" && call.request().Header("if-match") == nullptr;
    if (!raced || left == 1) return Fail(context, call, patched.error());
  }
  return Fail(call, EtagMismatch());
}

Reply DeleteInstance(const Context& context, const Call& call) {
  const auto checked = CheckForWrite(context, call);
  if (!checked) return Fail(context, call, checked.error());
  if (checked->problem) return Fail(call, *checked->problem);
  pipeline::DeleteRequest request;
  request.instance_id = call.id;
  if (call.request().Header("if-match") != nullptr)
    request.expected_generation = checked->instance.generation;
  const std::string* retain = call.request().Query("retainVolumes");
  request.retain_volumes = retain != nullptr && *retain == "true";
  request.requested_by = call.caller.name;
  request.request_id = call.request_id;
  const auto submitted = context.service.Delete(request);
  if (!submitted) return Fail(context, call, submitted.error());
  return Accepted(submitted->operation, RenderOperation(submitted->operation));
}

Reply GetCredentials(const Context& context, const Call& call) {
  const auto instance = SeenInstance(context, call);
  if (!instance) return Fail(context, call, instance.error());
  if (instance->deleted_ms != 0) return Fail(context, call, Gone(call.id));
  const auto fields = context.service.Credentials(call.id);
  if (!fields) return Fail(context, call, fields.error());
  context.log.Info("credentials.read",
                   {{"instance", call.id}, {"by", call.caller.name}, {"request", call.request_id}});
  return JsonResponse(200, RenderCredentials(*instance, *fields),
                      {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}});
}

}  // namespace slipway::api
