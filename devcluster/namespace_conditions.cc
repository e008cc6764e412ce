#include "devcluster/namespace_conditions.h"

#include <algorithm>
#include <utility>

namespace slipway::sim {
namespace {

// Writes counts as "a in 1 resource instances, b in 2 resource instances".
std::string Listed(const std::map<std::string, int>& counts, const char* between) {
  std::string out;
  for (const auto& [name, count] : counts)
    out +=
        (out.empty() ? "" : ", ") + name + between + std::to_string(count) + " resource instances";
  return out;
}

Json Condition(const Json& before, const std::string& now, const char* type, bool status,
               const char* reason, const std::string& message) {
  Json out = Json::Obj({{"type", type},
                        {"status", status ? "True" : "False"},
                        {"lastTransitionTime", now},
                        {"reason", reason},
                        {"message", message}});
  for (const Json& old : before["status"]["conditions"].items()) {
    const bool same =
        std::all_of(out.members().begin(), out.members().end(), [&old](const auto& member) {
          return member.first == "lastTransitionTime" || old[member.first] == member.second;
        });
    if (same) return old;
  }
  return out;
}

}  // namespace

Json NamespaceConditions(const Json& before, const Remaining& remaining, const std::string& now) {
  const bool content = !remaining.resources.empty(), held = !remaining.finalizers.empty();
  const auto condition = [&](const char* type, bool status, const char* reason,
                             const std::string& message) {
    return Condition(before, now, type, status, reason, message);
  };
  return Json::Arr(
      {condition("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
                 "All resources successfully discovered"),
       condition("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
                 "All legacy kube types successfully parsed"),
       condition("NamespaceDeletionContentFailure", false, "ContentDeleted",
                 "All content successfully deleted, may be waiting on finalization"),
       condition("NamespaceContentRemaining", content,
                 content ? "SomeResourcesRemain" : "ContentRemoved",
                 content ? "Some resources are remaining: " + Listed(remaining.resources, " has ")
                         : "All content successfully removed"),
       condition("NamespaceFinalizersRemaining", held,
                 held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
                 held ? "Some content in the namespace has finalizers remaining: " +
                            Listed(remaining.finalizers, " in ")
                      : "All content-preserving finalizers finished")});
}

}  // namespace slipway::sim
