#include <cstdlib>
#include <cstring>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "devcluster/operators/cron.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/cluster_spec.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/schedule_plan.h"
#include "devcluster/vitess/topology.h"

namespace slipway::sim::operators::vitess {
namespace {

Json Parsed(const std::string& text) {
  auto out = Json::Parse(text);
  EXPECT_TRUE(out) << text;
  return out ? *out : Json();
}

// A cluster with the keyspace `commerce`, which has one shard in cell zone1.
ClusterSpec Example(int replicas) {
  return ClusterSpec::Parse(Parsed(
      R"({"metadata":{"name":"example","namespace":"tenant-a","uid":"u"},"spec":{"cells":[{"name":"zone1"}],
      "backup":{"locations":[{"s3":{"bucket":"b","region":"r"}}]},
      "keyspaces":[{"name":"commerce","partitionings":[{"equal":{"parts":1,"shardTemplate":{
        "tabletPools":[{"cell":"zone1","type":"replica","replicas":)" +
      std::to_string(replicas) + "}]}}}]}]}}"));
}

TEST(VitessNames, AreThoseOfTheOperator) {
  EXPECT_EQ(JoinName({"hello", "world"}), "hello-world-1dd41005");
  EXPECT_EQ(ServiceName({"example", "vtgate"}), "example-vtgate-ae7df4b6");
  EXPECT_EQ(ServiceName({"example", "zone1", "vtgate"}), "example-zone1-vtgate-bc6cde92");
  EXPECT_EQ(EtcdName("example"), "example-etcd-faf13de3");
  EXPECT_EQ(JoinName({"example"}), "example-90089e05");
  EXPECT_EQ(JoinName({"example", "vbsc", "every-minute"}), "example-vbsc-every-minute-94d12263");
  EXPECT_EQ(ServiceName({"example-vbsc-hourly-21784bc5", "commerce", "x-x", "1795330800"}),
            "example-vbsc-hourly-21784bc5-commerce-x-x-1795330800-536cf585");
}

TEST(VitessNames, AreCutWhereTheyAreTooLong) {
  const std::string name = ServiceName({std::string(70, 'a')});
  EXPECT_EQ(name.size(), 63U);
  EXPECT_EQ(name.substr(50, 5), "aa---");
}

TEST(VitessNames, OfTabletsComeFromTheirPlace) {
  EXPECT_EQ(TabletUid("cell", "keyspace", "10-20", "replica", 1), 3376898362U);
  const ClusterSpec spec = Example(3);
  const Shard& shard = spec.keyspaces[0].shards[0];
  EXPECT_EQ(shard.name, "example-commerce-x-x-0f5afee6");
  ASSERT_EQ(shard.tablets.size(), 3U);
  EXPECT_EQ(shard.tablets[0].alias, "zone1-2548885007");
  EXPECT_EQ(shard.tablets[1].name, "example-vttablet-zone1-2469782763-bfadd780");
  EXPECT_EQ(shard.tablets[2].alias, "zone1-0790125915");
  EXPECT_EQ(InitialBackupName(spec, spec.keyspaces[0], shard),
            "example-commerce-x-x-vtbackup-init-c6db73c9");
}

TEST(VitessNames, OfBackupsHoldTheirTimeAndWriter) {
  const ClusterSpec spec = Example(1);
  const Json storage =
      Parsed(R"({"kind":"VitessBackupStorage","metadata":{"name":"example-90089e05"}})");
  const BackupFile file{ParseTime("2026-11-22T06:01:02Z"), ParseTime("2026-11-22T06:02:00Z"),
                        "vtbackup-2093948112", 2093948112};
  const Json backup =
      BackupObject(spec, spec.keyspaces[0], spec.keyspaces[0].shards[0], storage, file);
  EXPECT_EQ(NameOf(backup), "example-commerce-x-x-20261122-060102-7ccf1cd0-0530c0a3");
  EXPECT_EQ(backup.At("/status/storageName").AsString(), "2026-11-22.060102.vtbackup-2093948112");
  EXPECT_TRUE(backup.At("/status/complete").AsBool());
}

TEST(VitessRanges, DivideTheKeySpace) {
  EXPECT_EQ(EqualRanges(1), (std::vector<std::string>{"-"}));
  EXPECT_EQ(EqualRanges(4), (std::vector<std::string>{"-40", "40-80", "80-c0", "c0-"}));
  EXPECT_EQ(SafeRange("-80"), "x-80");
  EXPECT_EQ(SafeRange("-"), "x-x");
}

TEST(VitessTopology, SurvivesInAnAnnotation) {
  Topology topology;
  topology.primary = "zone1-1";
  topology.tablets = {{"zone1-1", "replica"}, {"zone1-2", "restore"}};
  Json shard = Json::MakeObject();
  EXPECT_FALSE(Topology::Of(shard).registered());
  shard.MergePatch(topology.Patch());
  EXPECT_EQ(Topology::Of(shard), topology);
  EXPECT_EQ(topology.TypeOf("zone1-1"), "primary");
  EXPECT_EQ(topology.TypeOf("zone1-2"), "restore");
  EXPECT_EQ(topology.TypeOf("zone1-3"), "");
}

TEST(VitessSchedules, ExpandToShards) {
  const ClusterSpec spec = Example(1);
  const auto keys = [&](const std::string& strategy) {
    const Json schedule =
        Parsed(R"({"spec":{"schedule":"17 3 * * *","strategies":[)" + strategy + "]}}");
    std::string out;
    for (const ShardSchedule& one : Expand(schedule, spec)) out += one.key + "=" + one.cron;
    return out;
  };
  EXPECT_EQ(keys(R"({"name":"all","scope":"Keyspace","keyspace":"commerce"})"),
            "all-commerce-x-x=17 3 * * *");
  EXPECT_EQ(keys(R"({"name":"all","scope":"Cluster"})"), "all-commerce-x-x=17 3 * * *");
  EXPECT_EQ(keys(R"({"name":"one","keyspace":"commerce","shard":"-"})"), "one=17 3 * * *");
  EXPECT_EQ(keys(R"({"name":"one","keyspace":"other","shard":"-"})"), "");
}

TEST(VitessSchedules, ExcludeFromTheClusterWhatHasItsOwnStrategy) {
  const ClusterSpec spec = Example(1);
  const Json schedule = Parsed(
      R"({"spec":{"schedule":"17 3 * * *","strategies":[{"name":"all","scope":"Cluster"},
      {"name":"own","scope":"Keyspace","keyspace":"commerce"}]}})");
  const auto all = Expand(schedule, spec);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].key, "own-commerce-x-x");
}

TEST(VitessSchedules, SpreadAFrequencyOverItsInterval) {
  for (const char* frequency : {"5m", "15m", "1h", "2h", "12h"}) {
    const std::string cron = CronOf(frequency, "acme/db/-80");
    const int64_t now = ParseTime("2026-11-23T11:21:16Z"), first = NextSchedule(cron, now);
    ASSERT_GT(first, 0) << frequency << " " << cron;
    const int64_t minutes =
        std::atoi(frequency) * (frequency[std::strlen(frequency) - 1] == 'h' ? 60 : 1);
    EXPECT_LE(first - now, minutes * 60'000) << cron;
    EXPECT_EQ(NextSchedule(cron, first) - first, minutes * 60'000) << cron;
  }
  EXPECT_EQ(CronOf("7m", "x"), "");
  EXPECT_EQ(CronOf("", "x"), "");
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
