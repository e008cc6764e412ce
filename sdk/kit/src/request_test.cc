#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <slipway/kit/request.h>

namespace slipway::kit {
namespace {

TEST(Stores, ABucketIsTakenEverywhereAndADirectoryWhereItMayBe) {
  for (const char* path : {"s3://bucket", "s3://bucket/a/b-c_d=e.f"}) {
    EXPECT_EQ(S3PathError(path), "") << path;
    EXPECT_EQ(StorePathError(path), "") << path;
  }
  for (const char* path : {"file:///var/backups", "file:///var/backups/acme_1/a=b.c"}) {
    EXPECT_NE(S3PathError(path), "") << path;
    EXPECT_EQ(StorePathError(path), "") << path;
  }
}

TEST(Stores, OtherPlacesAreRefused) {
  for (const char* path : {"", "/tmp", "s3://", "s3://b", "file://host/path", "file:///",
                           "file:/tmp", "file:///a/../b", "file:///..", "file:///a b",
                           "file:///a;b", "file:///a%2e", "FILE:///a", "http://x"}) {
    EXPECT_NE(StorePathError(path), "") << path;
  }
  EXPECT_NE(StorePathError("file:///" + std::string(1024, 'a')), "");
}

TEST(Stores, HaveADnsLabelForAName) {
  for (const char* name : {"main", "s3-eu-1", "1"}) EXPECT_EQ(DnsLabelError(name), "") << name;
  for (const char* name : {"", "a.b", "Main", "-a", "a-", "a_b"})
    EXPECT_NE(DnsLabelError(name), "");
  EXPECT_NE(DnsLabelError(std::string(64, 'a')), "");
}

TEST(Stores, TheHostsOwnMayBringMoreThanAnEngineHasAUseFor) {
  const BackupField fields[] = {kDestinationPath, kStore};
  std::vector<std::string> wrong;
  const Complain complain = [&](const std::string& pointer, const std::string&,
                                const std::string&) { wrong.push_back(pointer); };
  const auto taken = [&](const char* backup) {
    return NormalisedBackup(Json::Parse(backup), fields, complain, [](auto&&...) {}).Dump();
  };
  EXPECT_EQ(
      taken(
          R"({"destinationPath":"s3://bucket","store":"main","region":"eu","regionKey":"R","caKey":"C"})"),
      R"({"destinationPath":"s3://bucket","store":"main"})");
  EXPECT_TRUE(wrong.empty());
  taken(R"({"destinationPath":"s3://bucket","region":"eu"})");
  EXPECT_EQ(wrong, std::vector<std::string>{"/backup/region"});
}

TEST(LifeName, IsThatOfTheInstanceWhateverItWasReadFrom) {
  const Json input = Json::Parse(
      R"({"instance":{"id":"0B6F-3c1e77","name":"orders","namespace":"acme","seed":"5EED-0123456"},)"
      R"("spec":{"tier":"FREE","source":{"server":"x"}}})");
  EXPECT_EQ(LifeNameOf(input["instance"]), "orders-5eed0123");
  EXPECT_EQ(Instance(input).LifeName(), "orders-5eed0123");
  EXPECT_TRUE(Instance(input).IsRestored());
  EXPECT_EQ(LifeNameOf(Json::Parse(R"({"id":"0B6F-3c1e77","name":"orders"})")), "orders-0b6f3c1e");
}

}  // namespace
}  // namespace slipway::kit
