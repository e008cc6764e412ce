#include "devcluster/vitess/vitess_lines.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "devcluster/vitess/bucket_files.h"

namespace slipway::sim::operators::vitess {
namespace {

constexpr char kCluster[] = R"({"metadata":{"name":"db","namespace":"acme","uid":"u"},"spec":{
  "cells":[{"name":"zone1","gateway":{"replicas":1}}],
  "backup":{"locations":[{"s3":{"bucket":"b","keyPrefix":"acme/life"}}]},
  "keyspaces":[{"name":"app","databaseName":"app","partitionings":[{"equal":{"parts":1,"shardTemplate":{
    "tabletPools":[{"cell":"zone1","type":"replica","replicas":2,
      "vttablet":{"extraFlags":{"db_charset":"utf8mb4"}},
      "mysqld":{"configOverrides":"max-connections = 77\ninnodb_buffer_pool_size = 9G\n"}}]}}}]}]}})";

ClusterSpec Spec() {
  return ClusterSpec::Parse(*Json::Parse(kCluster));
}

bool Has(const Line& line, const std::string& word) {
  return std::find(line.begin(), line.end(), word) != line.end();
}

TEST(VitessLines, EverythingListensOnLoopback) {
  const VitessPlace place = PlaceOf(Spec(), 1, "/buckets");
  const Tablet tablet = Spec().keyspaces[0].shards[0].tablets[0];
  const Shard shard = Spec().keyspaces[0].shards[0];
  TabletSettings settings;
  settings.grpc = 3;
  EXPECT_TRUE(Has(VtctldLine(place, "zone1", 2, 3), "--grpc-bind-address=127.0.0.1"));
  EXPECT_TRUE(Has(VtorcLine(place, "app/-", "zone1", 2, {}), "--bind-address=127.0.0.1"));
  EXPECT_TRUE(Has(VtgateLine(place, {}, {}), "--mysql-server-bind-address=127.0.0.1"));
  EXPECT_TRUE(Has(VttabletLine(place, Spec().keyspaces[0], shard, tablet, settings),
                  "--grpc-bind-address=127.0.0.1"));
  EXPECT_TRUE(Has(EtcdLine("/d", 4, 5), "--listen-client-urls=http://127.0.0.1:4"));
  EXPECT_NE(ExtraMyCnf(tablet.pool).find("bind-address=127.0.0.1"), std::string::npos);
}

TEST(VitessLines, APodsMemoryIsNoLaptops) {
  const std::string extra = ExtraMyCnf(Spec().keyspaces[0].shards[0].tablets[0].pool);
  EXPECT_NE(extra.find("loose_max_connections=77\n"), std::string::npos);
  EXPECT_EQ(extra.find("9G"), std::string::npos);
}

TEST(VitessLines, ResourcesHaveTheLastWord) {
  const Line line = VtgateLine({}, {}, Json::Obj({{"tablet_types_to_wait", "PRIMARY"}}));
  EXPECT_EQ(line.back(), "--tablet_types_to_wait=PRIMARY");
}

TEST(VitessLines, BackupsLieWhereTheBucketSays) {
  const VitessPlace place = PlaceOf(Spec(), 1, "/buckets");
  EXPECT_EQ(place.bucket, "/buckets/b/acme/life/db");
  EXPECT_TRUE(
      Has(VtctldLine(place, "zone1", 2, 3), "--file-backup-storage-root=/buckets/b/acme/life/db"));
}

TEST(VitessLines, CellsAndKeyspacesAreRegistered) {
  const std::vector<Line> lines = SetUpLines(Spec(), PlaceOf(Spec(), 1, ""));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], (Line{"AddCellInfo", "--root=/vitess/db/zone1",
                            "--server-address=127.0.0.1:1", "zone1"}));
  EXPECT_EQ(lines[1], (Line{"CreateKeyspace", "--durability-policy=none", "app"}));
}

TEST(VitessLines, ReadsTheTopology) {
  const Shard shard = Spec().keyspaces[0].shards[0];
  const std::string output = R"([
    {"alias":{"cell":"zone1","uid":7},"keyspace":"app","shard":"-","type":1},
    {"alias":{"cell":"zone1","uid":8},"keyspace":"app","shard":"-","type":7},
    {"alias":{"cell":"zone1","uid":9},"keyspace":"other","shard":"-","type":1}])";
  const Topology topology = ParseTablets(output, Spec().keyspaces[0], shard);
  EXPECT_EQ(topology.primary, "zone1-0000000007");
  EXPECT_EQ(topology.TypeOf("zone1-0000000007"), "primary");
  EXPECT_EQ(topology.TypeOf("zone1-0000000008"), "restore");
  EXPECT_EQ(topology.tablets.size(), 2U);
}

TEST(VitessLines, ReadsABackup) {
  const BackupFile file = ParseBackup("2026-11-22.060102.zone1-0000000007",
                                      R"({"BackupMethod":"builtin","Position":"MySQL56/x:1-9",
                      "FinishedTime":"2026-11-22T06:01:30Z"})");
  EXPECT_EQ(file.by, "zone1-0000000007");
  EXPECT_EQ(file.uid, 7U);
  EXPECT_EQ(file.end_ms - file.start_ms, 28'000);
  EXPECT_EQ(file.position, "MySQL56/x:1-9");
  EXPECT_EQ(ParseBackup("2026-11-22.060102.zone1-0000000007", "").end_ms, 0);
  EXPECT_EQ(ParseBackup("nonsense", "").start_ms, 0);
}

TEST(VitessLines, ALocationIsADirectory) {
  EXPECT_EQ(BucketRoot(Spec(), "/buckets"), "/buckets/b/acme/life/db");
  ClusterSpec spec = Spec();
  spec.spec.SetAt(
      "/backup/locations/0",
      Json::Obj({{"volume", Json::Obj({{"hostPath", Json::Obj({{"path", "/store/"}})}})},
                 {"volumeSubPath", "life"}}));
  EXPECT_EQ(BucketRoot(spec, "/buckets"), "/store/life/db");
  spec.has_backup = false;
  EXPECT_EQ(BucketRoot(spec, "/buckets"), "");
}

// A copy's tablet is sent to the backups of its source, by a flag that the file storage of ours
// does not get.
TEST(VitessLines, FlagsSendATabletElsewhere) {
  Tablet tablet = Spec().keyspaces[0].shards[0].tablets[0];
  EXPECT_FALSE(RootByFlags(Spec(), tablet, "/buckets"));
  tablet.pool.SetAt("/vttablet/extraFlags",
                    Json::Obj({{"s3_backup_storage_root", "acme/other/src"},
                               {"restore-from-backup-ts", "2026-11-22.060102"}}));
  EXPECT_EQ(RootByFlags(Spec(), tablet, "/buckets"), "/buckets/b/acme/other/src");
  const Line line =
      VttabletLine(PlaceOf(Spec(), 1, "/buckets"), Spec().keyspaces[0],
                   Spec().keyspaces[0].shards[0], WithoutRootFlags(tablet), TabletSettings());
  EXPECT_TRUE(Has(line, "--restore-from-backup-ts=2026-11-22.060102"));
  EXPECT_FALSE(Has(line, "--s3_backup_storage_root=acme/other/src"));

  tablet.pool.SetAt("/vttablet/extraFlags",
                    Json::Obj({{"file_backup_storage_root", "/vt/source/src"}}));
  EXPECT_EQ(RootByFlags(Spec(), tablet, "/buckets"), "") << "nothing is mounted there";
  tablet.pool
      .Set("extraVolumes",
           Json::Arr(
               {Json::Obj({{"name", "s"}, {"hostPath", Json::Obj({{"path", "/store/other"}})}})}))
      .Set("extraVolumeMounts",
           Json::Arr({Json::Obj({{"name", "s"}, {"mountPath", "/vt/source"}})}));
  EXPECT_EQ(RootByFlags(Spec(), tablet, "/buckets"), "/store/other/src");
}

TEST(VitessLines, ABackupIsNamedByItsTimeAndWriter) {
  EXPECT_EQ(BackupName(1795327262000, "zone1-0000000007"), "2026-11-22.060102.zone1-0000000007");
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
