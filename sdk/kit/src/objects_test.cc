#include <gtest/gtest.h>

#include <slipway/kit/objects.h>

namespace slipway::kit {
namespace {

TEST(Objects, AnIngressRuleWithoutPortsIsForAllOfThem) {
  EXPECT_EQ(IngressRule(Json::Arr({AnyNamespace()})).Dump(),
            R"({"from":[{"namespaceSelector":{}}]})");
  EXPECT_EQ(IngressRule(Json::Arr({NamespaceNamed("ops")}), {1, 2}).Dump(),
            R"({"ports":[{"port":1,"protocol":"TCP"},{"port":2,"protocol":"TCP"}],"from":[)"
            R"({"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"ops"}}}]})");
}

TEST(Objects, AccessIsThreeObjectsOfOneName) {
  const Instance instance(
      Json::Parse(R"({"instance":{"id":"i","name":"orders","namespace":"acme"},"spec":{}})"));
  const Json objects = Access(instance, "orders-pods",
                              Json::Arr({PolicyRule("", Json::Arr({"pods"}), Json::Arr({"get"}))}));
  ASSERT_EQ(objects.items().size(), 3U);
  for (const Json& object : objects.items())
    EXPECT_EQ(object.At("metadata/name").AsString(), "orders-pods");
  EXPECT_EQ(objects.items()[1]["rules"].Dump(),
            R"([{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}])");
  EXPECT_EQ(objects.items()[2]["subjects"].Dump(),
            R"([{"kind":"ServiceAccount","name":"orders-pods","namespace":"acme"}])");
  EXPECT_EQ(objects.items()[2].At("roleRef/name").AsString(), "orders-pods");
}

TEST(Objects, AClaimNamesAStorageClassOnlyIfThereIsOne) {
  EXPECT_FALSE(ClaimSpec("1Gi", "").Has("storageClassName"));
  EXPECT_EQ(ClaimSpec("1Gi", "fast")["storageClassName"].AsString(), "fast");
  EXPECT_EQ(ClaimSpec("1Gi", "").At("resources/requests/storage").AsString(), "1Gi");
}

TEST(Objects, PolicyBudgetAndMonitorSelectTheirPods) {
  const Json pods = MatchLabels(Json::Obj({{"app", "db"}}));
  EXPECT_EQ(IngressPolicy("orders", pods, Json::Arr()).At("spec/podSelector"), pods);
  EXPECT_EQ(Budget("orders", pods).At("spec/selector"), pods);
  EXPECT_EQ(Budget("orders", pods).At("spec/maxUnavailable").AsInt(), 1);
  const Json monitor = Monitor("orders", pods, Json::Arr({MetricsEndpoint("web")}));
  EXPECT_EQ(monitor.At("spec/selector"), pods);
  EXPECT_EQ(monitor.At("spec/podMetricsEndpoints").Dump(),
            R"([{"port":"web","path":"/metrics","interval":"30s"}])");
}

TEST(Objects, AQuotaIsInKubernetesQuantities) {
  EXPECT_EQ((QuotaAmounts{.cpu_millis = 6300,
                          .memory_bytes = int64_t{3} << 30,
                          .storage_bytes = int64_t{5} << 20,
                          .pods = 3,
                          .claims = 6})
                .ToJson()
                .Dump(),
            R"({"requests.cpu":"6300m","requests.memory":"3Gi","requests.storage":"5Mi",)"
            R"("pods":"3","persistentvolumeclaims":"6"})");
}

}  // namespace
}  // namespace slipway::kit
