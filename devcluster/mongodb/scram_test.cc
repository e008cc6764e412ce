#include "devcluster/mongodb/scram.h"

#include <gtest/gtest.h>

namespace slipway::sim::operators::mongodb {
namespace {

// Python's hashlib computed the expected values.
TEST(MongodbScram, KeysAreThoseThatAServerComputes) {
  constexpr char kSalt[] = "W22ZaJ0SNY7soEsUEjb6gQ==";
  const ScramKeys one = DeriveScramKeys(ScramHash::kSha1, "user", "pencil", kSalt),
                  two = DeriveScramKeys(ScramHash::kSha256, "user", "pencil", kSalt);
  EXPECT_EQ(one.stored, "HY3j+mS6USkcxtmMMWUPc3hG50g=");
  EXPECT_EQ(one.server, "NPMCwNFf4tht7jmR6Gen5I78DJs=");
  EXPECT_EQ(two.stored, "iNwhD/UloMhTn6gC4vCMAzvIDWmK4Rc+dS5scw40H2A=");
  EXPECT_EQ(two.server, "N/dMhBxjHNEinQ8k/dtBAmgFGhxJ1EEUOpO/RH1m0Ag=");
}

}  // namespace
}  // namespace slipway::sim::operators::mongodb
