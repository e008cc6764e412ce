#include <algorithm>
#include <cstdlib>
#include <utility>

#include "devcluster/builtin_types.h"
#include "devcluster/go_decode.h"
#include "devcluster/http_front.h"
#include "devcluster/json_path.h"
#include "devcluster/unplayed.h"

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

bool IsObjectType(const std::string& type) {
  for (const char* known :
       {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"})
    if (type.rfind(known, 0) == 0) return true;
  return type.empty();
}

http::Response Created() {
  return {201,
          {},
          Json::Obj({{"kind", "Status"},
                     {"apiVersion", "v1"},
                     {"metadata", Json::MakeObject()},
                     {"status", "Success"},
                     {"code", 201}})
              .Dump()};
}

// When an object of these kinds is deleted, the answer is that object.
bool ReturnsDeleted(const Kind& kind) {
  static constexpr std::string_view kKinds[] = {
      "Pod",     "PersistentVolumeClaim", "PersistentVolume", "ServiceAccount",
      "Service", "ResourceQuota"};
  return !kind.custom &&
         std::find(std::begin(kKinds), std::end(kKinds), kind.kind) != std::end(kKinds);
}

// The options are in the body. Simple clients send them in the query.
Answer<DeleteRequest> ReadDeleteRequest(const http::Request& request) {
  DeleteRequest out;
  std::vector<Cause> causes;
  std::string orphan;
  if (request.body.empty()) {
    out.propagation = QueryText(request, "propagationPolicy");
    out.dry_run = ReadDryRun(QueryText(request, "dryRun"), causes);
    orphan = QueryText(request, "orphanDependents");
    if (const std::string grace = QueryText(request, "gracePeriodSeconds");
        grace.find_first_not_of("-0123456789") != std::string::npos)
      return BadRequest("strconv.ParseInt: parsing " + Json::Quote(grace) + ": invalid syntax");
  } else {
    TRY(Json body, ReadBody(request));
    if (const std::string& kind = std::as_const(body)["kind"].AsString();
        !kind.empty() && kind != "DeleteOptions")
      return BadRequest("no kind " + Json::Quote(kind) + " is registered for version " +
                        std::as_const(body)["apiVersion"].Dump() + " in scheme");
    if (const Decoded read = DecodeAsGo(*BuiltinType("meta.v1.DeleteOptions"), body);
        !read.error.empty())
      return BadRequest(read.error);
    const Json& options = body;
    out.propagation = options["propagationPolicy"].AsString();
    out.uid = options["preconditions"]["uid"].AsString();
    out.version = options["preconditions"]["resourceVersion"].AsString();
    for (const Json& value : options["dryRun"].items())
      out.dry_run = ReadDryRun(value.AsString(), causes);
    if (options["orphanDependents"].is_bool()) orphan = options["orphanDependents"].Dump();
  }
  const std::string& policy = out.propagation;
  if (!policy.empty() && !orphan.empty())
    causes.push_back({"FieldValueInvalid",
                      "Invalid value: " + Json::Quote(policy) +
                          ": orphanDependents and deletionPropagation cannot be both set",
                      "propagationPolicy"});
  if (!policy.empty() && policy != "Background" && policy != "Foreground" && policy != "Orphan")
    causes.push_back({"FieldValueNotSupported",
                      "Unsupported value: " + Json::Quote(policy) +
                          ": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
                      "propagationPolicy"});
  if (!causes.empty()) return Invalid({"meta.k8s.io", "", "DeleteOptions"}, "", causes);
  if (orphan == "true") out.propagation = "Orphan";
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
  if (call.verb != "apply" && !IsObjectType(HeaderText(request, "content-type")))
    return UnsupportedMediaType(
        std::string("application/json, application/yaml") +
        (target.kind->custom ? "" : ", application/vnd.kubernetes.protobuf"));
  TRY(Json body, ReadBody(request));
  if (call.verb == "create") {
    if (target.kind->namespaced && target.ns.empty()) return MethodNotAllowed();
    TRY(Written written, parts_.api.Create(*target.kind, target.ns, std::move(body), options));
    return Fresh(call, std::move(written), options);
  }
  if (call.verb == "apply") {
    TRY(Written written,
        parts_.api.Apply(*target.kind, target.ns, target.name, std::move(body), options));
    if (written.created) return Fresh(call, std::move(written), options);
    return Object(call, *written.object, 200, written.warnings);
  }
  TRY(const Written written,
      parts_.api.Update(*target.kind, target.ns, target.name, std::move(body), options));
  return Object(call, *written.object, 200, written.warnings);
}

http::Response HttpFront::Fresh(Call& call, Written written, const WriteOptions& options) {
  if (parts_.behaviours && !options.dry_run) {
    const std::string text = UnplayedText(*call.target.kind, *written.object);
    if (!text.empty()) {
      written.warnings.push_back(text);
      NoteUnplayed(parts_.api, *written.object, text);
    }
  }
  return Object(call, *written.object, 201, written.warnings);
}

HttpFront::Reply HttpFront::WriteScale(Call& call) {
  const Target& target = call.target;
  const http::Request& request = call.request();
  if (call.verb != "update" && call.verb != "patch") return MethodNotAllowed();
  TRY(WriteOptions options, ReadWriteOptions(request, target));
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
  if (!deleted.gone || ReturnsDeleted(*target.kind))
    return http::Response{200, {}, deleted.object->text};
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
    items += items.empty() ? "" : ",";
    AppendItem(*target.kind, *object, items);
  }
  return http::Response{
      200,
      {},
      "{\"kind\":" + Json::Quote(target.kind->kind + "List") + ",\"apiVersion\":" +
          Json::Quote(target.kind->api_version()) + ",\"metadata\":{\"resourceVersion\":\"" +
          std::to_string(parts_.api.store().version()) + "\"},\"items\":[" + items + "]}"};
}

// Answers POST bindings, or POST binding of a pod: the scheduler gives a pod its node this way,
// since no update can.
HttpFront::Reply HttpFront::Bind(Call& call) {
  const Target& target = call.target;
  TRY(WriteOptions options, ReadWriteOptions(call.request(), target));
  options.subresource = "binding";
  TRY(const Json body, ReadBody(call.request()));
  const KindPtr pods = parts_.api.kinds().ByKind("v1", "Pod");
  const std::string name = target.name.empty() ? body["metadata"]["name"].AsString() : target.name;
  const std::string node = body["target"]["name"].AsString();
  if (node.empty()) return Failure{500, "", "target.name: Required value", {}};
  const auto change = [&](const Json& before) -> Answer<Json> {
    const std::string& bound = before["spec"]["nodeName"].AsString();
    if (!bound.empty())
      return Conflict({"", "pods/binding", ""}, name,
                      "pod " + name + " is already assigned to node " + Json::Quote(bound));
    Json after = before;
    after["spec"].Set("nodeName", node);
    Json& conditions = after["status"]["conditions"];
    std::erase_if(conditions.items(),
                  [](const Json& one) { return one["type"].AsString() == "PodScheduled"; });
    conditions.Push(Json::Obj({{"type", "PodScheduled"},
                               {"status", "True"},
                               {"lastProbeTime", Json()},
                               {"lastTransitionTime", FormatSeconds(NowMs())}}));
    return after;
  };
  TRY([[maybe_unused]] const Written written,
      parts_.api.Modify(*pods, target.ns, name, change, options));
  return Created();
}

HttpFront::Reply HttpFront::Evict(Call& call) {
  const Target& target = call.target;
  if (target.kind->kind != "Pod") return MethodNotAllowed();
  TRY([[maybe_unused]] const Deleted deleted,
      parts_.api.Delete(*target.kind, target.ns, target.name, {}));
  return Created();
}

}  // namespace slipway::sim
