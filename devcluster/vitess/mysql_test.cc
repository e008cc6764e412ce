#include <sys/wait.h>
#include <unistd.h>

#include "devcluster/operators/killed_owner_fixture.h"
#include "devcluster/vitess/mysql_files.h"
#include "devcluster/vitess/mysql_test_fixture.h"

// These tests run real servers.
namespace slipway::sim::operators::vitess {
namespace {

TEST_F(MysqlTest, OnlyThePasswordOpensThePort) {
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_EQ(Ask("a", "SELECT CONCAT(DATABASE(), '/', CURRENT_USER())"), "app/app@%") << last_error;
  EXPECT_EQ(Ask("a", "CREATE TABLE t (x INT); INSERT INTO t VALUES (1); SELECT x FROM t"), "1");
  EXPECT_EQ(Ask("a", "SELECT 1", "wrong"), "");
  EXPECT_EQ(Ask("a", "SELECT 1", ""), "");
  for (const char* user : {"root", "", "mariadb.sys", kAdminUser, kReplicationUser})
    EXPECT_EQ(Ask("a", "SELECT 1", "", user, ""), "") << user;
  // A tenant may do everything in its database, and nothing outside it.
  EXPECT_EQ(Ask("a", "CREATE DATABASE other"), "");
  EXPECT_EQ(Ask("a", "SELECT * FROM mysql.global_priv"), "");
  EXPECT_EQ(Ask("a", "CREATE USER more"), "");
  EXPECT_EQ(Ask("a", "SELECT 1 INTO OUTFILE '/tmp/x'"), "");
  EXPECT_EQ(MysqlRuntime::FindPrograms("/nowhere"), "");
}

TEST_F(MysqlTest, RowsSurviveTheServerAndTheRuntime) {
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT); INSERT INTO t VALUES (1)"), "done") << last_error;
  const int port = runtime->Get("a").port;

  const pid_t before = PidOf("a");
  ASSERT_EQ(kill(before, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return runtime->Get("a").exited; }));
  EXPECT_FALSE(runtime->Get("a").running);
  runtime->Restart("a");
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_NE(PidOf("a"), before);
  EXPECT_EQ(Ask("a", "SELECT x FROM t"), "1") << last_error;

  runtime->Stop("a");
  ASSERT_TRUE(Eventually([&] { return !runtime->Get("a").process; }));
  EXPECT_FALSE(runtime->Get("a").exited);
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));

  const pid_t last = PidOf("a");
  runtime.reset();
  EXPECT_NE(kill(last, 0), 0);
  StartRuntime();
  EXPECT_EQ(runtime->Volumes(), std::vector<std::string>{"a"});
  EXPECT_TRUE(runtime->Get("a").filled);
  EXPECT_EQ(runtime->Get("a").instance, "");
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_EQ(runtime->Get("a").port, port);
  EXPECT_EQ(Ask("a", "SELECT x FROM t"), "1") << last_error;
}

TEST_F(MysqlTest, ReplicaFollowsIsPromotedAndTheOldPrimaryFollowsIt) {
  runtime->Want("b", PlanOf("b", "a"));  // before there is a primary
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a") && Follows("b"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT); INSERT INTO t VALUES (1)"), "done") << last_error;
  ASSERT_TRUE(Eventually([&] { return Ask("b", "SELECT x FROM t") == "1"; }));
  EXPECT_EQ(Ask("b", "INSERT INTO t VALUES (2)"), "");
  EXPECT_NE(last_error.find("read-only"), std::string::npos) << last_error;
  EXPECT_EQ(runtime->Probe("a"), runtime->Probe("b"));

  // A planned change loses no data and no data directory, because the old primary stops writing
  // first.
  const pid_t old_server = PidOf("a");
  std::string rows = "INSERT INTO t VALUES (0)";
  for (int i = 1; i < 2000; ++i) rows += ",(" + std::to_string(i) + ")";
  ASSERT_EQ(Ask("a", rows), "done") << last_error;
  runtime->Want("b", PlanOf("b"));
  runtime->Want("a", PlanOf("a", "b"));
  ASSERT_TRUE(Eventually([&] { return Leads("b") && Follows("a"); }));
  EXPECT_EQ(PidOf("a"), old_server);
  EXPECT_EQ(Ask("b", "SELECT COUNT(*) FROM t"), "2001") << last_error;
  ASSERT_EQ(Ask("b", "INSERT INTO t VALUES (9999)"), "done") << last_error;
  ASSERT_TRUE(Eventually([&] { return Ask("a", "SELECT MAX(x) FROM t") == "9999"; }));

  // The primary is killed and comes back as a replica.
  ASSERT_EQ(kill(PidOf("b"), SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return runtime->Get("b").exited; }));
  runtime->Want("a", PlanOf("a"));
  runtime->Want("b", PlanOf("b", "a"));
  runtime->Restart("b");
  ASSERT_TRUE(Eventually([&] { return Leads("a") && Follows("b"); }));
  ASSERT_EQ(Ask("a", "INSERT INTO t VALUES (10000)"), "done") << last_error;
  EXPECT_TRUE(Eventually([&] { return Ask("b", "SELECT MAX(x) FROM t") == "10000"; }));

  // A third server starts from nothing.
  runtime->Want("c", PlanOf("c", "a"));
  ASSERT_TRUE(Eventually([&] { return Follows("c"); }));
  EXPECT_TRUE(Eventually([&] { return Ask("c", "SELECT COUNT(*) FROM t") == "2003"; }));
}

TEST_F(MysqlTest, PrimaryThatWentAnotherWayIsFilledAgain) {
  runtime->Want("a", PlanOf("a"));
  runtime->Want("b", PlanOf("b", "a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a") && Follows("b"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT)"), "done") << last_error;
  ASSERT_TRUE(Eventually([&] { return Ask("b", "SELECT COUNT(*) FROM t") == "0"; }));
  runtime->Stop("b");
  ASSERT_TRUE(Eventually([&] { return !runtime->Get("b").process; }));
  ASSERT_EQ(Ask("a", "INSERT INTO t VALUES (1)"), "done") << last_error;
  runtime->Stop("a");
  ASSERT_TRUE(Eventually([&] { return !runtime->Get("a").process; }));

  runtime->Want("b", PlanOf("b"));
  ASSERT_TRUE(Eventually([&] { return Leads("b"); }));
  ASSERT_EQ(Ask("b", "INSERT INTO t VALUES (2)"), "done") << last_error;
  runtime->Want("a", PlanOf("a", "b"));
  ASSERT_TRUE(Eventually([&] { return Follows("a"); }));
  EXPECT_TRUE(Eventually([&] { return Ask("a", "SELECT GROUP_CONCAT(x) FROM t") == "2"; }));
}

TEST_F(MysqlTest, ReplicaOfAPrimaryThatStartsFromNothingDoesToo) {
  runtime->Want("a", PlanOf("a"));
  runtime->Want("b", PlanOf("b", "a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a") && Follows("b"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT)"), "done") << last_error;
  ASSERT_TRUE(Eventually([&] { return Ask("b", "SELECT COUNT(*) FROM t") == "0"; }));
  runtime->Remove("a");
  ASSERT_TRUE(Eventually([&] { return runtime->Volumes().size() == 1; }));
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  runtime->Want("b", PlanOf("b", "a"));
  ASSERT_EQ(Ask("a", "CREATE TABLE other (x INT)"), "done") << last_error;
  EXPECT_TRUE(Eventually([&] {
    return Follows("b") && Ask("b", "SELECT COUNT(*) FROM other") == "0" &&
           Ask("b", "SELECT COUNT(*) FROM t").empty();
  }));
}

TEST_F(MysqlTest, ReplicaThatATenantBreaksIsFilledAgain) {
  runtime->Want("a", PlanOf("a"));
  runtime->Want("b", PlanOf("b", "a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a") && Follows("b"); }));
  ASSERT_EQ(Ask("a", "CREATE TABLE t (x INT)"), "done") << last_error;
  ASSERT_TRUE(Eventually([&] { return Ask("b", "SELECT COUNT(*) FROM t") == "0"; }));
  ASSERT_NE(Ask("b", "ANALYZE TABLE t PERSISTENT FOR ALL"), "") << last_error;
  ASSERT_EQ(Ask("a", "INSERT INTO t VALUES (1)"), "done") << last_error;
  EXPECT_TRUE(Eventually([&] { return Ask("b", "SELECT COUNT(*) FROM t") == "1"; }));
}

TEST_F(MysqlTest, PasswordsRotateAndAccountsGo) {
  auto plan = PlanOf("a");
  plan.accounts.push_back({"it's \\ `odd`", {MysqlNativeHash("x")}});
  runtime->Want("a", plan);
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_EQ(Ask("a", "SELECT 1", "x", "it's \\ `odd`"), "1") << last_error;

  plan.accounts = {{"app", {MysqlNativeHash("new"), MysqlNativeHash("secret")}}};
  runtime->Want("a", plan);
  ASSERT_TRUE(Eventually([&] { return Ask("a", "SELECT 1", "new") == "1"; }));
  EXPECT_EQ(Ask("a", "SELECT 1", "secret"), "1") << last_error;
  EXPECT_EQ(Ask("a", "SELECT 1", "x", "it's \\ `odd`"), "");

  plan.accounts = {{"app", {MysqlNativeHash("new")}}};
  runtime->Want("a", plan);
  ASSERT_TRUE(Eventually([&] { return Ask("a", "SELECT 1", "secret").empty(); }));
  EXPECT_EQ(Ask("a", "SELECT 1", "new"), "1") << last_error;

  // A replica has the accounts too, and keeps them equal to the list when it is promoted.
  runtime->Want("b", PlanOf("b", "a"));
  ASSERT_TRUE(Eventually([&] { return Follows("b") && Ask("b", "SELECT 1", "new") == "1"; }));
  plan.instance = "b";
  plan.accounts = {{"next", {MysqlNativeHash("new")}}};
  runtime->Want("b", plan);
  ASSERT_TRUE(Eventually([&] { return Leads("b") && Ask("b", "SELECT 1", "new", "next") == "1"; }));
  EXPECT_EQ(Ask("b", "SELECT 1", "new"), "");
}

TEST_F(MysqlTest, NamesThatWouldOpenTheServerAreRefused) {
  for (const char* database : {"mysql", "SYS", "a\nb"}) {
    auto plan = PlanOf("a");
    plan.database = database;
    runtime->Want("a", plan);
    EXPECT_TRUE(Eventually([&] {
      return runtime->Get("a").failure.find("no name for a database") != std::string::npos;
    })) << database;
    EXPECT_FALSE(runtime->Get("a").running);
  }
  auto plan = PlanOf("a");
  plan.database = "a`; DROP DATABASE mysql; -- \\! touch '";
  runtime->Want("a", plan);
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_EQ(Ask("a", "SELECT DATABASE()", "secret", "app", plan.database), plan.database)
      << last_error;
  // "_" in the name stands for itself.
  plan.database = "a_b";
  runtime->Want("a", plan);
  EXPECT_TRUE(Eventually([&] { return Ask("a", "SELECT 1", "secret", "app", "a_b") == "1"; }));
  EXPECT_EQ(Ask("a", "CREATE DATABASE axb", "secret", "app", "a_b"), "");
}

TEST_F(MysqlTest, HarmlessParametersReachTheServer) {
  auto plan = PlanOf("a");
  plan.parameters = Json::Obj({{"max_connections", 77},
                               {"sql_mode", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"},
                               {"mysqlx", false},
                               {"collation_server", "utf8mb4_0900_ai_ci"},
                               {"skip_grant_tables", true},
                               {"datadir", "/nowhere"},
                               {"wait_timeout", "10\ninit-file=/etc/passwd"}});
  plan.accounts.push_back({"it's \\ `odd`", {MysqlNativeHash("x")}});
  runtime->Want("a", plan);
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_EQ(Ask("a", "SELECT @@max_connections"), "77") << last_error;
  EXPECT_EQ(Ask("a", "SELECT 1", "x", "it's \\ `odd`"), "1") << last_error;
  EXPECT_EQ(Ask("a", "SELECT 1", "wrong"), "");
  plan.parameters.Set("max_connections", 78);
  runtime->Want("a", plan);
  EXPECT_TRUE(Eventually([&] { return Ask("a", "SELECT @@max_connections") == "78"; }));
  // The state names the option with which a server does not start.
  plan.parameters.Set("character_set_server", "NONSENSE");
  runtime->Want("a", plan);
  EXPECT_TRUE(Eventually([&] {
    return runtime->Get("a").failure.find("NONSENSE") != std::string::npos;
  })) << runtime->Get("a").failure;
}

// A server deletes all temporary tables that it finds when it starts.
TEST_F(MysqlTest, ServersShareNoTemporaryDirectory) {
  const auto where = [&](const std::string& volume) {
    runtime->Want(volume, PlanOf(volume));
    EXPECT_TRUE(Eventually([&] { return Leads(volume); }));
    return Ask(volume, "SELECT @@tmpdir");
  };
  const std::string a = where("a"), b = where("b");
  EXPECT_NE(a.find("/a/"), std::string::npos) << a << last_error;
  EXPECT_NE(b.find("/b/"), std::string::npos) << b << last_error;
}

TEST_F(MysqlTest, RemovingDeletesTheFiles) {
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  const pid_t server = PidOf("a");
  runtime->Remove("a");
  ASSERT_TRUE(Eventually([&] { return runtime->Volumes().empty(); }));
  EXPECT_FALSE(std::filesystem::exists(VolumeDir("a")));
  EXPECT_NE(kill(server, 0), 0);
  EXPECT_EQ(runtime->Get("a").port, 0);
}

TEST_F(MysqlTest, OneRuntimeADirectory) {
  auto second = MysqlRuntime::Start(RuntimeOptions(), clock, log, nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
}

// The test forks a process that owns a server, kills it with SIGKILL and looks at what is left.
TEST_F(MysqlTest, ServersEndWithAKilledOwnerAndTheirDataIsUsedAgain) {
  runtime.reset();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t owner = fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) {
    auto own = MysqlRuntime::Start(RuntimeOptions(), clock, log, nullptr);
    if (!own) _exit(1);
    (*own)->Want("a", PlanOf("a"));
    while (!(*own)->Get("a").running) usleep(20'000);
    [[maybe_unused]] const ssize_t size = write(ends[1], "x", 1);
    pause();
    _exit(0);
  }
  close(ends[1]);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  const pid_t server = PidOf("a");
  ASSERT_GT(server, 1);
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  StartRuntime();  // at once
  EXPECT_TRUE(WaitGone(server, 100));
  runtime->Want("a", PlanOf("a"));
  ASSERT_TRUE(Eventually([&] { return Leads("a"); }));
  EXPECT_EQ(Ask("a", "SELECT 1"), "1") << last_error;
}

// Nothing tells the program that makes the template, so it keeps running and works on the files of
// the next life.
TEST_F(MysqlTest, TheTemplateOfAKilledOwnerIsMadeAnew) {
  const std::string made = directory + "/mysql/template";
  for (const char* file : {"", "/ibdata1", "/mysql", "/mysql/db.frm"}) {
    runtime.reset();
    std::filesystem::remove_all(made);
    std::filesystem::remove_all(VolumeDir("a"));
    std::unique_ptr<MysqlRuntime> life;
    ASSERT_TRUE(KillTheOwnerAt([&] { return std::filesystem::exists(made + ".new" + file); },
                               [&] {
                                 auto started =
                                     MysqlRuntime::Start(RuntimeOptions(), clock, log, nullptr);
                                 if (!started) _exit(1);
                                 life = std::move(*started);
                                 life->Want("a", PlanOf("a"));
                               }))
        << file;
    StartRuntime();
    runtime->Want("a", PlanOf("a"));
    EXPECT_TRUE(Eventually([&] {
      EXPECT_EQ(runtime->Get("a").failure, "") << file;
      return Leads("a");
    })) << file;
  }
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
