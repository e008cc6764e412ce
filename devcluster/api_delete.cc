#include <algorithm>
#include <cstdlib>
#include <utility>

#include "devcluster/api.h"
#include "devcluster/crds.h"

namespace slipway::sim {

namespace {

bool IsNamespace(const Kind& kind) {
  return kind.kind == "Namespace" && !kind.custom;
}

int64_t GraceSeconds(const Kind& kind, const Json& object) {
  if (kind.kind != "Pod" || kind.custom) return 0;
  const std::string& grace = object["metadata"]["annotations"][kDeletionGraceAnnotation].AsString();
  return grace.empty() ? 0 : std::max<int64_t>(1, std::strtoll(grace.c_str(), nullptr, 10) / 1000);
}

}  // namespace

void AddFinalizer(Json& metadata, const char* finalizer) {
  Json& list = metadata["finalizers"];
  const auto& items = list.items();
  if (std::find(items.begin(), items.end(), Json(finalizer)) == items.end()) list.Push(finalizer);
}

Answer<Deleted> Api::Delete(const Kind& kind, const std::string& ns, const std::string& name,
                            const DeleteRequest& request) {
  const ObjectKey key{kind.collection(), ns, name};
  while (true) {
    TRY(const ObjectPtr current, Get(kind, ns, name));
    if (!request.uid.empty() && request.uid != current->uid)
      return Conflict({kind.group, kind.kind, kind.kind}, name,
                      "the UID in the precondition (" + request.uid +
                          ") does not match the UID in record (" + current->uid +
                          "). The object might have been deleted and then recreated");
    if (!request.version.empty() && request.version != std::to_string(current->version))
      return Conflict({kind.group, kind.kind, kind.kind}, name,
                      "the ResourceVersion in the precondition (" + request.version +
                          ") does not match the ResourceVersion in record (" +
                          std::to_string(current->version) +
                          "). The object might have been modified");
    Json after = current->Parse();
    Json& metadata = after["metadata"];
    if (finalizing_ && request.propagation == "Foreground")
      AddFinalizer(metadata, "foregroundDeletion");
    if (finalizing_ && request.propagation == "Orphan") AddFinalizer(metadata, "orphan");
    const int64_t grace = GraceSeconds(kind, after);
    const bool waits =
        !std::as_const(metadata)["finalizers"].empty() || IsNamespace(kind) || grace > 0;
    if (request.dry_run || (current->deleting && waits && request.propagation.empty()))
      return Deleted{current, !waits};
    ObjectPtr stored;
    ObjectStore::Outcome outcome{};
    if (!waits) {
      outcome = store_.Remove(key, current->version, stored);
      if (outcome != ObjectStore::Outcome::kStored) continue;
      AfterRemoved(kind, *stored);
      if (kind.kind != "Pod" || kind.custom) return Deleted{std::move(stored), true};
      // A pod is always deleted with a grace period, even if that is 0 seconds.
      metadata.Set("deletionTimestamp", Now()).Set("deletionGracePeriodSeconds", 0);
      metadata.Set("generation", std::as_const(metadata)["generation"].AsInt() + 1);
      auto last = MakeObject(kind, after);
      SetVersion(*last, stored->version);
      return Deleted{std::move(last), true};
    } else {
      if (!current->deleting) {
        metadata.Set("deletionTimestamp", Now());
        if (!IsNamespace(kind)) metadata.Set("deletionGracePeriodSeconds", grace);
        if (kind.has_generation) metadata.Set("generation", metadata["generation"].AsInt() + 1);
        if (IsNamespace(kind)) after["status"].Set("phase", "Terminating");
      }
      outcome = store_.Put(key.collection, MakeObject(kind, after), current->version, stored);
      if (outcome == ObjectStore::Outcome::kStored) AfterStored(kind, *stored);
    }
    if (outcome == ObjectStore::Outcome::kAbsent) return NotFound(kind.name(), name);
    if (outcome == ObjectStore::Outcome::kStored) return Deleted{std::move(stored), !waits};
  }
}

void Api::AfterStored(const Kind& kind, const StoredObject& object) {
  if (!kind.is_definition()) return;
  const Json definition = object.Parse();
  kinds_.Remove(definition["spec"]["group"].AsString(),
                definition["spec"]["names"]["plural"].AsString());
  for (Kind& served : KindsOf(definition)) kinds_.Add(std::move(served));
}

// When a definition goes, its objects go at once and wait for no finalizer: without their kind no
// client could take a finalizer away.
void Api::AfterRemoved(const Kind& kind, const StoredObject& object) {
  if (!kind.is_definition()) return;
  const Json definition = object.Parse();
  const std::string& group = definition["spec"]["group"].AsString();
  const std::string& plural = definition["spec"]["names"]["plural"].AsString();
  kinds_.Remove(group, plural);
  const std::string collection = group + "/" + plural;
  ObjectPtr removed;
  for (const ObjectPtr& one : store_.List(collection, "", "", 0).items)
    store_.Remove({collection, one->ns, one->name}, 0, removed);
}

void Api::RegisterStored() {
  const KindPtr kind = kinds_.ByKind("apiextensions.k8s.io/v1", "CustomResourceDefinition");
  for (const ObjectPtr& one : store_.List(kind->collection(), "", "", 0).items)
    AfterStored(*kind, *one);
}

}  // namespace slipway::sim
