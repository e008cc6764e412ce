#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "devcluster/cnpg/certificates.h"
#include "devcluster/cnpg/cluster_spec.h"
#include "devcluster/cnpg/objects.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {
namespace {

Json SmallCluster() {
  return *Json::Parse(R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster",
    "metadata":{"name":"orders","namespace":"acme","uid":"u1"},
    "spec":{"instances":1,"storage":{"size":"1Gi"},"postgresql":{"parameters":{"work_mem":"8MB"}}}})");
}

TEST(Condition, KeepsItsTimeWhileTheStatusStays) {
  Json conditions;
  EXPECT_TRUE(SetCondition(conditions, "Ready", false, "A", "a", 1000));
  EXPECT_TRUE(SetCondition(conditions, "Ready", false, "B", "b", 9000));
  EXPECT_EQ(conditions.At("/0/lastTransitionTime").AsString(), "1970-01-01T00:00:01Z");
  EXPECT_FALSE(SetCondition(conditions, "Ready", false, "B", "b", 12000));
  EXPECT_TRUE(SetCondition(conditions, "Ready", true, "C", "c", 12000));
  EXPECT_EQ(conditions.At("/0/lastTransitionTime").AsString(), "1970-01-01T00:00:12Z");
}

TEST(Quantity, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(QuantityBytes("5Gi"), int64_t{5} << 30);
  EXPECT_EQ(QuantityBytes("512Mi"), int64_t{512} << 20);
  EXPECT_EQ(QuantityBytes("2G"), 2'000'000'000);
  EXPECT_EQ(QuantityBytes("17"), 17);
  EXPECT_EQ(QuantityBytes("much"), 0);
}

TEST(Defaults, AreCompleteAfterOneMerge) {
  Json cluster = SmallCluster();
  const Json patch = MissingDefaults(cluster);
  ASSERT_FALSE(patch.is_null());
  cluster.MergePatch(patch);
  EXPECT_TRUE(MissingDefaults(cluster).is_null()) << MissingDefaults(cluster).Dump();
  EXPECT_EQ(cluster.At("/spec/postgresql/parameters/work_mem").AsString(), "8MB");
  EXPECT_EQ(cluster.At("/spec/postgresql/parameters/wal_level").AsString(), "logical");
  EXPECT_EQ(cluster.At("/spec/bootstrap/initdb/owner").AsString(), "app");
  EXPECT_EQ(cluster.At("/spec/imageName").AsString(), kDefaultImage);
}

TEST(ClusterSpec, ReadsVersionFromTheImagesTag) {
  EXPECT_EQ(MajorVersionOf("ghcr.io/cloudnative-pg/postgresql:18.4-system-trixie"), 18);
  EXPECT_EQ(MajorVersionOf("registry:5000/postgresql"), 0);
}

TEST(Objects, AppSecretHasTheElevenKeys) {
  const ClusterSpec spec = ClusterSpec::Parse(SmallCluster());
  const Json secret = SecretUser(spec, "orders-app", "app", "app", "secret", "app");
  EXPECT_EQ(secret["data"].size(), 11U);
  EXPECT_EQ(secret["type"].AsString(), "kubernetes.io/basic-auth");
  EXPECT_EQ(LabelOf(secret, "cnpg.io/userType"), "app");
}

TEST(Objects, PodNeedsARestartWhenItsImageOrResourcesDiffer) {
  ClusterSpec spec = ClusterSpec::Parse(SmallCluster());
  const Json pod = InstancePod(spec, 1);
  EXPECT_EQ(RestartReason(spec, pod), "");
  spec.resources = *Json::Parse(R"({"limits":{"cpu":"1"}})");
  EXPECT_NE(RestartReason(spec, pod).find("differs in resources"), std::string::npos);
  spec.image = "x:17";
  EXPECT_NE(RestartReason(spec, pod).find("different image"), std::string::npos);
}

TEST(Certificates, ServerCertificateEndsInNinetyDays) {
  auto ca = NewAuthority("orders");
  ASSERT_TRUE(ca);
  auto server = NewCertificate(*ca, "orders-rw", {"orders-rw", "orders-rw.acme"});
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_NE(server->key_pem.find("PRIVATE KEY"), std::string::npos);
  EXPECT_NE(ExpirationOf(server->cert_pem).find(" +0000 UTC"), std::string::npos);
  EXPECT_EQ(ExpirationOf("nonsense"), "");
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
