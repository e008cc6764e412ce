#include <charconv>

#include "api/call.h"
#include "api/render.h"
#include "api/request.h"

namespace slipway::api {
namespace {

Reply ListAudit(const Context& context, const Call& call) {
  const auto page = ReadPage(context, call);
  if (!page) return Fail(context, call, page.error());
  store::AuditFilter filter;
  filter.actor = QueryText(call.request(), "actor");
  filter.action = QueryText(call.request(), "action");
  filter.target_id = QueryText(call.request(), "targetId");
  filter.organization = QueryText(call.request(), "orgId");
  const bool sees = filter.organization.empty() ? call.caller.all_organizations
                                                : call.caller.Sees(filter.organization);
  if (!sees) {
    return Fail(context, call,
                {Code::kForbidden, "Forbidden",
                 "this token sees only some organizations; name one of them with orgId"});
  }
  filter.from_ms = QueryTime(call.request(), "since");
  filter.until_ms = QueryTime(call.request(), "until");
  // A page's position is the number of its last record.
  const std::string& last_seen = page->after.id;
  std::from_chars(last_seen.data(), last_seen.data() + last_seen.size(), filter.before_seq);
  filter.limit = page->size + 1;
  auto rows = context.store.ListAudit(filter);
  if (!rows) return Fail(context, call, rows.error());
  std::optional<PagePosition> last;
  if (rows->size() > page->size) {
    rows->resize(page->size);
    last = PagePosition{rows->back().at_ms, std::to_string(rows->back().seq)};
  }
  Json items = Json::MakeArray();
  for (const auto& row : *rows) items.Push(RenderAudit(row));
  return PageResponse(context, call, *page, std::move(items), last);
}

}  // namespace

std::vector<Route> AuditRoutes() {
  return {
      {.method = "GET",
       .path = "/v1/audit-records",
       .operation_id = "listAuditRecords",
       .summary = "List the audit records, newest first",
       .access = Access::kAdmin,
       .parameters = Paged({{.name = "actor",
                             .description = "only of this caller",
                             .characters = " -~",
                             .min = 1,
                             .max = 255},
                            {.name = "action",
                             .description = "only of this kind, such as instance.create",
                             .characters = "A-Za-z._",
                             .min = 1,
                             .max = 64},
                            {.name = "targetId",
                             .description = "only about this instance or operation",
                             .characters = "0-9a-z_",
                             .min = 1,
                             .max = 64},
                            {.name = "orgId",
                             .description = "only of this organization; required if the token "
                                            "sees only some of them",
                             .characters = "a-z0-9-",
                             .min = 1,
                             .max = 63},
                            {.name = "since",
                             .description = "only from this time on",
                             .type = Parameter::Type::kTime},
                            {.name = "until",
                             .description = "only before this time",
                             .type = Parameter::Type::kTime}}),
       .answers = {Ok("AuditRecordList", {"Link"})},
       .refusals = {{400, {"PageTokenMismatch"}}, {410, {"PageTokenExpired"}}},
       .handler = ListAudit},
  };
}

}  // namespace slipway::api
