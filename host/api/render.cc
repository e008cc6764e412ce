#include "api/render.h"

#include <algorithm>

#include "api/problem.h"
#include "api/request.h"
#include "base/clock.h"

namespace slipway::api {

void SetTime(Json& out, const char* name, int64_t ms) {
  if (ms > 0) out.Set(name, FormatTime(ms));
}

void SetText(Json& out, const char* name, const std::string& text) {
  if (!text.empty()) out.Set(name, text);
}

namespace {

// Copies only the known members, so that an engine's extras cannot leak.
Json RenderEndpoint(const Json& endpoint) {
  Json out = Json::Obj({{"name", endpoint["name"].AsString()},
                        {"role", endpoint["role"].AsString()},
                        {"host", endpoint["host"].AsString()},
                        {"port", endpoint["port"].AsInt()},
                        {"tls", endpoint["tls"].AsBool()}});
  const Json& external = endpoint["external"];
  if (external.is_object()) {
    out.Set("external",
            Json::Obj({{"host", external["host"].AsString()}, {"port", external["port"].AsInt()}}));
  }
  return out;
}

Json RenderCondition(const Json& condition) {
  Json out = Json::Obj({{"type", condition["type"].AsString()},
                        {"status", condition["status"].AsString()},
                        {"reason", UpperSnake(condition["reason"].AsString())}});
  SetText(out, "message", condition["message"].AsString());
  SetTime(out, "lastTransitionAt", condition["since_ms"].AsInt());
  return out;
}

const char* ReadyWord(const std::string& state) {
  if (state == "ACTIVE") return "TRUE";
  return state == "UNKNOWN" ? "UNKNOWN" : "FALSE";
}

Json RenderStatus(const store::InstanceRecord& instance, const InstanceView& view) {
  std::string state = instance.state, reason = UpperSnake(instance.reason);
  std::string message = instance.message;
  if (!view.engine_available && state != "DELETED") {
    state = "UNKNOWN";
    reason = "ENGINE_UNAVAILABLE";
    message = "no loaded engine serves " + instance.database_type;
  }
  const Json outputs = Json::ParseObject(instance.outputs);
  Json endpoints = Json::MakeArray();
  for (const Json& endpoint : outputs["endpoints"].items())
    endpoints.Push(RenderEndpoint(endpoint));
  Json ready = Json::Obj({{"type", "Ready"},
                          {"status", ReadyWord(state)},
                          {"reason", reason.empty() ? state : reason}});
  SetText(ready, "message", message);

  Json out = Json::Obj({{"state", state}});
  SetText(out, "reason", reason);
  SetText(out, "message", message);
  out.Set("namespace", instance.ns);
  out.Set("endpoints", std::move(endpoints));
  out.Set("engine", instance.engine);
  SetText(out, "operationId", view.operation_id);
  if (outputs["login_proof"].is_object())
    out.Set("loginProof", RenderProof(outputs["login_proof"]));
  Json conditions = Json::Arr({std::move(ready)});
  for (const Json& condition : outputs["conditions"].items())
    conditions.Push(RenderCondition(condition));
  out.Set("conditions", std::move(conditions));
  return out;
}

// The scheme of an instance's connection strings: the operator's own, without "+srv", which needs
// DNS records that our addresses lack; otherwise the type's name.
std::string SchemeOf(const store::InstanceRecord& instance, const std::string& uri) {
  const size_t end = uri.find("://");
  if (end != std::string::npos) return uri.substr(0, std::min(end, uri.find('+')));
  std::string out = instance.database_type;
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// The path of an operator's own string, which is where the user logs in: "app" of
// "x://u:p@one:1,two:1/app?set=orders".
std::string DatabaseOf(const std::string& uri) {
  const size_t authority = uri.find("://");
  if (authority == std::string::npos) return "";
  const size_t path = uri.find('/', authority + 3);
  if (path == std::string::npos) return "";
  return uri.substr(path + 1, uri.find('?', path) - path - 1);
}

// Where nobody restarts nobody waits; one of several members takes the place of another in seconds.
const char* DowntimeOf(const pipeline::UpdatePlan& plan) {
  if (!plan.Restarts()) return "NONE";
  return plan.members > 1 ? "SECONDS" : "MINUTES";
}

}  // namespace

std::string InstancePath(const std::string& id) {
  return "/v1/instances/" + id;
}

std::string OperationPath(const std::string& id) {
  return "/v1/operations/" + id;
}

Json RenderProof(const Json& proof) {
  Json out = Json::Obj({{"state", proof["state"].AsString()}});
  for (const char* name : {"endpoint", "at", "message"}) SetText(out, name, proof[name].AsString());
  return out;
}

Json RenderPlan(const pipeline::UpdatePlan& plan) {
  Json changes = Json::MakeArray(), irreversible = Json::MakeArray(), warnings = Json::MakeArray();
  for (const pipeline::SpecChange& change : plan.changes) {
    const std::string path = change.path == "/pod_monitor" ? "/podMonitor" : change.path;
    changes.Push(
        Json::Obj({{"path", path}, {"from", change.from}, {"to", change.to}, {"how", change.how}}));
    if (!change.revertible) irreversible.Push(path);
    if (!change.loses.empty()) irreversible.Push(path + ": " + change.loses);
  }
  for (const auto& warning : plan.warnings)
    warnings.Push(Json::Obj({{"pointer", warning.field}, {"message", warning.message}}));
  return Json::Obj({{"plan", Json::Obj({{"hash", plan.hash},
                                        {"changes", std::move(changes)},
                                        {"restarts", plan.Restarts()},
                                        {"downtime", DowntimeOf(plan)},
                                        {"irreversible", std::move(irreversible)},
                                        {"quota", Json::Obj({{"before", plan.quota_before},
                                                             {"after", plan.quota_after}})},
                                        {"warnings", std::move(warnings)}})}});
}

Json RenderInstance(const store::InstanceRecord& instance, const InstanceView& view) {
  const Json spec = Json::ParseObject(instance.spec);
  const Json& parameters = spec["parameters"];
  Json backup = spec["backup"];
  if (backup.is_object() && instance.drill_days >= 0)
    backup.Set("drill", Json::Obj({{"everyDays", instance.drill_days}}));
  Json out = Json::Obj({{"id", instance.id},
                        {"name", instance.name},
                        {"kind", "Instance"},
                        {"createdAt", FormatTime(instance.created_ms)},
                        {"updatedAt", FormatTime(instance.updated_ms)}});
  SetTime(out, "deletedAt", instance.deleted_ms);
  out.Set("generation", instance.generation);
  out.Set("labels", Json::ParseObject(instance.labels));
  out.Set("path", InstancePath(instance.id));
  out.Set("spec",
          Json::Obj({{"orgId", instance.organization},
                     {"projectName", instance.project},
                     {"name", instance.name},
                     {"databaseType", instance.database_type},
                     {"tier", instance.tier},
                     {"instances", spec["instances"].AsInt()},
                     {"storage", spec["storage"].AsString()},
                     {"memory", spec["memory"].AsString()},
                     {"cpu", spec["cpu"].AsString()},
                     {"parameters", parameters.is_object() ? parameters : Json::MakeObject()},
                     {"backup", std::move(backup)},
                     {"deletionProtection", instance.deletion_protection}}));
  out.Set("status", RenderStatus(instance, view));
  // An observation without changes keeps the representation and its etag.
  out.Set("etag", MakeEtag(instance.generation, out.Dump()));
  if (instance.observed_ms > 0) out["status"].Set("observedAt", FormatTime(instance.observed_ms));
  return out;
}

Json RenderEngine(const engine::EngineStatus& status, const Json& description) {
  Json out = Json::Obj({{"name", status.name},
                        {"kind", "Engine"},
                        {"state", engine::EngineStateName(status.state)}});
  SetText(out, "databaseType", status.database_type);
  SetText(out, "title", status.title);
  SetText(out, "version", status.version);
  SetText(out, "sha256", status.sha256);
  if (status.abi_major > 0) {
    out.Set("abi", Json::Obj({{"major", status.abi_major}, {"minor", status.abi_minor}}));
  }
  SetText(out, "reason", status.reason);
  SetText(out, "message", status.message);
  out.Set("capabilities",
          status.capabilities.is_object() ? status.capabilities : Json::MakeObject());
  out.Set("verbs", status.verbs.is_array() ? status.verbs : Json::MakeArray());
  if (description.is_object()) {
    if (description["name_limit"].is_int()) out.Set("nameLimit", description["name_limit"]);
    if (const Json& backup = description["backup"]; backup.is_object()) {
      Json shown = Json::MakeObject();
      for (const char* name : {"types", "targets"})
        shown.Set(name, backup[name].is_array() ? backup[name] : Json::MakeArray());
      out.Set("backup", shown.Set("continuous", backup["continuous"].AsBool()));
    }
    if (description["parameters_schema"].is_object()) {
      out.Set("parametersSchema", description["parameters_schema"]);
    }
  }
  return out;
}

Json RenderAudit(const store::AuditRecord& record) {
  return Json::Obj({{"id", std::to_string(record.seq)},
                    {"kind", "AuditRecord"},
                    {"at", FormatTime(record.at_ms)},
                    {"actor", record.actor},
                    {"action", record.action},
                    {"target", Json::Obj({{"kind", record.target_kind}, {"id", record.target_id}})},
                    {"orgId", record.organization},
                    {"requestId", record.request_id},
                    {"data", Json::ParseObject(record.data)}});
}

Json RenderTier(const pipeline::Tier& tier) {
  return Json::Obj({{"name", tier.name},
                    {"kind", "Tier"},
                    {"instances", tier.instances},
                    {"storage", tier.storage},
                    {"memory", tier.memory},
                    {"cpu", tier.cpu},
                    {"podMonitor", tier.pod_monitor}});
}

std::string PercentEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Json RenderCredentials(const store::InstanceRecord& instance, const Json& fields) {
  const std::string &username = fields["username"].AsString(),
                    &password = fields["password"].AsString();
  const std::string database = fields["database"].AsString(DatabaseOf(fields["uri"].AsString()));
  const std::string scheme = SchemeOf(instance, fields["uri"].AsString());
  const Json outputs = Json::ParseObject(instance.outputs);
  Json endpoints = Json::MakeArray();
  for (const Json& endpoint : outputs["endpoints"].items()) {
    const Json& address = endpoint["external"].is_object() ? endpoint["external"] : endpoint;
    std::string host = address["host"].AsString();
    const std::string port = std::to_string(address["port"].AsInt());
    const std::string bracketed = host.find(':') == std::string::npos ? host : "[" + host + "]";
    std::string uri = scheme + "://" + PercentEncode(username) + ":" + PercentEncode(password) +
                      "@" + bracketed + ":" + port;
    if (!database.empty()) uri += "/" + PercentEncode(database);
    // Inside the cluster the operator's own string has more: all hosts and the replica set.
    if (fields["uri"].is_string() && endpoint["role"].AsString() == "READ_WRITE" &&
        !endpoint["external"].is_object())
      uri = fields["uri"].AsString();
    Json out = Json::Obj({{"name", endpoint["name"].AsString()},
                          {"role", endpoint["role"].AsString()},
                          {"host", host},
                          {"port", address["port"].AsInt()},
                          {"external", endpoint["external"].is_object()},
                          {"tls", endpoint["tls"].AsBool()},
                          {"username", username},
                          {"password", password}});
    SetText(out, "database", database);
    out.Set("connectionString", uri).Set("uri", uri);
    endpoints.Push(std::move(out));
  }
  Json out = Json::Obj({{"kind", "Credentials"}, {"instanceId", instance.id}});
  // Repeats the primary's values at the top level, for the callers that need only them.
  const Json::Array& all = endpoints.items();
  const auto primary = std::find_if(
      all.begin(), all.end(), [](const Json& e) { return e["role"].AsString() == "READ_WRITE"; });
  const Json& chosen = primary != all.end() ? *primary : std::as_const(endpoints)[0];
  for (const char* name : {"host", "port", "connectionString", "uri"}) {
    if (!chosen[name].is_null()) out.Set(name, chosen[name]);
  }
  out.Set("username", username).Set("password", password);
  SetText(out, "database", database);
  Json extra = Json::MakeObject();
  for (const auto& [name, value] : fields.members()) {
    if (name != "username" && name != "password" && name != "database" && name != "uri")
      extra.Set(name, value);
  }
  if (!extra.empty()) out.Set("fields", std::move(extra));
  out.Set("endpoints", std::move(endpoints));
  return out;
}

}  // namespace slipway::api
