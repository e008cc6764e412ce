#include "devcluster/target.h"

#include <algorithm>

#include "base/yaml.h"
#include "devcluster/protobuf.h"

namespace slipway::sim {

namespace {

constexpr Json::Limits kBodyLimits{.depth = 256, .bytes = 16u << 20};

// The empty segment behind a trailing slash does not count.
size_t Depth(const std::vector<std::string>& segments) {
  return !segments.empty() && segments.back().empty() ? segments.size() - 1 : segments.size();
}

bool IsNamespaceSubresource(const std::string& segment) {
  return segment == "status" || segment == "finalize";
}

Failure UnknownResource() {
  return {404, "NotFound", "the server could not find the requested resource", Json::MakeObject()};
}

}  // namespace

Answer<Target> ParseTarget(const KindRegistry& kinds, const http::Request& request) {
  const std::vector<std::string>& path = request.segments;
  const size_t depth = Depth(path);
  const bool core = depth > 0 && path[0] == "api";
  size_t at = core ? 2 : 3;
  if (depth <= at || (!core && path[0] != "apis")) return PageNotFound();
  const std::string group = core ? "" : path[1];
  const std::string version = path[at - 1];
  if (!kinds.HasGroup(group, version))
    return kinds.HasGroup(group, "") ? UnknownResource() : PageNotFound();
  Target out;
  // The old way to watch, from before it was a parameter.
  if (path[at] == "watch" && depth > at + 1) {
    out.watch = true;
    ++at;
  }
  // Takes namespaces/{ns}/{resource}…, but not namespaces/{name} and namespaces/{name}/status.
  if (path[at] == "namespaces" && depth > at + 2 &&
      !(core && depth == at + 3 && IsNamespaceSubresource(path[at + 2]))) {
    out.ns = path[at + 1];
    at += 2;
  }
  out.kind = kinds.ByResource(group, version, path[at]);
  if (out.kind == nullptr) return UnknownResource();
  if (!out.kind->namespaced && !out.ns.empty()) return UnknownResource();
  if (depth > at + 1) out.name = path[at + 1];
  if (depth > at + 2) out.subresource = path[at + 2];
  if (out.kind->namespaced && out.ns.empty() && !out.name.empty()) return UnknownResource();
  for (size_t i = at + 3; i < path.size(); ++i) out.rest += "/" + path[i];
  return out;
}

std::string VerbOf(const http::Request& request, const Target* target) {
  if (target == nullptr) return "";
  if (request.method == "GET" || request.method == "HEAD") {
    if (!target->name.empty()) return "get";
    return target->watch || QueryFlag(request, "watch") ? "watch" : "list";
  }
  if (request.method == "POST") return "create";
  if (request.method == "PUT") return "update";
  if (request.method == "DELETE") return target->name.empty() ? "deletecollection" : "delete";
  if (request.method != "PATCH") return "";
  const std::string type = HeaderText(request, "content-type");
  return type.rfind("application/apply-patch", 0) == 0 ? "apply" : "patch";
}

bool QueryIs(const http::Request& request, std::string_view name, std::string_view value) {
  const std::string* found = request.Query(name);
  return found != nullptr && *found == value;
}

bool QueryFlag(const http::Request& request, std::string_view name) {
  return QueryIs(request, name, "true") || QueryIs(request, name, "1");
}

std::string QueryText(const http::Request& request, std::string_view name) {
  const std::string* found = request.Query(name);
  return found == nullptr ? "" : *found;
}

std::string HeaderText(const http::Request& request, std::string_view name) {
  const std::string* found = request.Header(name);
  return found == nullptr ? "" : *found;
}

bool ReadDryRun(const std::string& text, std::vector<Cause>& causes) {
  if (!text.empty() && text != "All")
    causes.push_back({"FieldValueNotSupported",
                      "Unsupported value: [" + Json::Quote(text) + "]: supported values: \"All\"",
                      "dryRun"});
  return !text.empty();
}

Answer<WriteOptions> ReadWriteOptions(const http::Request& request, const Target& target) {
  WriteOptions out;
  std::vector<Cause> causes;
  out.manager = QueryText(request, "fieldManager");
  if (out.manager.size() > 128)
    causes.push_back(
        {"FieldValueTooLong", "Too long: may not be more than 128 bytes", "fieldManager"});
  if (std::any_of(out.manager.begin(), out.manager.end(),
                  [](unsigned char c) { return c < ' ' || c == 0x7F; }))
    causes.push_back({"FieldValueInvalid",
                      "Invalid value: " + Json::Quote(out.manager) + ": invalid character",
                      "fieldManager"});
  const std::string content = HeaderText(request, "content-type");
  const bool apply = content.rfind("application/apply-patch", 0) == 0;
  if (out.manager.empty() && apply)
    causes.push_back(
        {"FieldValueRequired", "Required value: is required for apply patch", "fieldManager"});
  if (out.manager.empty()) {
    const std::string agent = HeaderText(request, "user-agent");
    out.manager = agent.substr(0, agent.find('/'));
    if (out.manager.empty()) out.manager = "unknown";
  }
  const std::string validation = QueryText(request, "fieldValidation");
  if (validation == "Strict") out.validation = FieldValidation::kStrict;
  if (validation == "Ignore") out.validation = FieldValidation::kIgnore;
  if (!validation.empty() && validation != "Strict" && validation != "Ignore" &&
      validation != "Warn")
    causes.push_back({"FieldValueNotSupported",
                      "Unsupported value: " + Json::Quote(validation) +
                          ": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
                      "fieldValidation"});
  out.dry_run = ReadDryRun(QueryText(request, "dryRun"), causes);
  out.force = QueryFlag(request, "force");
  if (request.method == "PATCH" && !apply && request.Query("force") != nullptr)
    causes.push_back(
        {"FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force"});
  if (!causes.empty()) {
    const char* kind = request.method == "POST"  ? "CreateOptions"
                       : request.method == "PUT" ? "UpdateOptions"
                                                 : "PatchOptions";
    return Invalid({"meta.k8s.io", "", kind}, "", causes);
  }
  out.subresource = target.subresource;
  return out;
}

Answer<Json> ReadBody(const http::Request& request) {
  const std::string type = HeaderText(request, "content-type");
  if (type.rfind("application/vnd.kubernetes.protobuf", 0) == 0) return ReadProtobuf(request.body);
  const size_t first = request.body.find_first_not_of(" \t\r\n");
  const bool yaml = type.find("yaml") != std::string::npos && first != std::string::npos &&
                    request.body[first] != '{';
  if (yaml) {
    auto document = ParseYamlDocument(request.body);
    if (!document)
      return BadRequest("error decoding the body: error converting YAML to JSON: yaml: " +
                        document.error().message);
    return std::move(document->value);
  }
  auto parsed = Json::Parse(request.body, kBodyLimits);
  if (!parsed)
    return BadRequest("couldn't get version/kind; json parse error: " + parsed.error().message);
  return *std::move(parsed);
}

}  // namespace slipway::sim
