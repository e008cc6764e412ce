#include "devcluster/vitess/mysql_test_fixture.h"

// Backups of real servers, and servers that begin with a backup.
namespace slipway::sim::operators::vitess {
namespace {

using Phase = MysqlRuntime::BackupState::Phase;

class MysqlBackupsTest : public MysqlTest {
 protected:
  MysqlRuntime::BackupState BackUp(const std::string& key, const std::string& source) {
    runtime->StartBackup({key, "acme", "orders", source, Directory(key), Json::MakeObject()});
    EXPECT_TRUE(Eventually([&] {
      const Phase phase = runtime->GetBackup(key).phase;
      return phase == Phase::kDone || phase == Phase::kFailed;
    }));
    return runtime->GetBackup(key);
  }

  std::string Directory(const std::string& key) { return directory + "/store/acme/" + key; }

  Json Manifest(const std::string& key) {
    auto text = Json::Parse(ReadFile(Directory(key) + "/MANIFEST"));
    return text ? *text : Json();
  }

  void RestoreInto(const std::string& volume, const std::string& key, const std::string& hash_of) {
    MysqlRuntime::Plan plan = PlanOf(volume);
    plan.origin = Directory(key);
    plan.accounts = {{"app", {MysqlNativeHash(hash_of)}}};
    runtime->Want(volume, plan);
    ASSERT_TRUE(Eventually([&] { return Leads(volume); }));
  }
};

TEST_F(MysqlBackupsTest, TheRowsComeBackAndThePasswordDoesNot) {
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT); INSERT INTO t VALUES (1)"), "done") << last_error;
  ASSERT_EQ(BackUp("one", "a").phase, Phase::kDone) << runtime->GetBackup("one").failure;
  EXPECT_FALSE(Manifest("one")["FinishedTime"].AsString().empty());
  EXPECT_EQ(Manifest("one")["Position"].AsString().rfind("MySQL56/", 0), 0U);
  ASSERT_EQ(Ask("a", "INSERT INTO t VALUES (2)"), "done") << last_error;

  RestoreInto("b", "one", "another");
  EXPECT_EQ(Ask("b", "SELECT GROUP_CONCAT(x) FROM t", "another"), "1") << last_error;
  EXPECT_EQ(Ask("b", "SELECT 1", "secret"), "");
  EXPECT_EQ(Ask("b", "INSERT INTO t VALUES (3)", "another"), "done") << last_error;
  EXPECT_EQ(Ask("a", "SELECT GROUP_CONCAT(x ORDER BY x) FROM t"), "1,2") << last_error;

  // The copy is the primary of a follower that begins with nothing, and it is backed up itself.
  runtime->Want("c", PlanOf("c", "b"));
  ASSERT_TRUE(Eventually([&] { return Follows("c"); }));
  ASSERT_TRUE(
      Eventually([&] { return Ask("c", "SELECT GROUP_CONCAT(x) FROM t", "another") == "1,3"; }));
  ASSERT_EQ(BackUp("two", "b").phase, Phase::kDone) << runtime->GetBackup("two").failure;
  RestoreInto("d", "two", "third");
  EXPECT_EQ(Ask("d", "SELECT GROUP_CONCAT(x) FROM t", "third"), "1,3") << last_error;
  // Nothing of the runs is left.
  ASSERT_TRUE(Eventually([&] { return runtime->Volumes().size() == 4; }));
}

// What an earlier life has left of a backup is none, and the run is asked for again.
TEST_F(MysqlBackupsTest, ABackupThatWasCutShortIsMadeAgain) {
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT); INSERT INTO t VALUES (1)"), "done") << last_error;
  runtime->StartBackup({"one", "acme", "orders", "a", Directory("one"), Json::MakeObject()});
  ASSERT_TRUE(Eventually([&] { return runtime->Get("backup-one").process; }));
  runtime.reset();
  EXPECT_TRUE(Manifest("one").is_null());
  StartRuntime();
  runtime->Want("a", PlanOf("a"));
  ASSERT_EQ(BackUp("one", "a").phase, Phase::kDone) << runtime->GetBackup("one").failure;
  RestoreInto("b", "one", "another");
  EXPECT_EQ(Ask("b", "SELECT x FROM t", "another"), "1") << last_error;
}

TEST_F(MysqlBackupsTest, TheBackupOfAnEmptyServerIsEmpty) {
  ASSERT_EQ(BackUp("none", "").phase, Phase::kDone);
  EXPECT_FALSE(std::filesystem::exists(Directory("none") + "/data"));
  RestoreInto("a", "none", "secret");
  EXPECT_EQ(Ask("a", "SHOW TABLES"), "done") << last_error;
}

TEST_F(MysqlBackupsTest, AStoreThatCannotBeWrittenIsTold) {
  ASSERT_TRUE(WriteFile(directory + "/store", "a file", Account{}));
  const MysqlRuntime::BackupState state = BackUp("one", "");
  EXPECT_EQ(state.phase, Phase::kFailed);
  EXPECT_NE(state.failure.find("store"), std::string::npos) << state.failure;
  runtime->ForgetBackup("one");
  EXPECT_EQ(runtime->GetBackup("one").phase, Phase::kNone);
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
