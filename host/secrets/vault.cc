#include "secrets/vault.h"

#include "base/crypto.h"

namespace slipway::secrets {
namespace {

std::string Place(const std::string& organization, const std::string& instance_id,
                  const std::string& field) {
  return organization + "/" + instance_id + "/" + field;
}

constexpr char kDataKeyField[] =
    "\x01"
    "data-key";  // no credential can have this name

}  // namespace

Vault::Sealed Vault::Seal(const std::string& organization, const std::string& instance_id,
                          const Fields& values) const {
  const SecretText data_key(RandomBytes(32));
  Sealed out;
  out.data_key = {keys_.active, AesGcmSeal(keys_.keys.at(keys_.active), data_key.Reveal(),
                                           Place(organization, instance_id, kDataKeyField))};
  for (const auto& [field, value] : values)
    out.credentials.push_back({field, AesGcmSeal(data_key.Reveal(), value.Reveal(),
                                                 Place(organization, instance_id, field))});
  return out;
}

Result<Fields> Vault::Open(const std::string& organization, const std::string& instance_id,
                           const store::DataKeyRecord& data_key,
                           const std::vector<store::CredentialRecord>& credentials) const {
  const auto master = keys_.keys.find(data_key.master_key_id);
  if (master == keys_.keys.end())
    return Error{Code::kInternal, "MasterKeyMissing",
                 "master key " + data_key.master_key_id + " is not configured"};
  TRY(std::string opened, AesGcmOpen(master->second, data_key.wrapped,
                                     Place(organization, instance_id, kDataKeyField)));
  const SecretText key(std::move(opened));
  Fields out;
  for (const auto& record : credentials) {
    TRY(std::string value,
        AesGcmOpen(key.Reveal(), record.sealed, Place(organization, instance_id, record.field)));
    out.emplace_back(record.field, SecretText(std::move(value)));
  }
  return out;
}

}  // namespace slipway::secrets
