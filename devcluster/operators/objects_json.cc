#include "devcluster/operators/objects_json.h"

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"
#include "base/crypto.h"

namespace slipway::sim::operators {

const std::string& NameOf(const Json& object) {
  return object["metadata"]["name"].AsString();
}

const std::string& NamespaceOf(const Json& object) {
  return object["metadata"]["namespace"].AsString();
}

const std::string& UidOf(const Json& object) {
  return object["metadata"]["uid"].AsString();
}

const std::string& LabelOf(const Json& object, std::string_view key) {
  return object["metadata"]["labels"][key].AsString();
}

const std::string& AnnotationOf(const Json& object, std::string_view key) {
  return object["metadata"]["annotations"][key].AsString();
}

bool BeingDeleted(const Json& object) {
  return object["metadata"]["deletionTimestamp"].is_string();
}

kube::ObjectRef RefOf(const Json& object) {
  return {object["apiVersion"].AsString(), object["kind"].AsString(), NamespaceOf(object),
          NameOf(object)};
}

const Json& ConditionOf(const Json& object, std::string_view type) {
  static const Json kNone;
  for (const Json& condition : object["status"]["conditions"].items())
    if (condition["type"].AsString() == type) return condition;
  return kNone;
}

bool ConditionTrue(const Json& object, std::string_view type) {
  return ConditionOf(object, type)["status"].AsString() == "True";
}

bool SetCondition(Json& conditions, const std::string& type, bool status, const std::string& reason,
                  const std::string& message, int64_t now_ms) {
  return SetConditionStatus(conditions, type, status ? "True" : "False", reason, message, now_ms);
}

bool SetConditionStatus(Json& conditions, const std::string& type, const std::string& status,
                        const std::string& reason, const std::string& message, int64_t now_ms) {
  for (Json& condition : conditions.items()) {
    if (condition["type"].AsString() != type) continue;
    if (condition["status"].AsString() == status && condition["reason"].AsString() == reason &&
        condition["message"].AsString() == message)
      return false;
    if (condition["status"].AsString() != status)
      condition.Set("lastTransitionTime", FormatSeconds(now_ms));
    condition.Set("status", status).Set("reason", reason).Set("message", message);
    return true;
  }
  conditions.Push(Json::Obj({{"type", type},
                             {"status", status},
                             {"reason", reason},
                             {"lastTransitionTime", FormatSeconds(now_ms)},
                             {"message", message}}));
  return true;
}

Json ListOrNull(std::vector<std::string> names) {
  if (names.empty()) return nullptr;
  std::sort(names.begin(), names.end(), SerialLess);
  Json out = Json::MakeArray();
  for (std::string& name : names) out.Push(std::move(name));
  return out;
}

void SetOrErase(Json& object, std::string_view key, Json value) {
  if (value.is_null())
    object.Erase(key);
  else
    object.Set(key, std::move(value));
}

std::string MicroTime(int64_t unix_ms) {
  std::string text = FormatTime(unix_ms);
  if (!text.empty()) text.insert(text.size() - 1, "000");
  return text;
}

bool SerialLess(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

Json EventAbout(const Json& object, const char* component, const char* type,
                const std::string& reason, const std::string& message, int64_t now_ms) {
  const std::string now = FormatSeconds(now_ms),
                    name = NameOf(object) + "." + HexEncode(RandomBytes(8));
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Event"},
                    {"metadata", Json::Obj({{"name", name}, {"namespace", NamespaceOf(object)}})},
                    {"involvedObject", Json::Obj({{"apiVersion", object["apiVersion"]},
                                                  {"kind", object["kind"]},
                                                  {"name", NameOf(object)},
                                                  {"namespace", NamespaceOf(object)},
                                                  {"uid", UidOf(object)}})},
                    {"reason", reason},
                    {"message", message},
                    {"type", type},
                    {"count", 1},
                    {"firstTimestamp", now},
                    {"lastTimestamp", now},
                    {"source", Json::Obj({{"component", component}})}});
}

int64_t QuantityBytes(const std::string& quantity) {
  char* end = nullptr;
  const double number = std::strtod(quantity.c_str(), &end);
  if (end == quantity.c_str() || number < 0) return 0;
  const std::string unit(end);
  static constexpr std::string_view kUnits[] = {"k", "M", "G", "T", "P"};
  double factor = 1;
  if (unit.empty()) return static_cast<int64_t>(number);
  for (size_t i = 0; i < std::size(kUnits); ++i) {
    factor *= 1024;
    if (unit == std::string(i == 0 ? "K" : kUnits[i]) + "i")
      return static_cast<int64_t>(number * factor);
  }
  factor = 1;
  for (const std::string_view plain : kUnits) {
    factor *= 1000;
    if (unit == plain) return static_cast<int64_t>(number * factor);
  }
  return 0;
}

}  // namespace slipway::sim::operators
