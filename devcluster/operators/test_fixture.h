#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/yaml.h"
#include "devcluster/behaviour.h"
#include "devcluster/operators/fake_cluster.h"
#include "devcluster/operators/pass.h"

namespace slipway::sim::operators {

class TestPass final : public Pass {
 public:
  using Pass::Pass;
};

// An operator over a fake API server that wakes it on every change, as its informers would.
class FakeClusterTest : public testing::Test {
 protected:
  FakeClusterTest() {
    fake.on_change = [this](const FakeCluster::Change& change) {
      {
        const std::lock_guard lock(mutex);
        ++version;
      }
      changed.notify_all();
      OnChange(change);
    };
  }

  ~FakeClusterTest() override { fake.on_change = nullptr; }

  // Does what the operator's watches would do with the change. Runs on any thread, even after the
  // operator has ended.
  virtual void OnChange(const FakeCluster::Change& change) = 0;
  // The text that a test prints when it waits in vain.
  virtual std::string Describe() = 0;

  // Waits until the fake reaches a state; it checks again after every change.
  template <class F>
  testing::AssertionResult Eventually(F condition, int seconds = 120) {
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

  // The number of changes, once none has come for half a second.
  size_t SettledChanges() {
    for (size_t seen = fake.Changes().size();;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      const size_t now = fake.Changes().size();
      if (now == seen) return now;
      seen = now;
    }
  }

  Json Object(const kube::ObjectRef& about) {
    auto object = fake.Get(about);
    return object ? *object : Json();
  }

  // Creates the object in namespace acme unless it names another one; stringData becomes data.
  Json Create(Json object) {
    if (NamespaceOf(object).empty()) object["metadata"].Set("namespace", "acme");
    const Json plain = object["stringData"];
    for (const auto& [key, value] : plain.members())
      object["data"].Set(key, Base64Encode(value.AsString()));
    object.Erase("stringData");
    auto created = fake.Create(object);
    EXPECT_TRUE(created) << object.Dump();
    return created ? *created : Json();
  }

  Json CreateText(const std::string& text) {
    auto object = Json::Parse(text);
    EXPECT_TRUE(object) << text;
    return object ? Create(*object) : Json();
  }

  void SetFaultOf(const kube::ObjectRef& about, const std::string& fault) {
    Json patch = Json::MakeObject();
    patch.SetAt("/metadata/annotations",
                Json::Obj({{"slipway.dev/sim-fault", fault.empty() ? Json() : Json(fault)}}));
    ASSERT_TRUE(fake.Patch(about, kube::PatchType::kMerge, patch, ""));
  }

  SystemClock clock;
  Logger log{
      clock, 2, Logger::Format::kJson,
      std::getenv("SLIPWAY_TEST_LOG") != nullptr ? Logger::Level::kDebug : Logger::Level::kError};
  std::mutex mutex;
  std::condition_variable changed;
  int64_t version = 0;
  FakeCluster fake{clock};
  BehaviourOptions options{.pace = 0,
                           .data_dir = "",
                           .postgres_bin = "",
                           .mysql_server = "",
                           .mysql_bin = "",
                           .ferretdb = "",
                           .programs = {}};
};

// A fixture that owns the operator. The operator ends in TearDown: its threads still call OnChange,
// and once the first destructor runs, the object is no longer of the class that implements it.
template <class Operator>
class FakeOperatorTest : public FakeClusterTest {
 protected:
  void TearDown() override { StopOperator(); }

  void StopOperator() {
    std::unique_ptr<Operator> old;
    const std::lock_guard lock(operator_mutex);
    old = std::move(op);
  }

  std::mutex operator_mutex;
  std::unique_ptr<Operator> op;
};

// The directory of recordings (observed/) and samples (samples/) of an operator; "" when this
// machine has none.
inline std::string FactsDir(const std::string& operator_name) {
  const char* shared = std::getenv("SLIPWAY_SHARED");
  const std::string dir =
      (shared != nullptr ? std::string(shared) : std::string(SLIPWAY_SOURCE_DIR) + "/../shared") +
      "/operators/" + operator_name;
  return std::filesystem::exists(dir + "/observed") ? dir : "";
}

inline std::string FileText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace slipway::sim::operators
