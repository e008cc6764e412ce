#include "secrets/vault.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace slipway::secrets {
namespace {

static_assert(!std::is_copy_constructible_v<SecretText> && !std::is_copy_assignable_v<SecretText>);
static_assert(!std::is_convertible_v<SecretText, std::string>, "a log takes strings");

TEST(SecretText, MovesAndLeavesNothingBehind) {
  SecretText from(std::string("a secret that is too long for the small buffer of a string"));
  const SecretText to = std::move(from);
  EXPECT_EQ(from.Reveal(), "");  // NOLINT(bugprone-use-after-move): the promise of the type
  EXPECT_EQ(to.Reveal().substr(0, 8), "a secret");
}

TEST(Vault, OpensOnlyForTheSamePlaceAndKey) {
  const std::string key(32, 'k');
  const Vault vault(MasterKeys{"k1", {{"k1", key}}});
  Fields fields;
  fields.emplace_back("username", SecretText("app"));
  fields.emplace_back("password", SecretText("s3cret"));
  const auto sealed = vault.Seal("acme", "ins_1", fields);
  EXPECT_EQ(sealed.data_key.master_key_id, "k1");
  const auto opened = vault.Open("acme", "ins_1", sealed.data_key, sealed.credentials);
  ASSERT_TRUE(opened);
  EXPECT_EQ(*Find(*opened, "password"), "s3cret");
  EXPECT_EQ(Find(*opened, "uri"), nullptr);
  EXPECT_FALSE(vault.Open("acme", "ins_2", sealed.data_key, sealed.credentials));
  auto swapped = sealed.credentials;
  std::swap(swapped[0].sealed, swapped[1].sealed);
  EXPECT_FALSE(vault.Open("acme", "ins_1", sealed.data_key, swapped)) << "moved to another field";
  const Vault other(MasterKeys{"k2", {{"k2", key}}});
  EXPECT_EQ(other.Open("acme", "ins_1", sealed.data_key, sealed.credentials).error().reason,
            "MasterKeyMissing");
}

}  // namespace
}  // namespace slipway::secrets
