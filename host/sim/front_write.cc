#include <cstdlib>

#include "sim/http_front.h"
#include "sim/json_path.h"

namespace slipway::sim {

namespace {

struct MediaType {
  const char* name;
  PatchKind kind;
};

constexpr MediaType kPatchTypes[] = {
    {"application/merge-patch+json", PatchKind::kMerge},
    {"application/json-patch+json", PatchKind::kJson},
    {"application/strategic-merge-patch+json", PatchKind::kStrategic}};

Answer<PatchKind> PatchKindOf(const http::Request& request, const Kind& kind) {
  const std::string type = HeaderText(request, "content-type");
  for (const MediaType& known : kPatchTypes)
    if (type.rfind(known.name, 0) == 0) return known.kind;
  return UnsupportedMediaType(
      std::string("application/json-patch+json, application/merge-patch+json, "
                  "application/apply-patch+yaml") +
      (kind.custom ? "" : ", application/strategic-merge-patch+json"));
}

Json Success(const Target& target, const StoredObject& object) {
  Json details = Json::Obj({{"name", object.name}});
  if (!target.kind->group.empty()) details.Set("group", target.kind->group);
  details.Set("kind", target.kind->plural).Set("uid", object.uid);
  return Json::Obj({{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", Json::MakeObject()},
                    {"status", "Success"},
                    {"details", std::move(details)}});
}

// Options are in the body, or for simple clients in the query.
Answer<DeleteRequest> ReadDeleteRequest(const http::Request& request) {
  DeleteRequest out;
  out.propagation = QueryText(request, "propagationPolicy");
  out.dry_run = QueryIs(request, "dryRun", "All");
  if (!request.body.empty()) {
    TRY(const Json body, ReadBody(request));
    out.propagation = body["propagationPolicy"].AsString(out.propagation);
    out.uid = body["preconditions"]["uid"].AsString();
    out.version = body["preconditions"]["resourceVersion"].AsString();
    for (const Json& value : body["dryRun"].items())
      out.dry_run = out.dry_run || value.AsString() == "All";
  }
  const std::string& policy = out.propagation;
  if (!policy.empty() && policy != "Background" && policy != "Foreground" && policy != "Orphan")
    return Invalid({"meta.k8s.io", "", "DeleteOptions"}, "",
                   {{"FieldValueNotSupported",
                     "Unsupported value: " + Json::Quote(policy) +
                         ": supported values: \"Background\", \"Foreground\", \"Orphan\"",
                     "propagationPolicy"}});
  return out;
}

}  // namespace

HttpFront::Reply HttpFront::Write(Call& call) {
  const Target& target = call.target;
  const http::Request& request = call.request();
  TRY(const WriteOptions options, ReadWriteOptions(request, target));
  if (call.verb == "patch") {
    TRY(const PatchKind type, PatchKindOf(request, *target.kind));
    TRY(const Json patch, ReadBody(request));
    TRY(const Written written,
        parts_.api.Patch(*target.kind, target.ns, target.name, type, patch, options));
    return Object(call, *written.object, 200, written.warnings);
  }
  TRY(Json body, ReadBody(request));
  if (call.verb == "create") {
    if (target.kind->namespaced && target.ns.empty()) return MethodNotAllowed();
    TRY(const Written written,
        parts_.api.Create(*target.kind, target.ns, std::move(body), options));
    return Object(call, *written.object, 201, written.warnings);
  }
  if (call.verb == "apply") {
    TRY(const Written written,
        parts_.api.Apply(*target.kind, target.ns, target.name, std::move(body), options));
    return Object(call, *written.object, written.created ? 201 : 200, written.warnings);
  }
  TRY(const Written written,
      parts_.api.Update(*target.kind, target.ns, target.name, std::move(body), options));
  return Object(call, *written.object, 200, written.warnings);
}

HttpFront::Reply HttpFront::WriteScale(Call& call) {
  const Target& target = call.target;
  const http::Request& request = call.request();
  if (call.verb != "update" && call.verb != "patch") return MethodNotAllowed();
  TRY(WriteOptions options, ReadWriteOptions(request, target));
  options.subresource.clear();
  TRY(const Json body, ReadBody(request));
  const Json* replicas = body["spec"].Find("replicas");
  if (replicas == nullptr || !replicas->is_int()) return BadRequest("spec.replicas is required");
  const std::string version = body["metadata"]["resourceVersion"].AsString();
  const auto change = [&](const Json& before) -> Answer<Json> {
    Json after = before;
    SetPath(after, target.kind->scale_spec, *replicas);
    if (!version.empty()) after["metadata"].Set("resourceVersion", version);
    return after;
  };
  TRY(const Written written,
      parts_.api.Modify(*target.kind, target.ns, target.name, change, options));
  return Object(call, *written.object, 200, written.warnings);
}

HttpFront::Reply HttpFront::Remove(Call& call) {
  const Target& target = call.target;
  TRY(const DeleteRequest request, ReadDeleteRequest(call.request()));
  TRY(const Deleted deleted, parts_.api.Delete(*target.kind, target.ns, target.name, request));
  call.record.name = deleted.object->name;
  call.record.uid = deleted.object->uid;
  if (!deleted.gone) return http::Response{200, {}, deleted.object->text};
  return http::Response{200, {}, Success(target, *deleted.object).Dump()};
}

HttpFront::Reply HttpFront::RemoveCollection(Call& call) {
  const Target& target = call.target;
  const http::Request& request = call.request();
  TRY(const DeleteRequest options, ReadDeleteRequest(request));
  TRY(const LabelSelector labels, LabelSelector::Parse(QueryText(request, "labelSelector")));
  TRY(const FieldSelector fields,
      FieldSelector::Parse(QueryText(request, "fieldSelector"), SelectableFields(*target.kind)));
  if (target.kind->namespaced && target.ns.empty()) return MethodNotAllowed();
  std::string items;
  const ObjectStore::Page page =
      parts_.api.store().List(target.kind->collection(), target.ns, "", 0);
  for (const ObjectPtr& object : page.items) {
    if (!labels.Matches(object->labels) || !fields.Matches(object->fields)) continue;
    auto deleted = parts_.api.Delete(*target.kind, object->ns, object->name, options);
    if (!deleted && deleted.error().code != 404) return std::move(deleted).error();
    items += (items.empty() ? "" : ",") + object->text;
  }
  return http::Response{
      200,
      {},
      "{\"kind\":" + Json::Quote(target.kind->kind + "List") + ",\"apiVersion\":" +
          Json::Quote(target.kind->api_version()) + ",\"metadata\":{\"resourceVersion\":\"" +
          std::to_string(parts_.api.store().version()) + "\"},\"items\":[" + items + "]}"};
}

// POST bindings, or binding of a pod: how a scheduler places it.
HttpFront::Reply HttpFront::Bind(Call& call) {
  const Target& target = call.target;
  TRY(const Json body, ReadBody(call.request()));
  const std::string name = target.name.empty() ? body["metadata"]["name"].AsString() : target.name;
  const std::string node = body["target"]["name"].AsString();
  if (node.empty())
    return Invalid({"", "bindings", "Binding"}, name,
                   {{"FieldValueRequired", "Required value", "target.name"}});
  const KindPtr pods = parts_.api.kinds().ByKind("v1", "Pod");
  const auto change = [&](const Json& before) -> Answer<Json> {
    if (const std::string& at = before.At("/spec/nodeName").AsString(); !at.empty())
      return Conflict({"", "pods/binding", "Pod"}, name,
                      "pod " + name + " is already assigned to node " + Json::Quote(at));
    Json after = before;
    after.SetAt("/spec/nodeName", node);
    return after;
  };
  TRY([[maybe_unused]] const Written written,
      parts_.api.Modify(*pods, target.ns, name, change, {.manager = "scheduler"}));
  return http::Response{201,
                        {},
                        Json::Obj({{"kind", "Status"},
                                   {"apiVersion", "v1"},
                                   {"metadata", Json::MakeObject()},
                                   {"status", "Success"},
                                   {"code", 201}})
                            .Dump()};
}

HttpFront::Reply HttpFront::Evict(Call& call) {
  const Target& target = call.target;
  if (target.kind->kind != "Pod") return MethodNotAllowed();
  TRY([[maybe_unused]] const Deleted deleted,
      parts_.api.Delete(*target.kind, target.ns, target.name, {}));
  return http::Response{201,
                        {},
                        Json::Obj({{"kind", "Status"},
                                   {"apiVersion", "v1"},
                                   {"metadata", Json::MakeObject()},
                                   {"status", "Success"},
                                   {"code", 201}})
                            .Dump()};
}

}  // namespace slipway::sim
