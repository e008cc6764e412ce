#include "devcluster/discovery.h"

#include <map>

#include "base/crypto.h"
#include "devcluster/open_api.h"
#include "devcluster/status.h"
#include "devcluster/target.h"

namespace slipway::sim {

namespace {

Json Strings(const std::vector<std::string>& values) {
  Json out = Json::MakeArray();
  for (const std::string& value : values) out.Push(value);
  return out;
}

Json Version() {
  return Json::Obj({{"major", "1"},
                    {"minor", "35"},
                    {"emulationMajor", "1"},
                    {"emulationMinor", "35"},
                    {"minCompatibilityMajor", "1"},
                    {"minCompatibilityMinor", "34"},
                    {"gitVersion", "v1.35.4+slipway-sim"},
                    {"gitCommit", ""},
                    {"gitTreeState", "clean"},
                    {"buildDate", "2026-01-01T00:00:00Z"},
                    {"goVersion", ""},
                    {"compiler", "gc"},
                    {"platform", "linux/amd64"}});
}

Json GroupVersion(const std::string& group, const std::string& version) {
  return Json::Obj(
      {{"groupVersion", group.empty() ? version : group + "/" + version}, {"version", version}});
}

std::map<std::string, std::vector<std::string>> Groups(const KindRegistry& kinds) {
  std::map<std::string, std::vector<std::string>> out;
  for (const KindPtr& kind : kinds.All()) {
    auto& versions = out[kind->group];
    if (versions.empty() || versions.back() != kind->version) versions.push_back(kind->version);
  }
  out["authorization.k8s.io"] = {"v1"};
  return out;
}

Json Group(const std::string& name, const std::vector<std::string>& versions) {
  Json list = Json::MakeArray();
  for (const std::string& version : versions) list.Push(GroupVersion(name, version));
  Json preferred = list[versions.size() - 1];
  return Json::Obj(
      {{"name", name}, {"versions", std::move(list)}, {"preferredVersion", std::move(preferred)}});
}

Json Resource(const Kind& kind, const std::string& sub, const std::string& sub_kind,
              const std::vector<std::string>& verbs) {
  Json out = Json::Obj({{"name", sub.empty() ? kind.plural : kind.plural + "/" + sub},
                        {"singularName", sub.empty() ? kind.singular : ""},
                        {"namespaced", kind.namespaced},
                        {"kind", sub_kind.empty() ? kind.kind : sub_kind},
                        {"verbs", Strings(verbs)}});
  if (sub_kind == "Scale") out.Set("group", "autoscaling").Set("version", "v1");
  if (!sub.empty()) return out;
  if (!kind.short_names.empty()) out.Set("shortNames", Strings(kind.short_names));
  if (!kind.categories.empty()) out.Set("categories", Strings(kind.categories));
  const std::string stored = kind.group + "/" + kind.version + "/" + kind.kind;
  out.Set("storageVersionHash", Base64Encode(Sha256(stored).substr(0, 8)));
  return out;
}

Json ResourceList(const KindRegistry& kinds, const std::string& group, const std::string& version) {
  Json resources = Json::MakeArray();
  for (const KindPtr& kind : kinds.All()) {
    if (kind->group != group || kind->version != version) continue;
    if (kind->deed) {
      resources.Push(Resource(*kind, "", "", {"create"}));
      continue;
    }
    resources.Push(Resource(
        *kind, "", "",
        kind->custom ? std::vector<std::string>{"delete", "deletecollection", "get", "list",
                                                "patch", "create", "update", "watch"}
                     : std::vector<std::string>{"create", "delete", "deletecollection", "get",
                                                "list", "patch", "update", "watch"}));
    if (kind->has_status) resources.Push(Resource(*kind, "status", "", {"get", "patch", "update"}));
    if (!kind->scale_spec.empty())
      resources.Push(Resource(*kind, "scale", "Scale", {"get", "patch", "update"}));
    if (kind->kind == "Pod" && !kind->custom) {
      resources.Push(Resource(*kind, "log", "", {"get"}));
      resources.Push(Resource(*kind, "proxy", "PodProxyOptions", {"get"}));
      resources.Push(Resource(*kind, "binding", "Binding", {"create"}));
      resources.Push(Resource(*kind, "eviction", "Eviction", {"create"}));
      resources.Push(Resource(*kind, "binding", "Binding", {"create"}));
    }
    if (kind->kind == "Service" && !kind->custom)
      resources.Push(Resource(*kind, "proxy", "ServiceProxyOptions", {"get"}));
    if (kind->kind == "Namespace" && !kind->custom)
      resources.Push(Resource(*kind, "finalize", "", {"update"}));
  }
  if (group == "authorization.k8s.io")
    resources.Push(Json::Obj({{"name", "selfsubjectaccessreviews"},
                              {"singularName", "selfsubjectaccessreview"},
                              {"namespaced", false},
                              {"kind", "SelfSubjectAccessReview"},
                              {"verbs", Json::Arr({"create"})}}));
  return Json::Obj({{"kind", "APIResourceList"},
                    {"apiVersion", "v1"},
                    {"groupVersion", group.empty() ? version : group + "/" + version},
                    {"resources", std::move(resources)}});
}

Json GroupList(const KindRegistry& kinds) {
  Json groups = Json::MakeArray();
  for (const auto& [name, versions] : Groups(kinds))
    if (!name.empty()) groups.Push(Group(name, versions));
  return Json::Obj({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}});
}

http::Response Answered(const Json& body) {
  return {200, {}, body.Dump()};
}

http::Response PlainText(int status, std::string text) {
  return {status, {}, std::move(text), "text/plain; charset=utf-8"};
}

std::optional<http::Response> DiscoverApis(const KindRegistry& kinds,
                                           const std::vector<std::string>& path) {
  if (path.size() == 1) return Answered(GroupList(kinds));
  const auto groups = Groups(kinds);
  const auto group = groups.find(path[1]);
  if (group == groups.end() || path[1].empty()) return PlainText(404, "404 page not found\n");
  if (path.size() == 2) {
    Json out = Group(group->first, group->second);
    return Answered(out.Set("kind", "APIGroup").Set("apiVersion", "v1"));
  }
  if (path.size() != 3) return std::nullopt;
  for (const std::string& version : group->second)
    if (version == path[2]) return Answered(ResourceList(kinds, path[1], version));
  return PlainText(404, "404 page not found\n");
}

}  // namespace

std::optional<http::Response> Discover(const KindRegistry& kinds, const http::Request& request) {
  std::vector<std::string> path = request.segments;
  if (!path.empty() && path.back().empty()) path.pop_back();
  if (path.empty())
    return Answered(
        Json::Obj({{"paths", Json::Arr({"/api", "/api/v1", "/apis", "/healthz", "/livez",
                                        "/openapi/v3", "/readyz", "/version"})}}));
  const std::string& first = path[0];
  if (first == "version" && path.size() == 1) return Answered(Version());
  if (first == "healthz" || first == "livez" || first == "readyz") return PlainText(200, "ok");
  if (first == "openapi") return OpenApi(kinds, request);
  if (first == "api" && path.size() == 1)
    return Answered(
        Json::Obj({{"kind", "APIVersions"},
                   {"versions", Json::Arr({"v1"})},
                   {"serverAddressByClientCIDRs",
                    Json::Arr({Json::Obj({{"clientCIDR", "0.0.0.0/0"},
                                          {"serverAddress", HeaderText(request, "host")}})})}}));
  if (first == "api" && path.size() == 2 && path[1] == "v1")
    return Answered(ResourceList(kinds, "", "v1"));
  if (first == "apis") return DiscoverApis(kinds, path);
  return std::nullopt;
}

}  // namespace slipway::sim
