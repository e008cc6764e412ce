#include <utility>

#include <slipway/kit/deletion.h>
#include <slipway/kit/pods.h>

namespace slipway::kit {

namespace {

// A line of the inventory or an observed object, as `delete` names it.
Json Reference(const Json& kind_of, const Json& named) {
  return Json::Obj({{"apiVersion", kind_of["apiVersion"]},
                    {"kind", kind_of["kind"]},
                    {"namespace", named["namespace"]},
                    {"name", named["name"]}});
}

Json Terminating(const Json& line) {
  return WaitingFor(line["kind"].AsString(), line["namespace"].AsString(), line["name"].AsString(),
                    "Terminating");
}

}  // namespace

Judgement StillThere(const Json& object, int percent) {
  std::string finalizers;
  for (const Json& finalizer : object["metadata"]["finalizers"].items())
    finalizers += (finalizers.empty() ? "" : ", ") + finalizer.AsString();
  const std::string named = object["kind"].AsString() + " " + object["metadata"]["name"].AsString();
  if (IsGoing(object) && !finalizers.empty()) {
    return Progress("WaitingForDeletion", named + " is held by " + finalizers, percent,
                    WaitingFor(object, "Finalizers: " + finalizers));
  }
  return Progress("WaitingForDeletion", named + " is still there", percent,
                  WaitingFor(object, IsGoing(object) ? "Terminating" : "StillThere"));
}

Teardown::Teardown(const Json& input) : inventory_(input["inventory"]) {}

std::vector<const Json*> Teardown::OfKind(const char* kind) const {
  std::vector<const Json*> out;
  for (const Json& line : inventory_.items()) {
    if (line["kind"].AsString() == kind) out.push_back(&line);
  }
  return out;
}

void Teardown::Delete(std::initializer_list<const char*> kinds, const char* reason,
                      const std::string& message, int percent) {
  if (Settled()) return;
  for (const char* kind : kinds) {
    for (const Json* line : OfKind(kind)) {
      deletions_.Push(Reference(*line, *line));
      if (!Settled()) judgement_ = Progress(reason, message, percent, Terminating(*line));
    }
  }
}

void Teardown::DeleteRest(std::initializer_list<const char*> kinds) {
  Delete(kinds, "DeletingRest", "the remaining objects are being deleted", 80);
}

void Teardown::DeleteServed(const char* kind, const Json* observed, const char* reason,
                            int percent) {
  if (Settled()) return;
  if (observed == nullptr) {
    Delete({kind}, reason, std::string("the ") + kind + " is being deleted", percent);
    return;
  }
  if (!IsGoing(*observed)) {
    for (const Json* line : OfKind(kind)) deletions_.Push(Reference(*line, *line));
  }
  judgement_ = StillThere(*observed, percent);
}

void Teardown::DeleteObserved(const std::vector<const Json*>& objects, int percent) {
  if (Settled()) return;
  for (const Json* object : objects) {
    if (!IsGoing(*object)) deletions_.Push(Reference(*object, (*object)["metadata"]));
  }
  Await(objects, percent);
}

void Teardown::Await(const std::vector<const Json*>& objects, int percent) {
  Await(objects.empty() ? nullptr : objects.front(), percent);
}

void Teardown::Await(const Json* object, int percent) {
  if (object != nullptr && !Settled()) judgement_ = StillThere(*object, percent);
}

void Teardown::Await(std::optional<Judgement> judgement) {
  if (!Settled()) judgement_ = std::move(judgement);
}

Json Teardown::Answer() const {
  Json out = Result(judgement_ ? *judgement_ : Ready("Deleted", "nothing of the instance is left"));
  if (!deletions_.items().empty()) out.Set("delete", deletions_);
  return out;
}

}  // namespace slipway::kit
