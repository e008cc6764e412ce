// Checks that refuse to store an object, in the words of the real API server.
#include <algorithm>
#include <utility>

#include "devcluster/api.h"
#include "devcluster/builtin_rules.h"
#include "devcluster/builtin_types.h"
#include "devcluster/crds.h"
#include "devcluster/go_decode.h"
#include "devcluster/json_path.h"

namespace slipway::sim {
namespace {

std::string JoinUnknown(const std::vector<std::string>& unknown) {
  std::string out;
  for (const std::string& path : unknown)
    out += (out.empty() ? "" : ", ") + ("unknown field " + Json::Quote(path));
  return out;
}

Failure Undecodable(const Kind& kind, const Json& sent, const std::string& why, bool patch) {
  if (!patch)
    return BadRequest(kind.kind + " in version " + Json::Quote(kind.version) +
                      " cannot be handled as a " + kind.kind + ": " + why);
  const std::string message = "Invalid value: " + Json::Quote(sent.Dump()) + ": " + why;
  return Failure{422, "Invalid", " \"\" is invalid: patch: " + message,
                 Json::Obj({{"causes", Json::Arr({Json::Obj({{"reason", "FieldValueInvalid"},
                                                             {"message", message},
                                                             {"field", "patch"}})})}})};
}

// Reads an object as the server does: prunes it and sets its defaults. Returns the dropped paths.
Answer<std::vector<std::string>> Decode(const Kind& kind, Json& object, bool patch) {
  const Json sent = patch ? object : Json();
  if (!kind.custom) {
    Decoded decoded = DecodeAsGo(*kind.schema, object);
    if (!decoded.error.empty()) return Undecodable(kind, sent, decoded.error, patch);
    DefaultBuiltin(kind, object);
    if (kind.is_definition()) DefaultDefinition(object);
    return std::move(decoded.unknown);
  }
  Decoded metadata = DecodeAsGo(*BuiltinType("meta.v1.ObjectMeta"), object["metadata"]);
  if (!metadata.error.empty()) return Undecodable(kind, sent, metadata.error, patch);
  std::vector<std::string> unknown = Prune(*kind.schema, object);
  for (const std::string& path : metadata.unknown) unknown.push_back("metadata." + path);
  std::sort(unknown.begin(), unknown.end());
  ApplyDefaults(*kind.schema, object);
  return unknown;
}

bool BlocksRules(const Cause& cause) {
  static constexpr std::string_view kReasons[] = {"FieldValueNotSupported", "FieldValueRequired",
                                                  "FieldValueTooLong", "FieldValueTooMany",
                                                  "FieldValueTypeInvalid"};
  return std::find(std::begin(kReasons), std::end(kReasons), cause.reason) != std::end(kReasons);
}

}  // namespace

Answer<Done> Api::CheckNamespace(const Kind& kind, const std::string& ns,
                                 const std::string& name) const {
  if (!kind.namespaced) return Done{};
  const ObjectPtr found = store_.Get("namespaces", "", ns);
  if (found == nullptr) return NotFound({"", "namespaces", "Namespace"}, ns);
  if (!found->deleting) return Done{};
  Failure refused = Forbidden(
      kind.name(), name,
      "unable to create new content in namespace " + ns + " because it is being terminated");
  refused.details.Set("causes",
                      Json::Arr({Json::Obj({{"reason", "NamespaceTerminating"},
                                            {"message", "namespace " + ns + " is being terminated"},
                                            {"field", "metadata.namespace"}})}));
  return refused;
}

Answer<Done> Api::CheckBody(const Kind& kind, const std::string& ns, const std::string& name,
                            const Json& object) const {
  if (!object.is_object())
    return BadRequest("couldn't get version/kind; json parse error: the body is not an object");
  if (kind.custom && object["kind"].AsString().empty())
    return BadRequest("Object 'Kind' is missing in '" + object.Dump() + "'");
  // For Kubernetes' own types the decoder assumes the expected version and kind when they are
  // missing.
  const std::string api_version = object["apiVersion"].AsString(kind.api_version());
  if (api_version != kind.api_version())
    return BadRequest("the API version in the data (" + api_version +
                      ") does not match the expected API version (" + kind.api_version() + ")");
  if (object["kind"].AsString(kind.kind) != kind.kind)
    return BadRequest(object["kind"].AsString() + " in version " + Json::Quote(kind.version) +
                      " cannot be handled as a " + kind.kind);
  const Json& metadata = object["metadata"];
  if (!metadata.is_object() && !metadata.is_null()) {
    Json wrong = Json::Obj({{"metadata", metadata}});
    return BadRequest(kind.kind + " in version " + Json::Quote(kind.version) +
                      " cannot be handled as a " + kind.kind + ": " +
                      DecodeAsGo(*BuiltinSchema("v1", "ConfigMap"), wrong).error);
  }
  const std::string& body_ns = metadata["namespace"].AsString();
  if (!body_ns.empty() && body_ns != ns)
    return BadRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  const std::string& body_name = metadata["name"].AsString();
  if (!name.empty() && body_name.empty())
    return BadRequest("the name of the object (" + name +
                      " based on URL) was undeterminable: name must be provided");
  if (!name.empty() && body_name != name)
    return BadRequest("the name of the object (" + body_name +
                      ") does not match the name on the URL (" + name + ")");
  return Done{};
}

Answer<Done> Api::CheckFields(const Kind& kind, Json& object, const WriteOptions& options,
                              bool patch, std::vector<std::string>& warnings) const {
  if (kind.schema == nullptr) return Done{};
  const Json sent = patch && options.validation == FieldValidation::kStrict ? object : Json();
  TRY(const std::vector<std::string> unknown, Decode(kind, object, patch));
  if (unknown.empty() || options.validation == FieldValidation::kIgnore) return Done{};
  if (options.validation == FieldValidation::kWarn) {
    for (const std::string& path : unknown)
      warnings.push_back("unknown field " + Json::Quote(path));
    return Done{};
  }
  return Undecodable(kind, sent, "strict decoding error: " + JoinUnknown(unknown), patch);
}

Answer<Done> Api::CheckValid(const Kind& kind, const Json& object, const Json* before) const {
  std::vector<Cause> causes = ValidateMetadata(object);
  if (kind.custom && kind.schema != nullptr) {
    for (Cause& cause : Validate(*kind.schema, object)) causes.push_back(std::move(cause));
    if (kind.has_rules && std::any_of(causes.begin(), causes.end(), BlocksRules))
      causes.push_back(
          {"FieldValueInvalid",
           "Invalid value: \"null\": some validation rules were not checked because "
           "the object was invalid; correct the existing errors to complete validation",
           "<nil>"});
  }
  if (kind.custom && !kind.scale_spec.empty())
    if (const Json& replicas = FindPath(object, kind.scale_spec);
        !replicas.is_null() && (!replicas.is_int() || replicas.AsInt() < 0))
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: " + replicas.Dump() + ": should be a non-negative integer",
                        kind.scale_spec});
  for (Cause& cause : ValidateBuiltin(kind, object, before)) causes.push_back(std::move(cause));
  if (before != nullptr && (*before)["metadata"].Has("deletionTimestamp")) {
    for (const Json& finalizer : object["metadata"]["finalizers"].items()) {
      const auto& old = (*before)["metadata"]["finalizers"].items();
      if (std::find(old.begin(), old.end(), finalizer) == old.end())
        causes.push_back({"FieldValueForbidden",
                          "Forbidden: no new finalizers can be added if the object is being "
                          "deleted, found new finalizers []string{" +
                              finalizer.Dump() + "}",
                          "metadata.finalizers"});
    }
  }
  if (causes.empty()) return Done{};
  return Invalid(kind.name(), object["metadata"]["name"].AsString(), causes);
}

// A pod needs an existing service account. Each namespace gets its default account a moment after
// it is made, so the check does not ask for that one.
Answer<Done> Api::CheckAccount(const Kind& kind, const Json& object) const {
  if (kind.kind != "Pod" || kind.custom) return Done{};
  const std::string &ns = object["metadata"]["namespace"].AsString(),
                    &account = object["spec"]["serviceAccountName"].AsString();
  if (account == "default" || store_.Get("serviceaccounts", ns, account) != nullptr) return Done{};
  return Forbidden(kind.name(), object["metadata"]["name"].AsString(),
                   "error looking up service account " + ns + "/" + account + ": serviceaccount " +
                       Json::Quote(account) + " not found");
}

Answer<Done> Api::CheckIdentity(const Kind& kind, const StoredObject& current, const Json& after) {
  if (after["kind"].AsString() != kind.kind || after["apiVersion"].AsString() != kind.api_version())
    return Undecodable(kind, after,
                       "no kind " + after["kind"].Dump() + " is registered for version " +
                           after["apiVersion"].Dump(),
                       true);
  const Json& metadata = after["metadata"];
  if (metadata["namespace"].AsString() != current.ns)
    return BadRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  if (const std::string& uid = metadata["uid"].AsString(); !uid.empty() && uid != current.uid)
    return Invalid(
        kind.name(), current.name,
        {{"FieldValueInvalid", "Invalid value: " + Json::Quote(uid) + ": field is immutable",
          "metadata.uid"}});
  return Done{};
}

}  // namespace slipway::sim
