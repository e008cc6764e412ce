#pragma once

#include <memory>
#include <string>
#include <unistd.h>

#include "base/crypto.h"
#include "devcluster/cnpg/operator.h"
#include "devcluster/operators/test_fixture.h"

namespace slipway::sim::operators::cnpg {

class OperatorTest : public FakeOperatorTest<Operator> {
 protected:
  void OnChange(const FakeCluster::Change& change) override {
    const std::lock_guard lock(operator_mutex);
    if (!op) return;
    const kube::ObjectRef about = RefOf(change.object);
    if (about.kind == "Cluster") op->Wake("cluster/" + about.ns + "/" + about.name);
    if (about.kind == "Backup") op->Wake("backup/" + about.ns + "/" + about.name);
    if (about.kind == "ScheduledBackup") op->Wake("schedule/" + about.ns + "/" + about.name);
    if (about.kind == "ObjectStore" ||
        (about.kind == "Secret" && change.object["metadata"]["ownerReferences"].empty()))
      RefreshAll();
    if (about.kind == "PersistentVolumeClaim" && change.verb == "DELETED")
      op->VolumeGone(UidOf(change.object));
    const std::string cluster = LabelOf(change.object, "cnpg.io/cluster");
    if (about.kind != "Cluster" && !cluster.empty())
      op->Wake("cluster/" + about.ns + "/" + cluster);
  }

  void WakeAll() {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Cluster")
        op->Wake("cluster/" + NamespaceOf(object) + "/" + NameOf(object));
  }

  void RefreshAll() {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Cluster") op->Refresh(NamespaceOf(object), NameOf(object));
  }

  void StartOperator() {
    auto fresh = std::make_unique<Operator>(fake, options, clock, log);
    const std::lock_guard lock(operator_mutex);
    op = std::move(fresh);
    WakeAll();
    op->Sweep();
  }

  std::string Describe() override {
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

  void SetFault(const std::string& fault) { SetFaultOf(ref, fault); }

  Json Pod(const std::string& name) { return Object({"v1", "Pod", "acme", name}); }

  kube::ObjectRef ref{"postgresql.cnpg.io/v1", "Cluster", "acme", "orders"};
};

inline std::string RecordingsDir() {
  return FactsDir("cnpg");
}

}  // namespace slipway::sim::operators::cnpg
