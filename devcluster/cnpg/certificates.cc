#include "devcluster/cnpg/certificates.h"

#include <cstdio>
#include <ctime>
#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace slipway::sim::operators::cnpg {

namespace {

constexpr long kLifetimeSeconds = 90L * 24 * 3600;

struct FreeKey {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};

struct FreeCert {
  void operator()(X509* p) const { X509_free(p); }
};

struct FreeBio {
  void operator()(BIO* p) const { BIO_free(p); }
};

using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Cert = std::unique_ptr<X509, FreeCert>;
using Bio = std::unique_ptr<BIO, FreeBio>;

Error Failed(const char* what) {
  return Error{Code::kInternal, "CertificateFailed", what};
}

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

Result<KeyPair> Pem(X509* cert, EVP_PKEY* key) {
  const Bio a(BIO_new(BIO_s_mem())), b(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(a.get(), cert) != 1 ||
      PEM_write_bio_PrivateKey(b.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return Failed("cannot write PEM");
  return KeyPair{Text(a.get()), Text(b.get())};
}

Cert ReadCert(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Key ReadKey(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

bool Extend(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool ok = X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

// A certificate without its issuer, its extensions and its signature.
Cert Blank(EVP_PKEY* key, const std::string& common_name) {
  Cert cert(X509_new());
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -300);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), kLifetimeSeconds);
  X509_set_pubkey(cert.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return cert;
}

}  // namespace

Result<KeyPair> NewAuthority(const std::string& common_name) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return Failed("cannot make a key");
  const Cert cert = Blank(key.get(), common_name);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(cert.get()));
  if (!Extend(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE") ||
      !Extend(cert.get(), cert.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !Extend(cert.get(), cert.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(cert.get(), key.get(), EVP_sha256()) == 0)
    return Failed("cannot sign the authority");
  return Pem(cert.get(), key.get());
}

Result<KeyPair> NewCertificate(const KeyPair& ca, const std::string& common_name,
                               const std::vector<std::string>& dns_names) {
  const Cert issuer = ReadCert(ca.cert_pem);
  const Key signer = ReadKey(ca.key_pem);
  const Key key(EVP_EC_gen("P-256"));
  if (!issuer || !signer || !key) return Failed("cannot read the authority or make a key");
  const Cert cert = Blank(key.get(), common_name);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(issuer.get()));
  const bool server = !dns_names.empty();
  std::string names = "DNS:localhost,IP:127.0.0.1";
  for (const std::string& name : dns_names) names += ",DNS:" + name;
  if (!Extend(cert.get(), issuer.get(), NID_key_usage, "critical,digitalSignature,keyAgreement") ||
      !Extend(cert.get(), issuer.get(), NID_ext_key_usage, server ? "serverAuth" : "clientAuth") ||
      !Extend(cert.get(), issuer.get(), NID_authority_key_identifier, "keyid") ||
      (server && !Extend(cert.get(), issuer.get(), NID_subject_alt_name, names)) ||
      X509_sign(cert.get(), signer.get(), EVP_sha256()) == 0)
    return Failed("cannot sign the certificate");
  return Pem(cert.get(), key.get());
}

std::string ExpirationOf(const std::string& cert_pem) {
  const Cert cert = ReadCert(cert_pem);
  std::tm time{};
  if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert.get()), &time) != 1) return "";
  char text[64];
  if (std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S +0000 UTC", &time) == 0) return "";
  return text;
}

}  // namespace slipway::sim::operators::cnpg
