#include "devcluster/unplayed.h"

#include <algorithm>

#include "devcluster/behaviour.h"

namespace slipway::sim {

namespace {

constexpr char kName[] = "slipway-sim";

// Kubernetes' own kinds whose controllers no behaviour plays.
bool WithoutController(const Kind& kind, const StoredObject& object) {
  static constexpr std::string_view kKinds[] = {"DaemonSet", "ReplicaSet", "ReplicationController"};
  return object.owners.empty() &&
         std::find(std::begin(kKinds), std::end(kKinds), kind.kind) != std::end(kKinds);
}

}  // namespace

std::string UnplayedText(const Kind& kind, const StoredObject& object) {
  // An operator reports its progress in the status; a kind without one is data that others read.
  const bool unplayed =
      kind.custom ? kind.has_status && !HasPlayer(kind.group) : WithoutController(kind, object);
  if (!unplayed) return "";
  return "the development cluster has no operator for " + kind.kind + "." +
         (kind.group.empty() ? kind.version : kind.group) +
         ": the object stays as it is written, and nothing will become ready";
}

void NoteUnplayed(Api& api, const StoredObject& object, const std::string& text) {
  const KindPtr events = api.kinds().ByKind("v1", "Event");
  if (events == nullptr) return;
  const Json about = object.Parse();
  const std::string ns = object.ns.empty() ? "default" : object.ns;
  const std::string now = FormatSeconds(api.clock().NowMs());
  const Json event = Json::Obj(
      {{"apiVersion", "v1"},
       {"kind", "Event"},
       {"metadata", Json::Obj({{"name", object.name + "." + object.uid}, {"namespace", ns}})},
       {"involvedObject", Json::Obj({{"apiVersion", about["apiVersion"]},
                                     {"kind", about["kind"]},
                                     {"namespace", object.ns},
                                     {"name", object.name},
                                     {"uid", object.uid}})},
       {"type", "Warning"},
       {"reason", "NoOperator"},
       {"message", text},
       {"source", Json::Obj({{"component", kName}})},
       {"firstTimestamp", now},
       {"lastTimestamp", now},
       {"count", 1}});
  // An event that cannot be written is no reason to refuse the object.
  [[maybe_unused]] const auto written = api.Create(*events, ns, event, {.manager = kName});
}

}  // namespace slipway::sim
