#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/yaml.h"
#include "sim/cnpg/fake_cluster.h"
#include "sim/cnpg/operator.h"

namespace slipway::sim::cnpg {

// The operator over a fake API server that wakes it up on every change, as its informers would.
class OperatorTest : public testing::Test {
 protected:
  OperatorTest() {
    fake.on_change = [this](const FakeCluster::Change& change) {
      {
        const std::lock_guard lock(mutex);
        ++version;
      }
      changed.notify_all();
      const std::lock_guard lock(operator_mutex);
      if (!op) return;
      const kube::ObjectRef about = RefOf(change.object);
      if (about.kind == "Cluster") op->Wake("cluster/" + about.ns + "/" + about.name);
      if (about.kind == "Backup") op->Wake("backup/" + about.ns + "/" + about.name);
      if (about.kind == "ScheduledBackup") op->Wake("schedule/" + about.ns + "/" + about.name);
      if (about.kind == "ObjectStore") WakeAll();
      if (about.kind == "PersistentVolumeClaim" && change.verb == "DELETED")
        op->VolumeGone(UidOf(change.object));
      const std::string cluster = LabelOf(change.object, "cnpg.io/cluster");
      if (about.kind != "Cluster" && !cluster.empty())
        op->Wake("cluster/" + about.ns + "/" + cluster);
    };
  }

  ~OperatorTest() override { StopOperator(); }

  void WakeAll() {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Cluster")
        op->Wake("cluster/" + NamespaceOf(object) + "/" + NameOf(object));
  }

  void StartOperator() {
    auto fresh = std::make_unique<Operator>(fake, options, clock, log);
    const std::lock_guard lock(operator_mutex);
    op = std::move(fresh);
    WakeAll();
    op->Sweep();
  }

  void StopOperator() {
    std::unique_ptr<Operator> old;
    {
      const std::lock_guard lock(operator_mutex);
      old = std::move(op);
    }
  }

  // Waits for the fake to reach a state; looks again after every change.
  template <class F>
  testing::AssertionResult Eventually(F condition, int seconds = 40) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    for (;;) {
      if (condition()) return testing::AssertionSuccess();
      std::unique_lock lock(mutex);
      const int64_t seen = version;
      if (std::chrono::steady_clock::now() > deadline)
        return testing::AssertionFailure() << "not reached in time: " << Describe();
      changed.wait_for(lock, std::chrono::milliseconds(50), [&] { return version != seen; });
    }
  }

  std::string Describe() {
    auto cluster = fake.Get(ref);
    return cluster ? (*cluster)["status"].Dump() : "no cluster";
  }

  Json Status() {
    auto cluster = fake.Get(ref);
    return cluster ? (*cluster)["status"] : Json();
  }

  bool Healthy(int instances) {
    const Json status = Status();
    return status["phase"].AsString() == "Cluster in healthy state" &&
           status["readyInstances"].AsInt() == instances &&
           status["currentPrimary"] == status["targetPrimary"] && !status.Has("jobCount");
  }

  void CreateCluster(int instances, const std::string& extra = "") {
    auto cluster = Json::Parse(
        R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"orders","namespace":"acme"},
      "spec":{"instances":)" +
        std::to_string(instances) + R"(,"storage":{"size":"1Gi"})" + extra + "}}");
    ASSERT_TRUE(cluster);
    ref = RefOf(*cluster);
    ASSERT_TRUE(fake.Create(*cluster));
  }

  void SetFault(const std::string& fault) {
    Json patch = Json::MakeObject();
    patch.SetAt("/metadata/annotations",
                Json::Obj({{"slipway.dev/sim-fault", fault.empty() ? Json() : Json(fault)}}));
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  }

  Json Pod(const std::string& name) {
    auto pod = fake.Get({"v1", "Pod", "acme", name});
    return pod ? *pod : Json();
  }

  SystemClock clock;
  Logger log{
      clock, 2, Logger::Format::kJson,
      std::getenv("SLIPWAY_TEST_LOG") != nullptr ? Logger::Level::kDebug : Logger::Level::kError};
  std::mutex mutex, operator_mutex;
  std::condition_variable changed;
  int64_t version = 0;
  FakeCluster fake{clock};
  BehaviourOptions options{.pace = 0, .data_dir = "", .postgres_bin = ""};
  kube::ObjectRef ref{"postgresql.cnpg.io/v1", "Cluster", "acme", "orders"};
  std::unique_ptr<Operator> op;
};

// Recordings of the real operator; "" when this machine has none.
inline std::string RecordingsDir() {
  const char* shared = std::getenv("SLIPWAY_SHARED");
  const std::string dir =
      (shared != nullptr ? std::string(shared) : std::string(SLIPWAY_SOURCE_DIR) + "/../shared") +
      "/operators/cnpg";
  return std::filesystem::exists(dir + "/observed") ? dir : "";
}

inline std::string FileText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace slipway::sim::cnpg
