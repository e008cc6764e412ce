#include "pipeline/credentials.h"

#include <algorithm>

#include "base/crypto.h"
#include "pipeline/effects.h"
#include "pipeline/observer.h"

namespace slipway::pipeline {

bool BelongsTo(const Json& object, const store::InstanceRecord& instance,
               const std::vector<store::ObjectRecord>& inventory, const Json& observed) {
  const Json& metadata = object["metadata"];
  if (const std::string& label = metadata["labels"][kInstanceLabel].AsString(); !label.empty())
    return label == instance.id;
  const store::ObjectRecord self = RecordOf(object);
  const auto is_ours = [&](const store::ObjectRecord& record, const std::string& uid) {
    return uid.empty() ? store::SameObject(record, self) : record.uid == uid;
  };
  const auto known = [&](const std::string& uid) {
    return std::any_of(inventory.begin(), inventory.end(),
                       [&](const auto& record) { return is_ours(record, uid); }) ||
           std::any_of(observed.items().begin(), observed.items().end(),
                       [&](const Json& seen) { return is_ours(RecordOf(seen), uid); });
  };
  if (known("")) return true;
  const auto& owners = metadata["ownerReferences"].items();
  return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
    const std::string& uid = owner["uid"].AsString();
    return !uid.empty() && known(uid);
  });
}

Result<ReadCredentials> ReadSecret(kube::Cluster& cluster, const store::InstanceRecord& instance,
                                   const Json& source,
                                   const std::vector<store::ObjectRecord>& inventory,
                                   const Json& observed) {
  const std::string& name = source["secret"].AsString();
  TRY(const Json secret, cluster.Get({"v1", "Secret", instance.ns, name}));
  if (!BelongsTo(secret, instance, inventory, observed))
    return Error{Code::kInternal, "ForbiddenEffect",
                 "the engine names Secret " + name +
                     " as the instance's credentials, but nothing says that it is the instance's: "
                     "no line of the inventory, no label, no owner"};
  ReadCredentials out;
  out.version =
      secret["metadata"]["uid"].AsString() + "/" + secret["metadata"]["resourceVersion"].AsString();
  for (const auto& [field, key] : source["fields"].members()) {
    const Json* data = secret["data"].Find(key.AsString());
    if (data == nullptr)
      return Error{Code::kUnavailable, "SecretKeyMissing",
                   "Secret " + name + " has no key " + key.AsString()};
    TRY(std::string value, Base64Decode(data->AsString()));
    out.fields.emplace_back(field, secrets::SecretText(std::move(value)));
  }
  return out;
}

connect::LoginTarget LoginAt(const Json& endpoint, const Json& proof, const secrets::Fields& values,
                             int64_t timeout_ms) {
  const Json& address = endpoint["external"].is_object() ? endpoint["external"] : endpoint;
  const auto value = [&](const char* field, const std::string& otherwise) {
    const std::string* const found = secrets::Find(values, field);
    return found != nullptr ? *found : otherwise;
  };
  return {proof["protocol"].AsString(),
          address["host"].AsString(),
          static_cast<int>(address["port"].AsInt()),
          value("username", ""),
          value("password", ""),
          value("database", proof["database"].AsString()),
          proof["statement"].AsString("SELECT 1"),
          timeout_ms,
          endpoint["tls"].AsBool()};
}

const Json& EndpointOf(const Json& outputs, const std::string& name) {
  static const Json kNone;
  for (const Json& endpoint : outputs["endpoints"].items()) {
    if (endpoint["name"].AsString() == name) return endpoint;
  }
  return kNone;
}

}  // namespace slipway::pipeline
