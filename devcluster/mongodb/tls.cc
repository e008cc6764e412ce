#include "devcluster/mongodb/pass.h"
#include "devcluster/mongodb/secrets.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

constexpr char kNotValid[] = "TLS config is not yet valid, retrying in 10 seconds";

// Returns certificate and key in one file; "" when the secret or one of its keys is missing.
Result<std::string> ServerPem(InstancePass& pass, const std::string& name) {
  TRY(const Json secret, pass.Find("Secret", name));
  const std::string certificate = SecretValue(secret, "tls.crt"),
                    key = SecretValue(secret, "tls.key");
  if (!certificate.empty() && !key.empty()) return certificate + key;
  return SecretValue(secret, "tls.pem");
}

Result<std::string> Authority(InstancePass& pass) {
  const Json& tls = pass.spec.spec.At("/security/tls");
  if (const std::string& secret = tls.At("/caCertificateSecretRef/name").AsString();
      !secret.empty()) {
    TRY(const Json found, pass.Find("Secret", secret));
    return SecretValue(found, "ca.crt");
  }
  TRY(const Json found, pass.Find("ConfigMap", tls.At("/caConfigMapRef/name").AsString()));
  return found["data"]["ca.crt"].AsString();
}

Result<void> Copy(InstancePass& pass, const char* suffix, const std::string& pem) {
  const Json wanted = TlsSecret(pass.spec, suffix, pem);
  TRY(Json stored, pass.Find("Secret", NameOf(wanted)));
  if (!stored.is_object()) {
    auto made = pass.CreateObject(wanted);
    if (!made) return std::move(made).error();
    return {};
  }
  Json data = wanted["data"];
  for (const auto& [file, content] : stored["data"].members())
    if (!data.Has(file)) data.Set(file, nullptr);
  return pass.PatchObject(stored, Json::Obj({{"data", std::move(data)}}));
}

}  // namespace

Outcome EnsureTls(InstancePass& pass) {
  const Json& tls = pass.spec.spec.At("/security/tls");
  if (!pass.spec.tls) return GoOn();
  TRY(const std::string server,
      ServerPem(pass, tls.At("/certificateKeySecretRef/name").AsString()));
  TRY(const std::string authority, Authority(pass));
  if (server.empty() || authority.empty()) return Halt("Pending", kNotValid);
  TRY_VOID(Copy(pass, "ca-certificate", authority));
  TRY_VOID(Copy(pass, "server-certificate-key", server));
  const std::string& scraped = pass.spec.spec.At("/prometheus/tlsSecretKeyRef/name").AsString();
  if (scraped.empty()) return GoOn();
  TRY(const std::string prometheus, ServerPem(pass, scraped));
  if (prometheus.empty()) return Halt("Pending", kNotValid);
  TRY_VOID(Copy(pass, "prometheus-certificate-key", prometheus));
  return GoOn();
}

}  // namespace slipway::sim::operators::mongodb
