#include "pipeline/login_proof.h"

#include "base/crypto.h"

namespace slipway::pipeline {

CredentialValues::~CredentialValues() {
  for (auto& [field, value] : list) Wipe(value);
}

const std::string* CredentialValues::Find(const std::string& field) const {
  for (const auto& [name, value] : list) {
    if (name == field) return &value;
  }
  return nullptr;
}

Result<void> ReadSecret(kube::Cluster& cluster, const std::string& ns, const Json& credentials,
                        CredentialValues& out) {
  const std::string& name = credentials["secret"].AsString();
  TRY(const Json secret, cluster.Get({"v1", "Secret", ns, name}));
  for (const auto& [field, key] : credentials["fields"].members()) {
    const Json* data = secret["data"].Find(key.AsString());
    if (data == nullptr)
      return Error{Code::kUnavailable, "SecretKeyMissing",
                   "Secret " + name + " has no key " + key.AsString()};
    TRY(std::string value, Base64Decode(data->AsString()));
    out.list.emplace_back(field, std::move(value));
  }
  return {};
}

connect::LoginTarget LoginAt(const Json& endpoint, const Json& proof,
                             const CredentialValues& values, int64_t timeout_ms) {
  const Json& address = endpoint["external"].is_object() ? endpoint["external"] : endpoint;
  const auto value = [&](const char* field, const std::string& otherwise) {
    const std::string* const found = values.Find(field);
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

}  // namespace slipway::pipeline
