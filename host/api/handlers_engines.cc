#include <algorithm>

#include "api/call.h"
#include "api/render.h"

namespace slipway::api {

Reply ListEngines(const Context& context, const Call& call) {
  (void)call;
  Json items = Json::MakeArray();
  for (const auto& status : context.engines.List()) items.Push(RenderEngine(status, nullptr));
  return JsonResponse(200, Json::Obj({{"items", std::move(items)}}));
}

Reply GetEngine(const Context& context, const Call& call) {
  const auto all = context.engines.List();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.name == call.id; });
  if (found == all.end()) {
    return Fail(context, call,
                {Code::kNotFound, "EngineNotFound", "there is no engine " + Json::Quote(call.id)});
  }
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

}  // namespace slipway::api
