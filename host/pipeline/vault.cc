#include "pipeline/vault.h"

#include "base/crypto.h"

namespace slipway::pipeline {
namespace {

std::string Place(const std::string& organization, const std::string& instance_id,
                  const std::string& field) {
  return organization + "/" + instance_id + "/" + field;
}

constexpr char kDataKeyField[] =
    "\x01"
    "data-key";  // no credential can be called that

}  // namespace

Vault::Sealed Vault::Seal(const std::string& organization, const std::string& instance_id,
                          const std::vector<std::pair<std::string, std::string>>& values) const {
  std::string data_key = RandomBytes(32);
  Sealed out;
  out.data_key = {keys_.active, AesGcmSeal(keys_.keys.at(keys_.active), data_key,
                                           Place(organization, instance_id, kDataKeyField))};
  for (const auto& [field, value] : values)
    out.credentials.push_back(
        {field, AesGcmSeal(data_key, value, Place(organization, instance_id, field))});
  Wipe(data_key);
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> Vault::Open(
    const std::string& organization, const std::string& instance_id,
    const store::DataKeyRecord& data_key,
    const std::vector<store::CredentialRecord>& credentials) const {
  const auto master = keys_.keys.find(data_key.master_key_id);
  if (master == keys_.keys.end())
    return Error{Code::kInternal, "MasterKeyMissing",
                 "master key " + data_key.master_key_id + " is not configured"};
  TRY(std::string key, AesGcmOpen(master->second, data_key.wrapped,
                                  Place(organization, instance_id, kDataKeyField)));
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& record : credentials) {
    auto value = AesGcmOpen(key, record.sealed, Place(organization, instance_id, record.field));
    if (!value) {
      Wipe(key);
      return std::move(value).error();
    }
    out.emplace_back(record.field, *std::move(value));
  }
  Wipe(key);
  return out;
}

}  // namespace slipway::pipeline
