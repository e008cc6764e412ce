#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "devcluster/mongodb/operator.h"
#include "devcluster/operators/test_fixture.h"

namespace slipway::sim::operators::mongodb {

// The operator over a fake API server that reports every change, as the operator's watches would.
class MongodbTest : public FakeOperatorTest<Operator> {
 protected:
  MongodbTest() {
    CreateText(
        R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"mongodb-kubernetes-appdb"}})");
  }

  void OnChange(const FakeCluster::Change& change) override {
    const std::lock_guard lock(operator_mutex);
    if (!op) return;
    const kube::ObjectRef about = RefOf(change.object);
    const bool deleted = change.verb == "DELETED";
    if (about.kind == kKind) op->InstanceChanged(about.ns, about.name);
    if (about.kind == "Secret") op->SecretChanged(about, deleted);
    if (about.kind == "Pod" || about.kind == "PersistentVolumeClaim" || about.kind == "StatefulSet")
      op->MemberChanged(change.object, deleted);
  }

  std::string Describe() override { return Object(ref)["status"].Dump(); }

  void StartOperator() {
    auto fresh = std::make_unique<Operator>(fake, options, *release, clock, log);
    const std::lock_guard lock(operator_mutex);
    op = std::move(fresh);
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == kKind)
        op->InstanceChanged(NamespaceOf(object), NameOf(object));
    op->controller().Sweep();
  }

  void CreatePassword(const std::string& secret = "mdb-dbadmin-password") {
    CreateText(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":")" + secret +
               R"("},"stringData":{"password":"s3cret"}})");
  }

  void CreateInstance(int members, const std::string& extra = "") {
    CreateText(
        R"({"apiVersion":"mongodbcommunity.mongodb.com/v1","kind":"MongoDBCommunity","metadata":{"name":"mdb"},
      "spec":{"type":"ReplicaSet","version":"7.0.24","security":{"authentication":{"modes":["SCRAM"]}},
        "users":[{"name":"dbadmin","db":"admin","passwordSecretRef":{"name":"mdb-dbadmin-password"},
          "roles":[{"name":"root","db":"admin"}],"scramCredentialsSecretName":"mdb-dbadmin",
          "connectionStringSecretName":"mdb-conn-dbadmin"}],"members":)" +
        std::to_string(members) + extra + "}}");
  }

  // Creates the password and the instance, starts the operator and waits until the instance runs.
  void RunInstance(int members, const std::string& extra = "") {
    CreatePassword();
    CreateInstance(members, extra);
    StartOperator();
    ASSERT_TRUE(Eventually([&] { return Running(members); }));
  }

  void Patch(const std::string& spec) {
    auto patch = Json::Parse("{\"spec\":" + spec + "}");
    ASSERT_TRUE(patch) << spec;
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, *patch, ""));
  }

  Json Status() { return Object(ref)["status"]; }

  // True when the instance runs with these members and has seen the present spec.
  bool Running(int members) {
    const Json instance = Object(ref);
    const Json& status = instance["status"];
    auto last = Json::Parse(AnnotationOf(instance, kLastSuccessful));
    return status["phase"].AsString() == "Running" &&
           status["currentMongoDBMembers"].AsInt() == members &&
           status["currentStatefulSetReplicas"].AsInt() == members && last &&
           *last == instance["spec"];
  }

  Json Get(const char* kind, const std::string& name) { return Object({"v1", kind, ref.ns, name}); }

  Json Set(const std::string& name) { return Object({"apps/v1", "StatefulSet", ref.ns, name}); }

  std::string Secret(const std::string& name, const std::string& key) {
    auto value = Base64Decode(Get("Secret", name)["data"][key].AsString());
    return value ? *value : "";
  }

  Json Config() {
    auto config = Json::Parse(Secret(ref.name + "-config", "cluster-config.json"));
    return config ? *config : Json();
  }

  // The statuses that were written, in order.
  std::vector<Json> Statuses(size_t from = 0) {
    std::vector<Json> out;
    const std::vector<FakeCluster::Change> changes = fake.Changes();
    for (size_t i = from; i < changes.size(); ++i) {
      const Json& object = changes[i].object;
      if (object["kind"].AsString() != kKind || !object["status"].is_object()) continue;
      if (out.empty() || out.back() != object["status"]) out.push_back(object["status"]);
    }
    return out;
  }

  kube::ObjectRef ref{kGroup, kKind, "acme", "mdb"};
  const Release* release = &Mck110();
};

}  // namespace slipway::sim::operators::mongodb
