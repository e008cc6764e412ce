#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/metrics.h"
#include "base/yaml.h"
#include "devcluster/dev_cluster.h"
#include "devcluster/operators/test_fixture.h"
#include "kube/client.h"

namespace slipway::sim::operators {

// Tests a behaviour as it is used: over HTTP against the development cluster, with an operator's
// samples. The samples are in namespace `ns`; `name` is the custom resource under test.
class DevClusterTest : public testing::Test {
 protected:
  DevClusterTest(const char* operator_name, std::string in, std::string api, std::string of_kind,
                 std::string sample)
      : ns(std::move(in)),
        group(std::move(api)),
        kind(std::move(of_kind)),
        name(std::move(sample)),
        facts(FactsDir(operator_name)) {}

  void SetUp() override {
    if (facts.empty()) GTEST_SKIP() << "no samples: set SLIPWAY_SHARED";
    DevClusterOptions options;
    options.behaviour.pace = 0;
    cluster = std::make_unique<DevCluster>(options, clock, log, metrics);
    auto started = cluster->Start();
    ASSERT_TRUE(started) << started.error().message;
    client = std::make_unique<kube::Client>(cluster->config(), kube::ClientOptions(), clock, log,
                                            metrics);
    Create(Json::Obj(
        {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Json::Obj({{"name", ns}})}}));
  }

  void Create(const Json& object) {
    auto created = client->Create(object);
    ASSERT_TRUE(created) << RefOf(object).ToString() << ": " << created.error().message;
  }

  // Applies the sample's custom resource and the Secrets and accounts that it needs.
  void ApplySample(const std::string& file) {
    auto documents = ParseYaml(FileText(facts + "/samples/" + file));
    ASSERT_TRUE(documents);
    for (const YamlDocument& document : *documents) {
      const std::string& of = document.value["kind"].AsString();
      if (of == "Secret" || of == "ServiceAccount" || of == kind) Create(document.value);
    }
  }

  template <class F>
  testing::AssertionResult Eventually(F condition) {
    for (int i = 0; i < 2400; ++i) {
      if (condition()) return testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return testing::AssertionFailure() << "not reached in time: " << Instance()["status"].Dump();
  }

  Json Get(const std::string& version, const std::string& of, const std::string& object_name) {
    auto object = client->Get({version, of, ns, object_name});
    return object ? *object : Json();
  }

  Json Instance() { return Get(group, kind, name); }

  std::vector<Json> List(const std::string& version, const std::string& of) {
    auto list = client->List(version, of, ns, {});
    return list ? std::move(list->items) : std::vector<Json>();
  }

  void Patch(const Json& spec) {
    auto patched = client->Patch({group, kind, ns, name}, kube::PatchType::kMerge,
                                 Json::Obj({{"spec", spec}}), "");
    ASSERT_TRUE(patched) << patched.error().message;
  }

  SystemClock clock;
  Logger log{clock, 2, Logger::Format::kJson, Logger::Level::kError};
  Metrics metrics;
  const std::string ns, group, kind;
  std::string name;
  const std::string facts;
  std::unique_ptr<DevCluster> cluster;
  std::unique_ptr<kube::Client> client;
};

}  // namespace slipway::sim::operators
