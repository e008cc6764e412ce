#include <string>
#include <utility>

#include <slipway/kit/deletion.h>
#include <slipway/kit/pods.h>

namespace slipway::kit {

std::vector<const Json*> OfKind(const Json& inventory, std::string_view kind) {
  std::vector<const Json*> out;
  for (const Json& ref : inventory.items()) {
    if (ref["kind"].AsString() == kind) out.push_back(&ref);
  }
  return out;
}

Json Reference(const Json& ref) {
  return Json::Obj({{"apiVersion", ref["apiVersion"]},
                    {"kind", ref["kind"]},
                    {"namespace", ref["namespace"]},
                    {"name", ref["name"]}});
}

Json WaitingForReference(const Json& ref) {
  return WaitingFor(ref["kind"].AsString().c_str(), ref["namespace"].AsString(),
                    ref["name"].AsString(), "Terminating");
}

Judgement StillThere(const Json& object, int percent) {
  std::string finalizers;
  for (const Json& finalizer : object["metadata"]["finalizers"].items())
    finalizers += (finalizers.empty() ? "" : ", ") + finalizer.AsString();
  const std::string named = object["kind"].AsString() + " " + object["metadata"]["name"].AsString();
  if (IsGoing(object) && !finalizers.empty()) {
    return {"progressing", "WaitingForDeletion", named + " is held by " + finalizers, percent,
            WaitingFor(object, "Finalizers: " + finalizers)};
  }
  return {"progressing", "WaitingForDeletion", named + " is still there", percent,
          WaitingFor(object, IsGoing(object) ? "Terminating" : "StillThere")};
}

std::optional<Judgement> DeleteAll(const Json& inventory, std::span<const char* const> kinds,
                                   Judgement judgement, Json& deletions) {
  const Json* first = nullptr;
  for (const char* kind : kinds) {
    for (const Json* ref : OfKind(inventory, kind)) {
      deletions.Push(Reference(*ref));
      if (first == nullptr) first = ref;
    }
  }
  if (first == nullptr) return std::nullopt;
  judgement.waiting_for = WaitingForReference(*first);
  return judgement;
}

}  // namespace slipway::kit
