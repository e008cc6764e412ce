#include <cstdlib>
#include <filesystem>
#include <signal.h>
#include <sys/stat.h>

#include "devcluster/mongodb/test_fixture.h"
#include "devcluster/operators/killed_owner_fixture.h"
#include "devcluster/operators/process.h"

// Members with real servers in them. The client is Debian's Python driver.
namespace slipway::sim::operators::mongodb {
namespace {

constexpr char kScript[] = R"(
import sys, pymongo
uri, statement = sys.argv[1:3]
client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=3000, retryWrites=False)
try:
    print(eval(statement, {"client": client, "kept": client.app.kept}))
except pymongo.errors.PyMongoError as error:
    print(type(error).__name__)
)";
constexpr char kCount[] = "kept.count_documents({})";
constexpr char kInsert[] = "kept.insert_one({'answer': 42}).acknowledged";

class MongodbServersTest : public MongodbTest {
 protected:
  void SetUp() override {
    const char* program = std::getenv("SLIPWAY_FERRETDB");
    if (program == nullptr)
      GTEST_SKIP() << "SLIPWAY_FERRETDB is not set: tests/realparts/build ferretdb";
    char name[] = "/tmp/slipway-mongodb-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    options.ferretdb = program;
    options.data_dir = name;
    chmod(name, 0755);
  }

  void TearDown() override {
    StopOperator();
    if (!options.data_dir.empty()) std::filesystem::remove_all(options.data_dir);
  }

  int64_t Port() {
    return Get("Service", "mdb-svc").At("/status/loadBalancer/ingress/0/ports/0/port").AsInt();
  }

  std::string Uri(const std::string& password = "s3cret", const std::string& user = "dbadmin") {
    return "mongodb://" + user + ":" + password + "@127.0.0.1:" + std::to_string(Port()) +
           "/admin?replicaSet=mdb";
  }

  // Connects over TCP, as a tenant would.
  static std::string Ask(const std::string& uri, const std::string& statement) {
    auto output = RunForOutput({{"/usr/bin/python3", "-c", kScript, uri, statement}, "", Account{}},
                               60'000, -1);
    if (!output) return output.error().message;
    return output->substr(0, output->find('\n'));
  }

  std::string Ask(const std::string& statement) { return Ask(Uri(), statement); }

  // The processes that have the word in their command line.
  std::vector<pid_t> Servers(const std::string& word) {
    std::vector<pid_t> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string command = FileText(entry.path().string() + "/cmdline");
      if (command.find(options.data_dir) != std::string::npos &&
          command.find("sqlite-url") != std::string::npos &&
          command.find(word) != std::string::npos)
        out.push_back(std::atoi(entry.path().filename().c_str()));
    }
    return out;
  }

  std::vector<pid_t> Primaries() {
    return Servers("--listen-addr=127.0.0.1:" + std::to_string(Port()));
  }

  size_t Entries(const std::string& of) {
    std::error_code error;
    const std::filesystem::directory_iterator all(options.data_dir + "/mongodb/" + of, error);
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  void DeleteClaims() {
    for (const Json& object : fake.Objects()) {
      if (object["kind"].AsString() != "PersistentVolumeClaim") continue;
      ASSERT_TRUE(fake.Delete(RefOf(object), {}));
    }
  }
};

TEST_F(MongodbServersTest, TheTenantLogsInAtThePrimary) {
  RunInstance(3);
  EXPECT_EQ(AnnotationOf(Get("Service", "mdb-svc"), "slipway.dev/simulated"), "");
  EXPECT_EQ(Ask(kInsert), "True");
  EXPECT_EQ(Ask(kCount), "1");
  EXPECT_EQ(Ask("client.admin.command('ismaster')['setName']"), "mdb");
  EXPECT_EQ(Ask(Uri("wrong"), kCount), "OperationFailure");
  EXPECT_EQ(Ask(Uri("s3cret", "nobody"), kCount), "OperationFailure");
  EXPECT_EQ(Ask("mongodb://127.0.0.1:" + std::to_string(Port()) + "/", kCount), "OperationFailure");
  EXPECT_EQ(Servers("--repl-set-name=mdb").size(), 3U);
  EXPECT_EQ(Servers("--telemetry=disable").size(), 3U);
  EXPECT_EQ(Primaries().size(), 1U);
  EXPECT_EQ(Entries("stores"), 1U);
}

TEST_F(MongodbServersTest, WritesGoOnWhenThePrimarysPodIsLost) {
  RunInstance(3);
  ASSERT_EQ(Ask(kInsert), "True");
  const std::vector<pid_t> before = Primaries();
  const int64_t port = Port();
  ASSERT_EQ(before.size(), 1U);
  const std::string uid = UidOf(Get("Pod", "mdb-0"));
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "mdb-0"}, {}));
  // The address stays the same, but another server answers.
  ASSERT_TRUE(Eventually([&] { return Primaries().size() == 1 && Primaries() != before; }));
  ASSERT_TRUE(Eventually([&] { return Ask(kInsert) == "True"; }));
  EXPECT_EQ(Ask(kCount), "2");
  EXPECT_EQ(Port(), port);
  ASSERT_TRUE(Eventually([&] {
    return UidOf(Get("Pod", "mdb-0")) != uid && Running(3) &&
           Servers("--repl-set-name=mdb").size() == 3;
  }));
  EXPECT_EQ(Primaries().size(), 1U);
}

TEST_F(MongodbServersTest, AServerThatIsKilledComesBack) {
  RunInstance(1);
  ASSERT_EQ(Ask(kInsert), "True");
  const std::vector<pid_t> before = Primaries();
  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(kill(before.front(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return Primaries().size() == 1 && Primaries() != before; }));
  ASSERT_TRUE(Eventually([&] { return Ask(kCount) == "1"; }));
}

TEST_F(MongodbServersTest, ANewPasswordIsTakenAndAUserThatGoesIsRefused) {
  CreatePassword("other-password");
  RunInstance(1);
  ASSERT_EQ(Ask(kInsert), "True");
  Json patch = Json::MakeObject();
  patch.SetAt("/data/password", Base64Encode("changed"));
  ASSERT_TRUE(fake.Patch({"v1", "Secret", "acme", "mdb-dbadmin-password"}, kube::PatchType::kMerge,
                         patch, ""));
  ASSERT_TRUE(Eventually([&] { return Ask(Uri("changed"), kCount) == "1"; }));
  EXPECT_EQ(Ask(kCount), "OperationFailure");
  ASSERT_TRUE(Eventually([&] { return Secret("mdb-conn-dbadmin", "password") == "changed"; }));
  Patch(
      R"({"users":[{"name":"other","db":"admin","passwordSecretRef":{"name":"other-password"},"roles":[],
        "scramCredentialsSecretName":"mdb-other","connectionStringSecretName":"mdb-conn-other"}]})");
  ASSERT_TRUE(Eventually([&] { return Ask(Uri("s3cret", "other"), kCount) == "1"; }));
  EXPECT_EQ(Ask(Uri("changed"), kCount), "OperationFailure");
}

TEST_F(MongodbServersTest, RowsAreThereAfterARestart) {
  RunInstance(3);
  ASSERT_EQ(Ask(kInsert), "True");
  const std::string uri = Uri();
  StopOperator();
  EXPECT_EQ(Servers("").size(), 0U);
  EXPECT_EQ(Ask(uri, kCount), "ServerSelectionTimeoutError");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Ask(uri, kCount) == "1"; }));
  EXPECT_EQ(Entries("stores"), 1U);
}

TEST_F(MongodbServersTest, AMemberThatLosesItsVolumeGetsTheDataAgain) {
  RunInstance(3);
  ASSERT_EQ(Ask(kInsert), "True");
  const std::string claim = "data-volume-mdb-0", uid = UidOf(Get("PersistentVolumeClaim", claim));
  ASSERT_TRUE(fake.Delete({"v1", "PersistentVolumeClaim", "acme", claim}, {}));
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "mdb-0"}, {}));
  ASSERT_TRUE(Eventually([&] {
    const std::string now = UidOf(Get("PersistentVolumeClaim", claim));
    return !now.empty() && now != uid && Running(3) && Servers("--repl-set-name=mdb").size() == 3;
  }));
  EXPECT_EQ(Ask(kCount), "1");
  EXPECT_EQ(Entries("stores"), 1U);
}

TEST_F(MongodbServersTest, DataGoWithTheirClaims) {
  RunInstance(3);
  EXPECT_EQ(Entries("volumes"), 3U);
  ASSERT_TRUE(fake.Delete(ref, {}));
  ASSERT_TRUE(Eventually([&] { return Servers("").empty(); }));
  EXPECT_EQ(Entries("stores"), 1U);
  DeleteClaims();
  EXPECT_TRUE(Eventually([&] { return Entries("volumes") == 0 && Entries("stores") == 0; }));
}

TEST_F(MongodbServersTest, DataOfClaimsThatWentMeanwhileAreSweptAway) {
  RunInstance(1);
  StopOperator();
  ASSERT_TRUE(fake.Delete(ref, {}));
  DeleteClaims();
  EXPECT_EQ(Entries("stores"), 1U);
  StartOperator();
  EXPECT_TRUE(Eventually([&] { return Entries("volumes") == 0 && Entries("stores") == 0; }));
}

TEST_F(MongodbServersTest, ServersEndWithAKilledOwner) {
  std::unique_ptr<MongoRuntime> life;
  MongoPlan plan;
  plan.ns = plan.cluster = plan.instance = plan.set = "x";
  plan.primary = true;
  plan.users_wanted = Json::Arr({Json::Obj(
      {{"user", "u"}, {"db", "admin"}, {"scramSha256Creds", Json::Obj({{"salt", ""}})}})});
  ASSERT_TRUE(KillTheOwnerAt([&] { return Servers("--repl-set-name=x").size() == 1; },
                             [&] {
                               auto started = MongoRuntime::Start(
                                   {options.data_dir, options.ferretdb}, clock, log, nullptr);
                               if (!started) _exit(1);
                               life = std::move(*started);
                               life->Want("volume", plan);
                             }));
  EXPECT_TRUE(Eventually([&] { return Servers("").empty(); }));
}

TEST_F(MongodbServersTest, AnInstanceWithTlsHasNone) {
  CreateText(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"tls"},"stringData":{"tls.crt":"c","tls.key":"k","ca.crt":"a"}})");
  RunInstance(1);
  ASSERT_EQ(Servers("").size(), 1U);
  Patch(
      R"({"security":{"tls":{"enabled":true,"certificateKeySecretRef":{"name":"tls"},"caCertificateSecretRef":{"name":"tls"}}}})");
  ASSERT_TRUE(Eventually([&] { return Running(1) && Servers("").empty(); }));
  EXPECT_EQ(Get("Service", "mdb-svc").At("/spec/clusterIP").AsString(), "None");
  EXPECT_NE(AnnotationOf(Get("Service", "mdb-svc"), "slipway.dev/simulated"), "");
}

}  // namespace
}  // namespace slipway::sim::operators::mongodb
