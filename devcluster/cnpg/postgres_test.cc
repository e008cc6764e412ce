#include <set>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <libpq-fe.h>

#include "devcluster/cnpg/postgres_fixture.h"
#include "devcluster/operators/killed_owner_fixture.h"
#include "devcluster/operators/process.h"

// Real servers behind the pods.
namespace slipway::sim::operators::cnpg {
namespace {

TEST_F(PostgresTest, OneInstanceTakesTheGeneratedPassword) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Port("orders-rw") != 0; }));
  EXPECT_EQ(Ask(Port("orders-rw"), "SELECT current_database() || '/' || current_user"), "app/app")
      << last_error;
  EXPECT_EQ(Ask(Port("orders-rw"), "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
                "require"),
            "true")
      << last_error;
  EXPECT_EQ(Port("orders-ro"), 0);
  EXPECT_EQ(Ask(Port("orders-rw"), "SELECT system_identifier::text FROM pg_control_system()"),
            Status()["systemID"].AsString());
}

TEST_F(PostgresTest, KilledPrimaryIsReplacedAndItsRowsSurvive) {
  StartOperator();
  CreateCluster(3);
  ASSERT_TRUE(
      Eventually([&] { return Healthy(3) && Port("orders-rw") != 0 && Port("orders-ro") != 0; }));
  const int before = Port("orders-rw");
  ASSERT_EQ(Ask(before, "CREATE TABLE t (x int)"), "done") << last_error;
  ASSERT_EQ(Ask(before, "INSERT INTO t VALUES (42)"), "done");
  EXPECT_EQ(Ask(Port("orders-ro"), "SELECT pg_is_in_recovery()"), "t");
  ASSERT_TRUE(Eventually([&] { return Ask(Port("orders-ro"), "SELECT x FROM t") == "42"; }));

  ASSERT_EQ(kill(PidOf("orders-1"), SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return Status()["currentPrimary"].AsString() != "orders-1"; }));
  ASSERT_TRUE(Eventually(
      [&] { return Healthy(3) && Port("orders-rw") != 0 && Port("orders-rw") != before; }));
  EXPECT_EQ(Ask(Port("orders-rw"), "SELECT x FROM t"), "42") << last_error;
  EXPECT_EQ(Ask(Port("orders-rw"), "SELECT pg_is_in_recovery()"), "f");
  ASSERT_TRUE(Eventually([&] {
    const Json reported = Status()["instancesReportedState"];
    return reported.size() == 3 && reported.At("/orders-1/timeLineID").AsInt() == 2 &&
           reported.At("/orders-3/timeLineID").AsInt() == 2;
  }));
  EXPECT_EQ(Status()["timelineID"].AsInt(), 2);
  EXPECT_EQ(LabelOf(Pod("orders-1"), "cnpg.io/instanceRole"), "replica");
  // The old primary follows the new one.
  ASSERT_EQ(Ask(Port("orders-rw"), "INSERT INTO t VALUES (43)"), "done");
  const int old_port = op->runtime()->Get(VolumeOf("orders-1")).port;
  ASSERT_TRUE(Eventually([&] { return Ask(old_port, "SELECT max(x) FROM t") == "43"; }))
      << last_error;
}

TEST_F(PostgresTest, DeletedPrimaryPodIsReplaced) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2) && Port("orders-rw") != 0; }));
  ASSERT_EQ(Ask(Port("orders-rw"), "CREATE TABLE t AS SELECT 7 AS x"), "done") << last_error;
  ASSERT_TRUE(Eventually([&] { return Ask(Port("orders-ro"), "SELECT x FROM t") == "7"; }));
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "orders-1"}, {}));
  ASSERT_TRUE(Eventually([&] {
    return Healthy(2) && Status()["currentPrimary"].AsString() == "orders-2" &&
           Port("orders-ro") != 0;
  }));
  EXPECT_EQ(Ask(Port("orders-rw"), "SELECT x FROM t"), "7");
}

TEST_F(PostgresTest, SingleInstanceRestartsOnItsData) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Port("orders-rw") != 0; }));
  ASSERT_EQ(Ask(Port("orders-rw"), "CREATE TABLE t AS SELECT 7 AS x"), "done") << last_error;
  const pid_t before = PidOf("orders-1");
  ASSERT_EQ(kill(before, SIGKILL), 0);
  ASSERT_TRUE(
      Eventually([&] { return Healthy(1) && Ask(Port("orders-rw"), "SELECT x FROM t") == "7"; }));
  EXPECT_NE(PidOf("orders-1"), before);
  EXPECT_EQ(Status()["currentPrimary"].AsString(), "orders-1");
}

TEST_F(PostgresTest, PasswordFollowsTheSecret) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Port("orders-rw") != 0; }));
  Json patch = Json::MakeObject();
  patch.SetAt("/data/password", Base64Encode("another one"));
  ASSERT_TRUE(
      fake.Patch({"v1", "Secret", "acme", "orders-app"}, kube::PatchType::kMerge, patch, ""));
  op->Refresh("acme", "orders");
  auto secret = fake.Get({"v1", "Secret", "acme", "orders-app"});
  const std::string where = "host=127.0.0.1 user=app dbname=app password='another one' port=" +
                            std::to_string(Port("orders-rw"));
  EXPECT_TRUE(Eventually([&] {
    PGconn* connection = PQconnectdb(where.c_str());
    const bool ok = PQstatus(connection) == CONNECTION_OK;
    PQfinish(connection);
    return ok;
  }));
}

TEST_F(PostgresTest, RestartStartsTheServersAgainAndDeletionRemovesThem) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(
      Eventually([&] { return Healthy(2) && Port("orders-rw") != 0 && Port("orders-ro") != 0; }));
  ASSERT_EQ(Ask(Port("orders-rw"), "CREATE TABLE t AS SELECT 7 AS x"), "done") << last_error;
  EXPECT_EQ(Servers(), 2);
  const int port = Port("orders-rw");
  StopOperator();
  EXPECT_EQ(Servers(), 0);

  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Ask(port, "SELECT x FROM t") == "7"; })) << last_error;
  EXPECT_EQ(Port("orders-rw"), port);
  ASSERT_TRUE(Eventually([&] { return Healthy(2) && Servers() == 2; }));

  ASSERT_TRUE(fake.Delete(ref, {}));
  EXPECT_TRUE(Eventually(
      [&] { return Servers() == 0 && std::filesystem::is_empty(directory + "/volumes"); }));
}

TEST_F(PostgresTest, ParametersReachTheServersEvenWhenTheyNeedARestart) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(
      Eventually([&] { return Healthy(2) && Port("orders-rw") != 0 && Port("orders-ro") != 0; }));
  const auto set = [&](const char* name, const char* value) {
    Json patch = Json::MakeObject();
    patch.SetAt("/spec/postgresql/parameters", Json::Obj({{name, value}}));
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  };
  set("work_mem", "9MB");
  EXPECT_TRUE(Eventually([&] { return Ask(Port("orders-rw"), "SHOW work_mem") == "9MB"; }));
  for (const char* connections :
       {"150", "50"}) {  // up and down: a standby must not allow less than its primary
    set("max_connections", connections);
    EXPECT_TRUE(Eventually([&] {
      return Healthy(2) && Ask(Port("orders-rw"), "SHOW max_connections") == connections &&
             Port("orders-ro") != 0;
    })) << last_error;
  }
}

TEST_F(PostgresTest, HibernationStopsTheServersAndKeepsTheirData) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2) && Port("orders-rw") != 0; }));
  ASSERT_EQ(Ask(Port("orders-rw"), "CREATE TABLE t AS SELECT 7 AS x"), "done") << last_error;
  Json patch = Json::MakeObject();
  patch.SetAt("/metadata/annotations", Json::Obj({{"cnpg.io/hibernation", "on"}}));
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  ASSERT_TRUE(Eventually([&] { return Servers() == 0; }));
  EXPECT_NE(Port("orders-rw"), 0) << "a Service keeps its address";
  patch.SetAt("/metadata/annotations", Json::Obj({{"cnpg.io/hibernation", "off"}}));
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  EXPECT_TRUE(Eventually([&] { return Ask(Port("orders-rw"), "SELECT x FROM t") == "7"; }));
}

TEST_F(PostgresTest, DataOfVolumesDeletedMeanwhileIsSweptAway) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  StopOperator();
  ASSERT_TRUE(fake.Delete(ref, {}));
  EXPECT_FALSE(std::filesystem::is_empty(directory + "/volumes"));
  StartOperator();
  EXPECT_TRUE(Eventually([&] { return std::filesystem::is_empty(directory + "/volumes"); }));
}

TEST_F(PostgresTest, FailingBootstrapStatementFailsTheJob) {
  StartOperator();
  CreateCluster(1, R"(,"bootstrap":{"initdb":{"postInitApplicationSQL":["SELECT nonsense"]}})");
  EXPECT_TRUE(Eventually([&] {
    return Status()["phase"].AsString() == "Cluster is unrecoverable and needs manual intervention";
  }));
}

TEST_F(PostgresTest, AStopIsNotLostWhenAStartFollowsAtOnce) {
  auto runtime =
      PostgresRuntime::Start({directory, PostgresRuntime::FindPrograms("")}, clock, log, nullptr);
  ASSERT_TRUE(runtime);
  PostgresRuntime::Plan plan;
  plan.ns = plan.cluster = plan.instance = "x";
  plan.database = plan.owner = "app";
  plan.password = "p";
  const auto running = [&] { return (*runtime)->Get("volume").running; };
  const std::string pid_file = directory + "/volumes/volume/pgdata/postmaster.pid";
  (*runtime)->Want("volume", plan);
  ASSERT_TRUE(Eventually(running));
  for (int i = 0; i < 5; ++i) {
    const int before = std::atoi(FileText(pid_file).c_str());
    (*runtime)->Stop("volume");
    EXPECT_FALSE(running());
    (*runtime)->Want("volume", plan);
    ASSERT_TRUE(Eventually(running));
    EXPECT_NE(std::atoi(FileText(pid_file).c_str()), before);
  }
}

// The test forks a process that owns a server and kills that process with SIGKILL.
TEST_F(PostgresTest, ServersEndWithAKilledOwner) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t owner = fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) {
    PostgresRuntime::Plan plan;
    plan.ns = plan.cluster = plan.instance = "x";
    plan.database = plan.owner = "app";
    plan.password = "p";
    auto runtime =
        PostgresRuntime::Start({directory, PostgresRuntime::FindPrograms("")}, clock, log, nullptr);
    if (!runtime) _exit(1);
    (*runtime)->Want("volume", plan);
    while (!(*runtime)->Get("volume").running) usleep(20'000);
    [[maybe_unused]] const ssize_t size = write(ends[1], "x", 1);
    pause();
    _exit(0);
  }
  close(ends[1]);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  const pid_t server =
      std::atoi(FileText(directory + "/volumes/volume/pgdata/postmaster.pid").c_str());
  ASSERT_GT(server, 1);
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  EXPECT_TRUE(WaitGone(server, 10'000));
}

// An initdb that nobody ends would run on and delete what the next life makes in its place.
TEST_F(PostgresTest, TheTemplateOfAKilledOwnerIsMadeAnew) {
  const std::string bin = PostgresRuntime::FindPrograms("");
  const std::string made =
      directory + "/template-" + std::filesystem::path(bin).parent_path().filename().string();
  PostgresRuntime::Plan plan;
  plan.ns = plan.cluster = plan.instance = "x";
  plan.database = plan.owner = "app";
  plan.password = "p";
  for (const char* file : {"", "/PG_VERSION", "/global/pg_control", "/base/4", "/base/5"}) {
    std::unique_ptr<PostgresRuntime> life;
    ASSERT_TRUE(KillTheOwnerAt(
        [&] { return std::filesystem::exists(made + ".new" + file); },
        [&] {
          auto started = PostgresRuntime::Start({directory, bin}, clock, log, nullptr);
          if (!started) _exit(1);
          life = std::move(*started);
          life->Want("volume", plan);
        }))
        << file;
    auto runtime = PostgresRuntime::Start({directory, bin}, clock, log, nullptr);
    ASSERT_TRUE(runtime) << runtime.error().message;
    (*runtime)->Want("volume", plan);
    EXPECT_TRUE(Eventually([&] {
      const auto state = (*runtime)->Get("volume");
      EXPECT_EQ(state.failure, "") << file;
      return state.running;
    })) << file;
    runtime->reset();
    std::filesystem::remove_all(made);
    std::filesystem::remove_all(directory + "/volumes/volume");
  }
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
