#include "pipeline/effects.h"

#include <algorithm>
#include <variant>

#include "pipeline/observer.h"

namespace slipway::pipeline {
namespace {

Error Forbidden(const char* doing, const kube::ObjectRef& object, const std::string& why) {
  return {Code::kInternal, "ForbiddenEffect",
          std::string("the engine may not ") + doing + " " + object.ToString() + ": " + why};
}

Error Forbidden(const Json& object, const std::string& why) {
  return Forbidden("apply", kube::ObjectRef::Of(object), why);
}

bool Declared(const Json& list, const std::string& kind) {
  return std::find(list.items().begin(), list.items().end(), Json(kind)) != list.items().end();
}

// What a patch may not touch; empty when it is good.
std::string WrongWith(const Json& body) {
  for (const char* member : {"apiVersion", "kind"})
    if (body.Has(member)) return std::string(member) + " cannot be patched";
  if (body.Has("metadata") && !body["metadata"].is_object()) return "metadata is no object";
  for (const auto& [member, value] : body["metadata"].members()) {
    if (member != "annotations" && member != "labels")
      return "metadata." + member + " cannot be patched";
    // Null would take away everybody's, the host's labels too.
    if (!value.is_object()) return "metadata." + member + " is no object";
  }
  for (const char* label : {kInstanceLabel, kEngineLabel, kManagedByLabel})
    if (body["metadata"]["labels"].Has(label))
      return std::string("the label ") + label + " is the host's";
  return "";
}

kube::ObjectRef RefOf(const store::ObjectRecord& record) {
  return {record.api_version, record.kind, record.ns, record.name};
}

}  // namespace

store::ObjectRecord RecordOf(const Json& object) {
  store::ObjectRecord record;
  record.api_version = object["apiVersion"].AsString();
  record.kind = object["kind"].AsString();
  record.ns = object["metadata"]["namespace"].AsString();
  record.name = object["metadata"]["name"].AsString();
  record.uid = object["metadata"]["uid"].AsString();
  return record;
}

Result<Json> GetOrNull(kube::Cluster& cluster, const kube::ObjectRef& ref) {
  auto found = cluster.Get(ref);
  if (!found && found.error().code == Code::kNotFound) return Json();
  return found;
}

Result<std::vector<Json>> GuardApply(const EffectScope& scope,
                                     const std::vector<engine::Effect>& effects) {
  std::vector<Json> out;
  for (const engine::Effect& effect : effects) {
    if (const auto* deletion = std::get_if<engine::DeleteEffect>(&effect))
      return Error{Code::kInternal, "ForbiddenEffect",
                   "the engine may not delete " + deletion->object.kind + " " +
                       deletion->object.name + " in a stage that is no deletion"};
    if (std::holds_alternative<engine::PatchEffect>(effect)) continue;
    Json object = std::get<engine::ApplyEffect>(effect).object;
    const std::string kind = object["apiVersion"].AsString() + "/" + object["kind"].AsString();
    if (!Declared(scope.applies, kind))
      return Forbidden(object, kind + " is not in its describe.applies");
    Json& metadata = object["metadata"];
    if (metadata["name"].AsString().empty()) return Forbidden(object, "it has no name");
    const std::string ns = std::as_const(metadata)["namespace"].AsString();
    if (!ns.empty() && ns != scope.instance.ns)
      return Forbidden(object, "namespace " + ns + " is not the instance's");
    metadata.Set("namespace", scope.instance.ns);
    if (std::as_const(metadata).Has("resourceVersion") || std::as_const(metadata).Has("uid"))
      return Forbidden(object, "resourceVersion and uid are the host's");
    Json& labels = metadata["labels"];
    labels.Set(kInstanceLabel, scope.instance.id);
    labels.Set(kEngineLabel, scope.engine);
    labels.Set(kManagedByLabel, "slipway");
    out.push_back(std::move(object));
  }
  return out;
}

Result<std::vector<GuardedPatch>> GuardPatches(const EffectScope& scope,
                                               const std::vector<engine::Effect>& effects,
                                               const Json& observed,
                                               const std::vector<store::ObjectRecord>& inventory) {
  std::vector<GuardedPatch> out;
  for (const engine::Effect& effect : effects) {
    const auto* wanted = std::get_if<engine::PatchEffect>(&effect);
    if (wanted == nullptr) continue;
    store::ObjectRecord like;
    like.api_version = wanted->object.api_version;
    like.kind = wanted->object.kind;
    like.ns = scope.instance.ns;
    like.name = wanted->object.name;
    const kube::ObjectRef ref = RefOf(like);
    std::string kind = like.api_version + "/" + like.kind;
    if (!wanted->subresource.empty()) kind += "/" + wanted->subresource;
    if (!Declared(scope.patches, kind))
      return Forbidden("patch", ref, kind + " is not in its describe.patches");
    for (const store::ObjectRecord& record : inventory)
      if (store::SameObject(record, like)) like.uid = record.uid;
    for (const Json& object : observed.items())
      if (const auto record = RecordOf(object); store::SameObject(record, like))
        like.uid = record.uid;
    if (like.uid.empty()) return Forbidden("patch", ref, "the instance has no such object");
    if (const std::string why = WrongWith(wanted->body); !why.empty())
      return Forbidden("patch", ref, why);
    GuardedPatch patch{ref, wanted->subresource, wanted->body};
    Json& metadata = patch.body["metadata"];
    metadata.Set("uid", like.uid);
    if (!wanted->resource_version.empty())
      metadata.Set("resourceVersion", wanted->resource_version);
    out.push_back(std::move(patch));
  }
  return out;
}

Result<std::string> ApplyObject(kube::Cluster& cluster, const EffectScope& scope,
                                const Json& object, const std::string& known_uid) {
  if (known_uid.empty()) {
    auto existing = cluster.Get(kube::ObjectRef::Of(object));
    if (existing) {
      const std::string& owner = (*existing).At("/metadata/labels")[kInstanceLabel].AsString();
      if (owner != scope.instance.id) {
        return Error{Code::kPrecondition, "ObjectNotOurs",
                     kube::ObjectRef::Of(object).ToString() + " exists and belongs to " +
                         (owner.empty() ? "somebody else" : "instance " + owner)};
      }
    } else if (existing.error().code != Code::kNotFound) {
      return existing.error();
    }
  }
  kube::ApplyOptions options;
  options.force = scope.takes_fields;
  TRY(const Json applied, cluster.Apply(object, options));
  return applied["metadata"]["uid"].AsString();
}

Result<RemovalState> RemoveObject(kube::Cluster& cluster, const Warrant& /*warrant*/,
                                  const std::string& instance_id,
                                  const store::ObjectRecord& record) {
  TRY(const Json found, GetOrNull(cluster, RefOf(record)));
  if (found.is_null()) return RemovalState{};
  const Json& metadata = found["metadata"];
  if (metadata["labels"][kInstanceLabel].AsString() != instance_id)
    return RemovalState{Removal::kNotOurs, ""};
  RemovalState out{Removal::kDeleting, ""};
  if (!metadata["deletionTimestamp"].is_null()) {
    for (const Json& finalizer : metadata["finalizers"].items())
      out.finalizers += (out.finalizers.empty() ? "" : ", ") + finalizer.AsString();
    return out;
  }
  kube::DeleteOptions options;
  options.uid = metadata["uid"].AsString();
  TRY_VOID(cluster.Delete(RefOf(record), options));
  return out;
}

}  // namespace slipway::pipeline
