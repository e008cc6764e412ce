#include "devcluster/dev_cluster.h"

#include "devcluster/cnpg/status_sequence.h"
#include "devcluster/cnpg/test_fixture.h"
#include "kube/client.h"

// Runs the behaviour as users do: over HTTP against the development cluster.
namespace slipway::sim::operators::cnpg {
namespace {

class CnpgInDevCluster : public testing::Test {
 protected:
  void Start(const std::string& data_dir) {
    DevClusterOptions options;
    options.behaviour.pace = 0;
    options.behaviour.data_dir = data_dir;
    cluster = std::make_unique<DevCluster>(options, clock, log, metrics);
    auto started = cluster->Start();
    ASSERT_TRUE(started) << started.error().message;
    client = std::make_unique<kube::Client>(cluster->config(), kube::ClientOptions(), clock, log,
                                            metrics);
    kube::InformerSpec spec;
    spec.api_version = ref.api_version;
    spec.kind = ref.kind;
    informer = client->Watch(
        spec, [this](kube::Informer::Change change, const kube::Informer::ObjectPtr& object) {
          {
            const std::lock_guard lock(mutex);
            last = change == kube::Informer::Change::kDeleted ? Json() : object->Parse();
            if (object->ref == ref && !last.is_null()) written.AddStatus(last["status"]);
          }
          changed.notify_all();
        });
  }

  void TearDown() override {
    informer.reset();
    client.reset();
    cluster.reset();
  }

  void Create(const Json& object) {
    auto created = client->Create(object);
    ASSERT_TRUE(created) << RefOf(object).ToString() << ": " << created.error().message;
  }

  void CreateNamespace(const std::string& name) {
    Create(Json::Obj(
        {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Json::Obj({{"name", name}})}}));
  }

  void ApplySample(const std::string& file) {
    auto documents = ParseYaml(FileText(RecordingsDir() + "/samples/" + file));
    ASSERT_TRUE(documents);
    for (const YamlDocument& document : *documents) {
      const std::string& kind = document.value["kind"].AsString();
      if (kind == "Secret" || kind == "ObjectStore" || kind == "Cluster") Create(document.value);
    }
  }

  bool HealthyWith(int instances) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] {
      const Json& status = std::as_const(last)["status"];
      return status["phase"].AsString() == "Cluster in healthy state" &&
             status["readyInstances"].AsInt() == instances && !status.Has("jobCount");
    });
  }

  SystemClock clock;
  Logger log{clock, 2, Logger::Format::kJson, Logger::Level::kWarn};
  Metrics metrics;
  std::mutex mutex;
  std::condition_variable changed;
  Json last;
  Sequence written;
  kube::ObjectRef ref{"postgresql.cnpg.io/v1", "Cluster", "tenant-a", "pg-free"};
  std::unique_ptr<DevCluster> cluster;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<kube::Informer> informer;
};

TEST_F(CnpgInDevCluster, OneInstanceWritesTheRecordedStatuses) {
  if (RecordingsDir().empty()) GTEST_SKIP() << "no recordings: set SLIPWAY_SHARED";
  Start("");
  CreateNamespace("tenant-a");
  ApplySample("free.yaml");
  ASSERT_TRUE(HealthyWith(1)) << last.Dump();
  auto recording =
      Json::Parse(FileText(RecordingsDir() + "/observed/04-free-create-timeline.json"));
  ASSERT_TRUE(recording);
  const std::lock_guard lock(mutex);
  ExpectSame(RecordedSequence(*recording), written);
}

TEST_F(CnpgInDevCluster, DeletingTheNamespaceRemovesServersAndData) {
  if (PostgresRuntime::FindPrograms("").empty()) GTEST_SKIP() << "no PostgreSQL server programs";
  char name[] = "/tmp/slipway-cnpg-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  std::filesystem::permissions(name, std::filesystem::perms(0755));
  Start(name);
  CreateNamespace("tenant-a");
  Create(*Json::Parse(
      R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"pg-free","namespace":"tenant-a"},
    "spec":{"instances":2,"storage":{"size":"1Gi"}}})"));
  ASSERT_TRUE(HealthyWith(2)) << last.Dump();
  EXPECT_FALSE(std::filesystem::is_empty(std::string(name) + "/volumes"));
  ASSERT_TRUE(client->Delete({"v1", "Namespace", "", "tenant-a"}, {}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::unique_lock lock(mutex);
  while (!std::filesystem::is_empty(std::string(name) + "/volumes") &&
         std::chrono::steady_clock::now() < deadline)
    changed.wait_for(lock, std::chrono::milliseconds(50));
  EXPECT_TRUE(std::filesystem::is_empty(std::string(name) + "/volumes"));
  lock.unlock();
  TearDown();
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
