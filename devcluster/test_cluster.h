#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "devcluster/api.h"
#include "devcluster/bootstrap.h"
#include "devcluster/controllers.h"
#include "devcluster/timer_queue.h"

namespace slipway::sim {

// The layers below HTTP with a clock that stands still, for tests.
class TestCluster : public testing::Test {
 protected:
  explicit TestCluster(size_t window = 100) : store(nullptr, window) {
    Create(*Parse(kNamespaceA));
  }

  static Result<Json> Parse(const std::string& text) { return Json::Parse(text); }

  static Json J(const std::string& text) {
    auto parsed = Json::Parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : Json();
  }

  const Kind& KindOf(const std::string& api_version, const std::string& kind) {
    kept = kinds.ByKind(api_version, kind);
    return *kept;
  }

  Answer<Written> TryCreate(const Json& object, WriteOptions options = {}) {
    return api.Create(KindOf(object["apiVersion"].AsString(), object["kind"].AsString()),
                      object["metadata"]["namespace"].AsString(), object, options);
  }

  ObjectPtr Create(const Json& object, WriteOptions options = {}) {
    auto created = TryCreate(object, std::move(options));
    EXPECT_TRUE(created) << (created ? "" : created.error().message);
    return created ? created->object : nullptr;
  }

  Answer<Written> Apply(const Json& object, const std::string& manager, bool force = false) {
    WriteOptions options{.manager = manager};
    options.force = force;
    const Json& metadata = object["metadata"];
    return api.Apply(KindOf(object["apiVersion"].AsString(), object["kind"].AsString()),
                     metadata["namespace"].AsString(), metadata["name"].AsString(), object,
                     options);
  }

  Json Get(const std::string& api_version, const std::string& kind, const std::string& ns,
           const std::string& name) {
    auto found = api.Get(KindOf(api_version, kind), ns, name);
    return found ? (*found)->Parse() : Json();
  }

  Answer<Deleted> Delete(const Json& object, DeleteRequest request = {}) {
    const Json& metadata = object["metadata"];
    return api.Delete(KindOf(object["apiVersion"].AsString(), object["kind"].AsString()),
                      metadata["namespace"].AsString(), metadata["name"].AsString(), request);
  }

  static Json ConfigMap(const std::string& name, const std::string& data = "{}") {
    return J(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
             R"(","namespace":"a"},"data":)" + data + "}");
  }

  static constexpr char kNamespaceA[] =
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}})";
  // A custom resource that has one of everything that the checks know.
  static constexpr char kWidgets[] =
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    "metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
    "names":{"kind":"Widget","plural":"widgets","shortNames":["w"]},
    "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","required":["spec"],
    "properties":{"spec":{"type":"object","required":["size"],"properties":{
      "size":{"type":"integer","minimum":1,"maximum":9},
      "mode":{"type":"string","enum":["fast","slow"],"default":"slow"},
      "code":{"type":"string","pattern":"^[a-z]+$","maxLength":5},
      "parameters":{"type":"object","additionalProperties":{"type":"string"}},
      "port":{"x-kubernetes-int-or-string":true},
      "note":{"type":"string","nullable":true},
      "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
      "tags":{"type":"array","items":{"type":"string"}},
      "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
        "items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"count":{"type":"integer"}}}}}},
      "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}})";

  static Json Widget(const std::string& name, const std::string& spec) {
    return J(R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":")" + name +
             R"(","namespace":"a"},"spec":)" + spec + "}");
  }

  ManualClock clock;
  ObjectStore store;
  KindRegistry kinds;
  Api api{store, kinds, clock, true};
  KindPtr kept;
};

}  // namespace slipway::sim
