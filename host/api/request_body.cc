// The bodies of create and patch, checked field by field.
#include <algorithm>
#include <string>

#include "api/request.h"
#include "base/ids.h"

namespace slipway::api {
namespace {

constexpr size_t kMaxName = 63;
constexpr size_t kMaxLabels = 64;
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

// What Kubernetes allows as a label's name, and as its value.
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

void CheckLabels(const Json& labels, std::vector<Error>& wrong) {
  if (!labels.is_object()) {
    wrong.push_back(Type("/labels", "an object", labels));
    return;
  }
  if (labels.size() > kMaxLabels) {
    wrong.push_back(
        Wrong("/labels", "TooMany", "at most 64 labels, not " + std::to_string(labels.size())));
  }
  for (const auto& [key, value] : labels.members()) {
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
}

// Reads the members of one flat object and remembers what is wrong.
class Reader {
 public:
  Reader(const Json& body, std::vector<Error>& wrong) : body_(body), wrong_(wrong) {}

  // Absent optional strings stay "".
  std::string String(const char* name, bool required) {
    const Json* value = body_.Find(name);
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
    const Json* value = body_.Find(name);
    if (value != nullptr && !value->is_bool()) {
      wrong_.push_back(Type(std::string("/") + name, "a boolean", *value));
    }
    return value != nullptr && value->AsBool();
  }

  Json Object(const char* name) {
    const Json* value = body_.Find(name);
    if (value == nullptr) return Json::MakeObject();
    if (!value->is_object()) {
      wrong_.push_back(Type(std::string("/") + name, "an object", *value));
      return Json::MakeObject();
    }
    return *value;
  }

 private:
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

}  // namespace

std::vector<Error> ParseCreate(const Json& body, const std::vector<pipeline::Tier>& tiers,
                               pipeline::CreateRequest& out) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  RefuseUnknown(body,
                {"orgId", "projectName", "name", "databaseType", "tier", "backup", "parameters",
                 "labels", "deletionProtection", "onFailure"},
                wrong);
  Reader reader(body, wrong);
  out.organization = reader.DnsName("orgId", true);
  out.project = reader.DnsName("projectName", true);
  out.name = reader.DnsName("name", false);
  const size_t length = out.organization.size() + 1 + out.project.size();
  if (IsDnsLabel(out.organization) && IsDnsLabel(out.project) && length > kMaxName) {
    wrong.push_back(
        Wrong("/projectName", "NameTooLong",
              "the namespace {orgId}-{projectName} may have 63 characters, this one would have " +
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
  out.labels = reader.Object("labels");
  CheckLabels(out.labels, wrong);
  out.deletion_protection = reader.Bool("deletionProtection");
  out.on_failure = reader.String("onFailure", false);
  if (!out.on_failure.empty() && !Among(out.on_failure, {"ROLLBACK", "RETAIN"})) {
    wrong.push_back(Wrong("/onFailure", "InvalidValue", "must be ROLLBACK or RETAIN"));
  }
  if (out.on_failure.empty()) out.on_failure = "ROLLBACK";
  return wrong;
}

std::vector<Error> ParsePatch(const Json& body, Patch& out) {
  std::vector<Error> wrong;
  if (!body.is_object()) return {Type("", "an object", body)};
  for (const auto& [name, value] : body.members()) {
    const std::string at = "/" + Json::EscapePointer(name);
    if (name == "deletionProtection") {
      // Removing it by null would lift a protection by accident.
      if (!value.is_bool()) wrong.push_back(Type(at, "a boolean", value));
      out.deletion_protection = value.AsBool();
    } else if (name == "labels") {
      if (!value.is_object() && !value.is_null()) wrong.push_back(Type(at, "an object", value));
      out.labels = value;
    } else if (Among(name, {"tier", "parameters", "backup"})) {
      return {Error{Code::kNotImplemented, "NotImplemented",
                    "changing " + name + " of a running instance is not built yet", at}};
    } else if (Among(name, {"orgId", "projectName", "name", "databaseType", "onFailure"})) {
      wrong.push_back(Wrong(at, "Immutable", "is fixed when the instance is created"));
    } else if (Among(name, {"id", "kind", "createdAt", "updatedAt", "deletedAt", "etag",
                            "generation", "path", "spec", "status"})) {
      wrong.push_back(Wrong(at, "OutputOnly", "is written by the host only"));
    } else {
      wrong.push_back(Wrong(at, "UnknownField", "is not a field of this request"));
    }
  }
  return wrong;
}

Result<Json> PatchLabels(const Json& labels, const Json& patch) {
  if (patch.is_null()) return Json::MakeObject();
  Json out = labels.is_object() ? labels : Json::MakeObject();
  out.MergePatch(patch);
  std::vector<Error> wrong;
  CheckLabels(out, wrong);
  if (!wrong.empty()) return wrong.front();
  return out;
}

}  // namespace slipway::api
