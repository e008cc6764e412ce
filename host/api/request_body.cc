// Checks the bodies of create and patch field by field.
#include <algorithm>
#include <string>

#include "api/media_type.h"
#include "api/request.h"
#include "base/ids.h"
#include "http/message.h"

namespace slipway::api {
namespace {

constexpr size_t kMaxName = 63;
constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxText = 256;
constexpr int64_t kMostInstances = 15;
constexpr size_t kMaxChecks = 10, kMaxStatement = 4096;
constexpr const char* kNameRule =
    "must be a DNS label: 1 to 63 of a-z, 0-9 and '-', not at the ends";

Error Wrong(std::string pointer, const char* reason, std::string message) {
  return Error{Code::kInvalid, reason, std::move(message), std::move(pointer)};
}

Error Type(const std::string& pointer, const char* wanted, const Json& got) {
  return Wrong(pointer, "InvalidType",
               std::string("must be ") + wanted + ", not " + got.type_name());
}

bool Alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Kubernetes' rule for a label's name and value.
bool IsLabelWord(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && Alnum(text.front()) && Alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return Alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsLabelKey(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return IsLabelWord(key);
  std::string_view domain = key.substr(0, slash);
  if (domain.size() > 253) return false;
  while (true) {
    const size_t dot = domain.find('.');
    if (!IsDnsLabel(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  return IsLabelWord(key.substr(slash + 1));
}

bool IsReserved(std::string_view key) {
  const std::string_view domain = key.substr(0, key.find('/'));
  constexpr std::string_view kOurs = "slipway.dev";
  return key.find('/') != std::string_view::npos &&
         (domain == kOurs || (domain.size() > kOurs.size() && domain.ends_with(".slipway.dev")));
}

void CheckLabel(const std::string& key, const Json& value, std::vector<Error>& wrong) {
  const std::string at = "/labels/" + Json::EscapePointer(key);
  if (!IsLabelKey(key)) {
    wrong.push_back(Wrong(at, "InvalidLabel",
                          "a label's name has 1 to 63 letters, digits, '-', '_' and '.', after a "
                          "DNS prefix and '/' if any"));
  } else if (IsReserved(key)) {
    wrong.push_back(Wrong(at, "ReservedLabel", "labels under slipway.dev/ belong to the host"));
  }
  if (!value.is_string()) {
    wrong.push_back(Type(at, "a string", value));
  } else if (!value.AsString().empty() && !IsLabelWord(value.AsString())) {
    wrong.push_back(Wrong(at, "InvalidLabel",
                          "a label's value has at most 63 letters, digits, '-', '_' and '.'"));
  }
}

void CheckCount(const Json& labels, std::vector<Error>& wrong) {
  if (labels.size() <= kMaxLabels) return;
  wrong.push_back(
      Wrong("/labels", "TooMany", "at most 64 labels, not " + std::to_string(labels.size())));
}

// Reads the members of one flat object and collects the errors.
class Reader {
 public:
  Reader(const Json& body, std::vector<Error>& wrong) : body_(body), wrong_(wrong) {}

  // An absent optional string is "".
  std::string String(const char* name, bool required) {
    const Json* value = required ? body_.Find(name) : Optional(name);
    const std::string at = std::string("/") + name;
    if (value == nullptr) {
      if (required) wrong_.push_back(Wrong(at, "Required", "is required"));
      return "";
    }
    if (!value->is_string()) {
      wrong_.push_back(Type(at, "a string", *value));
      return "";
    }
    if (value->AsString().empty()) {
      wrong_.push_back(Wrong(at, "InvalidValue", "must not be empty"));
    }
    return value->AsString();
  }

  std::string DnsName(const char* name, bool required) {
    std::string value = String(name, required);
    if (!value.empty() && !IsDnsLabel(value, kMaxName)) {
      wrong_.push_back(Wrong(std::string("/") + name, "InvalidName", kNameRule));
    }
    return value;
  }

  bool Bool(const char* name) {
    const Json* value = Optional(name);
    if (value != nullptr && !value->is_bool()) {
      wrong_.push_back(Type(std::string("/") + name, "a boolean", *value));
    }
    return value != nullptr && value->AsBool();
  }

  Json Object(const char* name) {
    const Json* value = Optional(name);
    if (value == nullptr) return Json::MakeObject();
    if (!value->is_object()) {
      wrong_.push_back(Type(std::string("/") + name, "an object", *value));
      return Json::MakeObject();
    }
    return *value;
  }

 private:
  // nullptr for null, too.
  const Json* Optional(const char* name) const {
    const Json* value = body_.Find(name);
    return value != nullptr && !value->is_null() ? value : nullptr;
  }

  const Json& body_;
  std::vector<Error>& wrong_;
};

void RefuseUnknown(const Json& body, std::initializer_list<std::string_view> known,
                   std::vector<Error>& wrong) {
  for (const auto& [name, value] : body.members()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      wrong.push_back(
          Wrong("/" + Json::EscapePointer(name), "UnknownField", "is not a field of this request"));
    }
  }
}

bool Among(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A text of the object at `pointer`, if it has one.
void CheckText(const Json& object, const std::string& pointer, const char* name,
               std::vector<Error>& wrong, size_t most = kMaxText) {
  const Json& value = object[name];
  if (value.is_null()) return;
  const std::string at = pointer + "/" + name;
  if (!value.is_string()) {
    wrong.push_back(Type(at, "a string", value));
  } else if (value.AsString().empty() || value.AsString().size() > most) {
    wrong.push_back(
        Wrong(at, "InvalidValue", "must have 1 to " + std::to_string(most) + " characters"));
  }
}

void RefuseUnknownAt(const Json& object, const std::string& pointer,
                     std::initializer_list<std::string_view> known, std::vector<Error>& wrong) {
  std::vector<Error> found;
  RefuseUnknown(object, known, found);
  for (Error& error : found) {
    error.field = pointer + error.field;
    wrong.push_back(std::move(error));
  }
}

// A check of a restore drill; the pipeline knows what its members mean.
void ParseCheck(const Json& check, const std::string& at, std::vector<Error>& wrong) {
  if (!check.is_object()) {
    wrong.push_back(Type(at, "an object", check));
    return;
  }
  RefuseUnknownAt(check, at, {"name", "statement", "equals", "atLeast", "atMost"}, wrong);
  CheckText(check, at, "name", wrong, kMaxName);
  CheckText(check, at, "statement", wrong, kMaxStatement);
  if (check["statement"].is_null())
    wrong.push_back(Wrong(at + "/statement", "Required", "is required"));
  if (!check["equals"].is_number()) CheckText(check, at, "equals", wrong);
  for (const char* bound : {"atLeast", "atMost"}) {
    if (const Json& value = check[bound]; !value.is_null() && !value.is_number())
      wrong.push_back(Type(at + "/" + bound, "a number", value));
  }
}

// The point that a restore goes to.
void ParseTarget(const Json& target, const std::string& at, std::vector<Error>& wrong) {
  if (target.is_null()) return;
  if (!target.is_object()) {
    wrong.push_back(Type(at, "an object", target));
    return;
  }
  RefuseUnknownAt(target, at, {"type", "value", "exclusive"}, wrong);
  CheckText(target, at, "type", wrong);
  CheckText(target, at, "value", wrong);
  if (const Json& exclusive = target["exclusive"]; !exclusive.is_null() && !exclusive.is_bool())
    wrong.push_back(Type(at + "/exclusive", "a boolean", exclusive));
}

// A change of the spec; the engine knows which values are good.
void CheckChange(const std::string& name, const Json& value, std::vector<Error>& wrong) {
  const std::string at = "/" + name;
  if (name == "parameters") {
    if (!value.is_object()) wrong.push_back(Type(at, "an object", value));
  } else if (name == "instances") {
    if (!value.is_int())
      wrong.push_back(Type(at, "an integer", value));
    else if (value.AsInt() < 1 || value.AsInt() > kMostInstances)
      wrong.push_back(
          Wrong(at, "OutOfRange", "must be from 1 to " + std::to_string(kMostInstances)));
  } else if (!value.is_string()) {
    wrong.push_back(Type(at, "a string", value));
  } else if (value.AsString().empty() || value.AsString().size() > kMaxName) {
    wrong.push_back(
        Wrong(at, "InvalidValue", "must have 1 to " + std::to_string(kMaxName) + " characters"));
  }
}

// Its shape; the pipeline finds what it names.
Json ParseSource(const Json& source, std::vector<Error>& wrong) {
  if (source.is_null()) return {};
  if (!source.is_object()) {
    wrong.push_back(Type("/source", "an object", source));
    return {};
  }
  RefuseUnknownAt(source, "/source", {"instanceId", "backupId", "target"}, wrong);
  CheckText(source, "/source", "instanceId", wrong);
  CheckText(source, "/source", "backupId", wrong);
  ParseTarget(source["target"], "/source/target", wrong);
  return source;
}

}  // namespace

Result<Json> ReadBody(const Body& body, const http::Request& request,
                      std::vector<Error>& problems) {
  if (request.body.empty() && !body.required) return Json::MakeObject();
  TRY_VOID(CheckMediaType(request.Header("content-type"), body.type));
  const std::string* coding = request.Header("content-encoding");
  if (coding != nullptr && !http::EqualsIgnoreCase(*coding, "identity")) {
    return Error{Code::kInvalid, "UnsupportedMediaType",
                 "the body must not have the content coding " + Json::Quote(*coding)};
  }
  Json::Limits limits;
  limits.depth = 32;
  TRY(Json out, Json::Parse(request.body, limits));
  if (body.has_fields) return out;
  if (!out.is_object()) problems.push_back(Type("", "an object", out));
  RefuseUnknown(out, {}, problems);
  if (problems.empty()) return out;
  return Error{Code::kInvalid, "ValidationFailed",
               "the body must be an object without fields, or absent"};
}

std::vector<Error> ParseCreate(const Json& body, const std::vector<pipeline::Tier>& tiers,
                               pipeline::CreateRequest& out) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  RefuseUnknown(body,
                {"orgId", "projectName", "name", "databaseType", "tier", "backup", "source",
                 "parameters", "labels", "deletionProtection", "onFailure"},
                wrong);
  Reader reader(body, wrong);
  out.organization = reader.DnsName("orgId", true);
  out.project = reader.DnsName("projectName", true);
  out.name = reader.DnsName("name", false);
  const size_t length = out.organization.size() + 1 + out.project.size();
  if (IsDnsLabel(out.organization) && IsDnsLabel(out.project) && length > kMaxName) {
    wrong.push_back(
        Wrong("/projectName", "NameTooLong",
              "the namespace {orgId}-{projectName} may have 63 characters; this one would have " +
                  std::to_string(length)));
  }
  out.database_type = reader.String("databaseType", true);
  out.tier = reader.String("tier", true);
  const bool known =
      std::any_of(tiers.begin(), tiers.end(), [&](const auto& t) { return t.name == out.tier; });
  if (!out.tier.empty() && !known) {
    std::string names;
    for (const auto& tier : tiers) names.append(names.empty() ? "" : ", ").append(tier.name);
    wrong.push_back(
        Wrong("/tier", "UnknownTier", Json::Quote(out.tier) + " is not one of " + names));
  }
  out.parameters = reader.Object("parameters");
  const Json& backup = body["backup"];
  if (!backup.is_null() && !backup.is_object())
    wrong.push_back(Type("/backup", "an object", backup));
  out.backup = backup;
  out.source = ParseSource(body["source"], wrong);
  out.labels = reader.Object("labels");
  CheckCount(out.labels, wrong);
  for (const auto& [key, value] : out.labels.members()) CheckLabel(key, value, wrong);
  out.deletion_protection = reader.Bool("deletionProtection");
  out.on_failure = reader.String("onFailure", false);
  if (!out.on_failure.empty() && !Among(out.on_failure, {"ROLLBACK", "RETAIN"})) {
    wrong.push_back(Wrong("/onFailure", "InvalidValue", "must be ROLLBACK or RETAIN"));
  }
  if (out.on_failure.empty()) out.on_failure = "ROLLBACK";
  return wrong;
}

std::vector<Error> ParseBackup(const Json& body, Json& out) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  RefuseUnknown(body, {"type", "note"}, wrong);
  CheckText(body, "", "type", wrong);
  CheckText(body, "", "note", wrong);
  const Json& type = body["type"];
  if (type.is_string() && !type.AsString().empty() && type.AsString() != "FULL")
    wrong.push_back(Wrong("/type", "InvalidValue", "must be FULL"));
  for (const char* name : {"type", "note"}) {
    if (body[name].is_string()) out.Set(name, body[name]);
  }
  return wrong;
}

std::vector<Error> ParseSwitchover(const Json& body, Json& out) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  RefuseUnknown(body, {"target"}, wrong);
  CheckText(body, "", "target", wrong);
  if (body["target"].is_string()) out.Set("target", body["target"]);
  return wrong;
}

std::vector<Error> ParseDrill(const Json& body) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  RefuseUnknown(body, {"backupId", "target", "checks"}, wrong);
  CheckText(body, "", "backupId", wrong);
  ParseTarget(body["target"], "/target", wrong);
  const Json& checks = body["checks"];
  if (!checks.is_null() && !checks.is_array()) wrong.push_back(Type("/checks", "an array", checks));
  if (checks.size() > kMaxChecks)
    wrong.push_back(
        Wrong("/checks", "TooMany", "at most 10 checks, not " + std::to_string(checks.size())));
  for (size_t i = 0; i < checks.items().size(); ++i)
    ParseCheck(checks[i], "/checks/" + std::to_string(i), wrong);
  return wrong;
}

std::vector<Error> ParsePatch(const Json& body, Patch& out) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  for (const auto& [name, value] : body.members()) {
    const std::string at = "/" + Json::EscapePointer(name);
    if (name == "deletionProtection") {
      // null must not remove it: that could lift the protection by accident.
      if (!value.is_bool()) wrong.push_back(Type(at, "a boolean", value));
      out.deletion_protection = value.AsBool();
    } else if (name == "labels") {
      if (!value.is_object() && !value.is_null()) wrong.push_back(Type(at, "an object", value));
      for (const auto& [key, label] : value.members())
        CheckLabel(key, label.is_null() ? Json("") : label, wrong);  // null removes the label
      out.labels = value;
    } else if (Among(name, {"version", "backup"})) {
      return {Error{Code::kNotImplemented, "NotImplemented",
                    "changing " + name + " of a running instance is not supported yet", at}};
    } else if (std::find(std::begin(pipeline::kSpecFields), std::end(pipeline::kSpecFields),
                         name) != std::end(pipeline::kSpecFields)) {
      CheckChange(name, value, wrong);
      out.changes.Set(name, value);
    } else if (Among(name,
                     {"orgId", "projectName", "name", "databaseType", "onFailure", "source"})) {
      wrong.push_back(Wrong(at, "Immutable", "is fixed when the instance is created"));
    } else if (Among(name, {"id", "kind", "createdAt", "updatedAt", "deletedAt", "etag",
                            "generation", "path", "spec", "status"})) {
      wrong.push_back(Wrong(at, "OutputOnly", "is written only by the host"));
    } else {
      wrong.push_back(Wrong(at, "UnknownField", "is not a field of this request"));
    }
  }
  if (!out.changes.empty() && (out.labels || out.deletion_protection))
    wrong.push_back(Wrong("", "CombinedChange",
                          "labels and deletionProtection change at once, the rest by an operation: "
                          "send them in requests of their own"));
  return wrong;
}

Result<Json> PatchLabels(const Json& labels, const Json& patch) {
  if (patch.is_null()) return Json::MakeObject();
  Json out = labels.is_object() ? labels : Json::MakeObject();
  out.MergePatch(patch);
  std::vector<Error> wrong;
  CheckCount(out, wrong);
  if (!wrong.empty()) return wrong.front();
  return out;
}

}  // namespace slipway::api
