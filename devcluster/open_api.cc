#include "devcluster/open_api.h"

#include <set>

namespace slipway::sim {

namespace {

Json Parameter(const char* name) {
  return Json::Obj({{"name", name},
                    {"in", "query"},
                    {"schema", Json::Obj({{"type", "string"}, {"uniqueItems", true}})}});
}

Json GroupVersionKind(const Kind& kind) {
  return Json::Obj({{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}});
}

std::string SchemaName(const Kind& kind) {
  const std::string group = kind.group.empty() ? "core" : kind.group;
  return "io." + group + "." + kind.version + "." + kind.kind;
}

std::string ObjectPath(const Kind& kind) {
  return (kind.group.empty() ? "/api/" : "/apis/") + kind.api_version() +
         (kind.namespaced ? "/namespaces/{namespace}/" : "/") + kind.plural + "/{name}";
}

Json SchemaOf(const Kind& kind) {
  Json schema =
      kind.open_api != nullptr
          ? *kind.open_api
          : Json::Obj(
                {{"type", "object"},
                 {"description",
                  kind.kind + " of a real cluster; this development cluster keeps every field."},
                 {"x-kubernetes-preserve-unknown-fields", true},
                 {"properties", Json::Obj({{"apiVersion", Json::Obj({{"type", "string"}})},
                                           {"kind", Json::Obj({{"type", "string"}})},
                                           {"metadata", Json::Obj({{"type", "object"}})},
                                           {"spec", Json::Obj({{"type", "object"}})},
                                           {"status", Json::Obj({{"type", "object"}})}})}});
  schema.Set("x-kubernetes-group-version-kind", Json::Arr({GroupVersionKind(kind)}));
  return schema;
}

Json Operation(const Kind& kind, const char* action, bool body) {
  const Json reference = Json::Obj({{"$ref", "#/components/schemas/" + SchemaName(kind)}});
  const Json content = Json::Obj({{"application/json", Json::Obj({{"schema", reference}})}});
  Json out =
      Json::Obj({{"operationId", std::string(action) + kind.version + kind.kind},
                 {"parameters", Json::Arr({Parameter("dryRun"), Parameter("fieldManager"),
                                           Parameter("fieldValidation"), Parameter("force")})},
                 {"responses",
                  Json::Obj({{"200", Json::Obj({{"description", "OK"}, {"content", content}})}})},
                 {"x-kubernetes-action", action},
                 {"x-kubernetes-group-version-kind", GroupVersionKind(kind)}});
  if (body) out.Set("requestBody", Json::Obj({{"content", content}}));
  return out;
}

Json Document(const KindRegistry& kinds, const std::string& group, const std::string& version) {
  Json paths = Json::MakeObject(), schemas = Json::MakeObject();
  for (const KindPtr& kind : kinds.All()) {
    if (kind->group != group || kind->version != version) continue;
    paths.Set(ObjectPath(*kind), Json::Obj({{"get", Operation(*kind, "get", false)},
                                            {"put", Operation(*kind, "put", true)},
                                            {"patch", Operation(*kind, "patch", true)},
                                            {"delete", Operation(*kind, "delete", false)}}));
    schemas.Set(SchemaName(*kind), SchemaOf(*kind));
  }
  return Json::Obj({{"openapi", "3.0.0"},
                    {"info", Json::Obj({{"title", "Kubernetes"}, {"version", "v1.35.4"}})},
                    {"paths", std::move(paths)},
                    {"components", Json::Obj({{"schemas", std::move(schemas)}})}});
}

Json Index(const KindRegistry& kinds) {
  std::set<std::string> names;
  for (const KindPtr& kind : kinds.All())
    names.insert((kind->group.empty() ? "api/" : "apis/") + kind->api_version());
  Json paths = Json::MakeObject();
  for (const std::string& name : names)
    paths.Set(name, Json::Obj({{"serverRelativeURL", "/openapi/v3/" + name}}));
  return Json::Obj({{"paths", std::move(paths)}});
}

}  // namespace

http::Response OpenApi(const KindRegistry& kinds, const http::Request& request) {
  http::Response absent{404, {}, "404 page not found\n", "text/plain; charset=utf-8"};
  const std::vector<std::string>& path = request.segments;
  if (path.size() < 2 || path[1] != "v3") return absent;
  if (path.size() == 2) return {200, {}, Index(kinds).Dump()};
  const bool core = path.size() == 4 && path[2] == "api";
  if (!core && (path.size() != 5 || path[2] != "apis")) return absent;
  const std::string group = core ? "" : path[3], version = path.back();
  if (!kinds.HasGroup(group, version)) return absent;
  return {200, {}, Document(kinds, group, version).Dump()};
}

}  // namespace slipway::sim
