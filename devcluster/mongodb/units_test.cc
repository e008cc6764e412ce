#include <gtest/gtest.h>

#include "devcluster/mongodb/automation_config.h"
#include "devcluster/mongodb/replica_set_objects.h"
#include "devcluster/mongodb/secrets.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {
namespace {

InstanceSpec Spec(const std::string& extra = "", const std::string& users = "") {
  auto object = Json::Parse(
      R"({"metadata":{"name":"mdb","namespace":"acme","uid":"u1"},"spec":{"members":3,"version":"7.0.24",
    "users":[{"name":"dbadmin","passwordSecretRef":{"name":"pw"},"scramCredentialsSecretName":"mdb-dbadmin"})" +
      users + "]" + extra + "}}");
  EXPECT_TRUE(object);
  return InstanceSpec::Parse(*object);
}

Json Parsed(const std::string& text) {
  auto json = Json::Parse(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json();
}

TEST(MongodbSpec, FillsInDefaults) {
  const InstanceSpec spec = Spec();
  EXPECT_EQ(spec.users[0].database, "admin");
  EXPECT_EQ(spec.users[0].password_key, "password");
  EXPECT_EQ(spec.users[0].scram_secret, "mdb-dbadmin-scram-credentials");
  EXPECT_EQ(spec.users[0].connection_secret, "mdb-admin-dbadmin");
  EXPECT_EQ(spec.uri(1), "mongodb://mdb-0.mdb-svc.acme.svc.cluster.local:27017/?replicaSet=mdb");
  EXPECT_EQ(spec.minor_version(), "7.0");
  EXPECT_EQ(spec.Mistake(Json()), "");
}

TEST(MongodbSpec, FindsTheOperatorsMistakes) {
  EXPECT_EQ(Spec(R"(,"arbiters":3)").Mistake(Json()),
            "number of arbiters specified (3) is greater or equal than the number of members in "
            "the replicaset (3). At least one member must not be an arbiter");
  EXPECT_EQ(Spec().Mistake(Parsed(R"({"security":{"tls":{"enabled":true}}})")),
            "TLS can't be set to disabled after it has been enabled");
  EXPECT_NE(
      Spec(R"(,"security":{"authentication":{"modes":["SCRAM","SCRAM-SHA-256"]}})").Mistake(Json()),
      "");
  EXPECT_NE(Spec(R"(,"security":{"authentication":{"modes":["SCRAM","X509"]}})").Mistake(Json()),
            "");
  EXPECT_NE(Spec(R"(,"statefulSet":{"spec":{"replicas":5}})").Mistake(Json()), "");
  EXPECT_NE(Spec("", R"(,{"name":"b","passwordSecretRef":{"name":"q"}})").Mistake(Json()), "");
  EXPECT_NE(
      Spec(
          "",
          R"(,{"name":"b","passwordSecretRef":{"name":"q"},"scramCredentialsSecretName":"mdb-dbadmin"})")
          .Mistake(Json()),
      "");
}

TEST(MongodbScaling, TakesOneStepAtATime) {
  InstanceSpec spec = Spec();
  const auto at = [&](int current, int wanted) {
    spec.members = wanted;
    return Scaling(spec, Json::Obj({{"currentStatefulSetReplicas", current},
                                    {"currentMongoDBMembers", current}}));
  };
  EXPECT_EQ(at(0, 3).set_members(), 3);  // it never ran
  EXPECT_EQ(at(3, 5).set_members(), 4);
  EXPECT_EQ(at(5, 3).config_members(), 4);
  EXPECT_TRUE(at(3, 5).still_scaling());
  EXPECT_EQ(at(3, 5).Message(), "Performing scaling operation, currentMembers=3, desiredMembers=5");
  EXPECT_FALSE(at(4, 5).still_scaling());
  EXPECT_TRUE(at(0, 3).ConfigFirst(false, false, false, false));
  EXPECT_FALSE(at(3, 5).ConfigFirst(false, true, true, false));
  EXPECT_TRUE(at(5, 3).ConfigFirst(false, true, true, true));
  EXPECT_FALSE(at(3, 3).ConfigFirst(false, true, true, true));  // a version change
  EXPECT_TRUE(at(3, 5).ConfigFirst(true, false, true, false));  // with TLS
  spec.arbiters = 2;
  EXPECT_EQ(at(0, 3).set_arbiters(), 1);  // arbiters always come one by one
}

TEST(MongodbStatefulSet, LaysTheOverrideOverItsOwn) {
  const InstanceSpec spec = Spec(R"(,"statefulSet":{"metadata":{"labels":{"a":"b"}},"spec":{
    "minReadySeconds":7,
    "template":{"metadata":{"labels":{"t":"u"}},"spec":{"terminationGracePeriodSeconds":600,
      "containers":[{"name":"mongod","resources":{"limits":{"memory":"4Gi"}}},
        {"name":"extra","image":"x","env":[{"name":"B","value":"1"},{"name":"A","value":"2"}]}]}},
    "volumeClaimTemplates":[{"metadata":{"name":"data-volume","labels":{"a":"b"}},
      "spec":{"resources":{"requests":{"storage":"5Gi"}}}}]}})");
  const Json set = StatefulSetOf(spec, Mck110(), {"mdb", 3, false});
  EXPECT_EQ(set["metadata"]["labels"], Parsed(R"({"a":"b"})"));
  EXPECT_FALSE(set["spec"].Has("minReadySeconds"));
  EXPECT_EQ(set.At("/spec/template/metadata/labels"), Parsed(R"({"app":"mdb-svc","t":"u"})"));
  const Json& containers = set.At("/spec/template/spec/containers");
  ASSERT_EQ(containers.size(), 3U);
  EXPECT_EQ(containers[0]["name"].AsString(), "extra");
  EXPECT_EQ(containers[1]["image"].AsString(),
            "quay.io/mongodb/mongodb-community-server:7.0.24-ubi9");
  EXPECT_EQ(containers[1].At("/resources/limits"), Parsed(R"({"memory":"4Gi"})"));
  EXPECT_EQ(containers[1].At("/resources/requests/memory").AsString(), "400M");
  EXPECT_EQ(set.At("/spec/volumeClaimTemplates/0/spec/resources/requests/storage").AsString(),
            "5Gi");
  EXPECT_EQ(set.At("/spec/volumeClaimTemplates/1/metadata/name").AsString(), "logs-volume");
  // The second time the environment comes out sorted, so it differs.
  const Json updated = Updated(set, set);
  EXPECT_EQ(updated.At("/spec/template/spec/containers/0/env/0/name").AsString(), "A");
  EXPECT_FALSE(UpdateOf(set, updated).is_null());
  EXPECT_TRUE(UpdateOf(updated, Updated(updated, set)).is_null());
}

TEST(MongodbStatefulSet, RefusesWhatMayNotChange) {
  const auto with = [](const char* size) {
    return StatefulSetOf(
        Spec(
            R"(,"statefulSet":{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data-volume"},"spec":{
          "resources":{"requests":{"storage":")" +
            std::string(size) + R"("}}}}]}})"),
        Mck110(), {"mdb", 3, false});
  };
  EXPECT_EQ(Refusal(with("1Gi"), Updated(with("1Gi"), with("1024Mi"))), "");
  EXPECT_EQ(Refusal(with("1Gi"), Updated(with("1Gi"), with("2Gi"))),
            "StatefulSet.apps \"mdb\" is invalid: spec: Forbidden: updates to statefulset spec for "
            "fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
            "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' "
            "are forbidden");
}

TEST(MongodbStatefulSet, TheOldOperatorHasAnotherAccountAndFewerRestrictions) {
  const Json set = StatefulSetOf(Spec(), Mco013(), {"mdb", 1, true});
  EXPECT_EQ(set.At("/spec/template/spec/serviceAccountName").AsString(), "mongodb-database");
  EXPECT_FALSE(set.At("/spec/template/spec/securityContext").Has("seccompProfile"));
  EXPECT_FALSE(set.At("/spec/template/spec/containers/0/securityContext").Has("capabilities"));
  EXPECT_EQ(set.At("/spec/updateStrategy"), Parsed(R"({"type":"OnDelete"})"));
}

TEST(MongodbSecrets, ConnectionStringsHaveFourKeys) {
  const InstanceSpec spec = Spec();
  const Json secret = ConnectionSecret(spec, Mck110(), spec.users[0], "p@ss w");
  EXPECT_EQ(secret["data"].size(), 4U);
  EXPECT_EQ(SecretValue(secret, "connectionString.standardSrv"),
            "mongodb+srv://dbadmin:p%40ss%20w@mdb-svc.acme.svc.cluster.local/"
            "admin?replicaSet=mdb&ssl=false");
  EXPECT_EQ(SecretValue(secret, "password"), "p@ss w");
  EXPECT_NE(SecretValue(ConnectionSecret(spec, Mco013(), spec.users[0], "p w"),
                        "connectionString.standard")
                .find("dbadmin:p+w@"),
            std::string::npos);
}

TEST(MongodbSecrets, CredentialsFitTheirPassword) {
  const InstanceSpec spec = Spec();
  const Json secret = ScramSecret(spec, spec.users[0], "one");
  EXPECT_TRUE(ScramFits(secret, "one"));
  EXPECT_FALSE(ScramFits(secret, "two"));
  EXPECT_FALSE(ScramFits(Json(), "one"));
}

TEST(MongodbConfig, CountsOnlyChanges) {
  InstanceSpec spec =
      Spec(R"(,"additionalMongodConfig":{"storage.wiredTiger.engineConfig.cacheSizeGB":1.5})");
  const Scaling scaling(spec, Json());
  Json config = AutomationConfig(spec, scaling, {}, Json(), Json());
  EXPECT_EQ(NextVersion(Json(), config), 1);
  EXPECT_EQ(config.At("/processes/2/hostname").AsString(), "mdb-2.mdb-svc.acme.svc.cluster.local");
  EXPECT_EQ(config.At("/processes/0/args2_6/storage/wiredTiger/engineConfig/cacheSizeGB"),
            Json(1.5));
  EXPECT_EQ(config.At("/replicaSets/0/members/1/_id"), Json(1));
  config.Set("version", 1);
  EXPECT_EQ(NextVersion(config, AutomationConfig(spec, scaling, {}, Json(), config)), 1);
  // The compatibility version stays until the spec asks for another one.
  spec.version = "8.0.21";
  Json next = AutomationConfig(spec, scaling, {}, Json(), config);
  EXPECT_EQ(next.At("/processes/0/featureCompatibilityVersion").AsString(), "7.0");
  EXPECT_EQ(NextVersion(config, next), 2);
  // The config names users that were removed.
  const Json last = Parsed(R"({"users":[{"name":"old","db":"app"}]})");
  next = AutomationConfig(spec, scaling, {}, last, config);
  EXPECT_EQ(next.At("/auth/usersDeleted"), Parsed(R"([{"user":"old","dbs":["app"]}])"));
  next.Set("version", 2);
  EXPECT_EQ(AutomationConfig(spec, scaling, {}, Json(), next).At("/auth/usersDeleted").size(), 1U);
}

}  // namespace
}  // namespace slipway::sim::operators::mongodb
