#include <algorithm>

#include "api/call.h"
#include "api/render.h"
#include "api/request.h"

namespace slipway::api {
namespace {

Reply ListEngines(const Context& context, const Call& call) {
  (void)call;
  Json items = Json::MakeArray();
  for (const auto& status : context.engines.List()) items.Push(RenderEngine(status, nullptr));
  return JsonResponse(200, Json::Obj({{"items", std::move(items)}}));
}

Reply GetEngine(const Context& context, const Call& call) {
  const auto all = context.engines.List();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& e) { return e.name == call.Path("name"); });
  if (found == all.end()) return Fail(context, call, NotFound("engine", call.Path("name")));
  Json description;
  if (found->state == engine::EngineState::kLoaded) {
    const auto engine = context.engines.ForType(found->database_type);
    if (engine && (*engine)->name() == found->name) description = (*engine)->description();
  }
  return JsonResponse(200, RenderEngine(*found, description));
}

Reply ListTiers(const Context& context, const Call& call) {
  (void)call;
  Json items = Json::MakeArray();
  for (const auto& tier : context.service.tiers()) items.Push(RenderTier(tier));
  return JsonResponse(200, Json::Obj({{"items", std::move(items)}}));
}

}  // namespace

std::vector<Route> EngineRoutes() {
  return {
      {.method = "GET",
       .path = "/v1/engines",
       .operation_id = "listEngines",
       .summary = "List engines, including broken ones",
       .answers = {Ok("EngineList")},
       .handler = ListEngines},
      {.method = "GET",
       .path = "/v1/engines/{name}",
       .operation_id = "getEngine",
       .summary = "Read an engine",
       .parameters = {{.name = "name",
                       .in = In::kPath,
                       .description = "name of the engine",
                       .characters = "a-z0-9-",
                       .min = 1,
                       .max = 31,
                       .names = "engine"}},
       .answers = {Ok("Engine")},
       .handler = GetEngine},
      {.method = "GET",
       .path = "/v1/tiers",
       .operation_id = "listTiers",
       .summary = "List the tiers",
       .answers = {Ok("TierList")},
       .handler = ListTiers},
  };
}

}  // namespace slipway::api
