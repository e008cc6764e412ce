#include "engine/inputs.h"

namespace slipway::engine {
namespace {

Json Operation(const std::string& id, int64_t started_ms) {
  return Json::Obj({{"id", id}, {"started_ms", started_ms}});
}

Json Inventory(const std::vector<InventoryLine>& lines) {
  Json out = Json::MakeArray();
  for (const InventoryLine& line : lines) {
    Json object = Json::Obj({{"apiVersion", line.api_version},
                             {"kind", line.kind},
                             {"namespace", line.ns},
                             {"name", line.name}});
    if (!line.uid.empty()) object.Set("uid", line.uid);
    out.Push(std::move(object));
  }
  return out;
}

}  // namespace

Json InstanceFacts::ToJson() const {
  return Json::Obj({{"id", id},
                    {"name", name},
                    {"namespace", ns},
                    {"seed", seed},
                    {"organization", organization},
                    {"project", project}});
}

Json ValidateInput::ToJson() const {
  return Json::Obj({{"schema", 1},
                    {"verb", verb},
                    {"instance", Json::Obj({{"name", name}, {"namespace", ns}})},
                    {"spec", spec},
                    {"previous", previous},
                    {"arguments", arguments}});
}

Json PlanInput::ToJson() const {
  return Json::Obj({{"schema", 1},
                    {"verb", verb},
                    {"operation", Operation(operation_id, operation_started_ms)},
                    {"instance", instance.ToJson()},
                    {"spec", spec},
                    {"previous", previous},
                    {"arguments", arguments}});
}

Json StepInput::ToJson() const {
  return Json::Obj({{"schema", 1},
                    {"verb", verb},
                    {"operation", Operation(operation_id, operation_started_ms)},
                    {"stage", stage},
                    {"attempt", attempt},
                    {"stage_started_ms", stage_started_ms},
                    {"now_ms", now_ms},
                    {"instance", instance.ToJson()},
                    {"spec", spec},
                    {"previous", previous},
                    {"arguments", arguments},
                    {"carry", carry},
                    {"facts", facts},
                    {"observed", observed},
                    {"inventory", Inventory(inventory)},
                    {"needs", needs}});
}

}  // namespace slipway::engine
