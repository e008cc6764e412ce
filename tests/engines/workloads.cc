// A good engine without an operator: Kubernetes' own controllers run its "database". It writes as
// little as Kubernetes accepts: no protocol of a port, no strategy, no scheme of a probe.
#include <string>
#include <string_view>

#include <slipway/engine.hpp>

namespace {

bool Says(std::string_view input, std::string_view text) {
  return input.find(text) != std::string_view::npos;
}

// The instance's name. A text search is enough for a test and needs no JSON library.
std::string NameIn(std::string_view input) {
  const size_t instance = input.find("\"instance\":{");
  const size_t at = input.find("\"name\":\"", instance) + 8;
  return std::string(input.substr(at, input.find('"', at) - at));
}

std::string Head(const char* api, const char* kind, const std::string& name) {
  return std::string(R"({"apiVersion":")") + api + R"(","kind":")" + kind +
         R"(","metadata":{"name":")" + name + R"("})";
}

std::string Template(const std::string& app, const char* policy) {
  return R"("template":{"metadata":{"labels":{"app":")" + app + R"("}},"spec":{)" + policy +
         R"("containers":[{"name":"main","image":"example.test/main:1",
         "ports":[{"containerPort":5432},{"name":"metrics","containerPort":9187}],
         "readinessProbe":{"httpGet":{"port":9187}}}]}})";
}

std::string Selector(const std::string& app) {
  return R"("selector":{"matchLabels":{"app":")" + app + R"("}},)";
}

std::string Apply(const std::string& name) {
  return R"("apply":[)" + Head("v1", "Secret", name + "-app") +
         R"(,"stringData":{"username":"app","database":"app","password":{"$generate":{"kind":"password","name":"app"}}}},)" +
         Head("v1", "Service", name) + R"(,"spec":{"selector":{"app":")" + name +
         R"("},"ports":[{"name":"db","port":5432},{"name":"metrics","port":9187}]}},)" +
         Head("apps/v1", "StatefulSet", name) + R"(,"spec":{"replicas":3,"serviceName":")" + name +
         R"(",)" + Selector(name) + Template(name, "") + "}}," +
         Head("apps/v1", "Deployment", name + "-proxy") + R"(,"spec":{)" +
         Selector(name + "-proxy") + Template(name + "-proxy", "") + "}}," +
         Head("batch/v1", "Job", name + "-load") + R"(,"spec":{)" +
         Template(name + "-load", R"("restartPolicy":"Never",)") + "}}," +
         Head("batch/v1", "CronJob", name + "-nightly") +
         R"(,"spec":{"schedule":"0 3 * * *","jobTemplate":{"spec":{)" +
         Template(name + "-nightly", R"("restartPolicy":"Never",)") + "}}}}]";
}

std::string Delete(const std::string& name) {
  const auto one = [](const char* api, const char* kind, const std::string& of) {
    return std::string(R"({"apiVersion":")") + api + R"(","kind":")" + kind + R"(","name":")" + of +
           R"("})";
  };
  return R"("delete":[)" + one("batch/v1", "CronJob", name + "-nightly") + "," +
         one("batch/v1", "Job", name + "-load") + "," +
         one("apps/v1", "Deployment", name + "-proxy") + "," + one("apps/v1", "StatefulSet", name) +
         "," + one("v1", "Service", name) + "," + one("v1", "Secret", name + "-app") + "]";
}

class Workloads final : public slipway::Engine {
 public:
  explicit Workloads(std::string_view) {}

  void describe(slipway::Call& call) const override {
    call.write(
        R"({"schema":1,"engine":")" SLIPWAY_ENGINE_NAME R"(","version":")" SLIPWAY_ENGINE_VERSION
        R"(","title":"Workloads that play a database","database_type":"WORKLOADS",)"
        R"("verbs":["create","delete"],"capabilities":{"backup":false},"name_limit":40,)"
        R"("parameters_schema":{"type":"object"},"watches":[{"apiVersion":"apps/v1","kind":"StatefulSet"},)"
        R"({"apiVersion":"apps/v1","kind":"Deployment"},{"apiVersion":"batch/v1","kind":"Job"},)"
        R"({"apiVersion":"batch/v1","kind":"CronJob"}],"crds_required":[],"applies":["v1/Secret","v1/Service",)"
        R"("apps/v1/StatefulSet","apps/v1/Deployment","batch/v1/Job","batch/v1/CronJob"],)"
        R"("login_proof":{"protocol":"postgresql","endpoint":"primary","statement":"SELECT 1"}})");
  }

  void validate(slipway::Call& call, std::string_view) const override {
    call.write(
        R"({"schema":1,"spec":{"tier":"FREE","instances":1,"storage":"1Gi","memory":"1Gi","cpu":"1"},"warnings":[]})");
  }

  void plan(slipway::Call& call, std::string_view request) const override {
    call.write(
        Says(request, R"("verb":"delete")")
            ? R"({"schema":1,"stages":[{"name":"RESOURCE_DELETION"}],"quota":{},"carry":{}})"
            : R"({"schema":1,"stages":[{"name":"CRD_DEPLOYMENT"},{"name":"WAITING_FOR_READY"},)"
              R"({"name":"CREDENTIAL_GEN"}],"quota":{},"carry":{}})");
  }

  void step(slipway::Call& call, std::string_view input) const override {
    const std::string name = NameIn(input);
    if (Says(input, R"("stage":"RESOURCE_DELETION")"))
      return call.write(R"({"schema":1,)" + Delete(name) + R"(,"verdict":{"state":"ready"}})");
    if (Says(input, R"("stage":"CREDENTIAL_GEN")"))
      return call.write(
          R"({"schema":1,"verdict":{"state":"ready"},"outputs":{"endpoints":[{"name":"primary","role":"READ_WRITE","service":")" +
          name + R"(","port":5432}],"credentials":{"secret":")" + name +
          R"(-app","fields":{"username":"username","password":"password","database":"database"}}}})");
    const bool applies = Says(input, R"("stage":"CRD_DEPLOYMENT")");
    bool ready = true;
    if (applies) ready = Says(input, R"("kind":"CronJob")");
    if (Says(input, R"("stage":"WAITING_FOR_READY")"))
      ready = Says(input, R"("readyReplicas":3)") && Says(input, R"("availableReplicas":1)") &&
              Says(input, R"("succeeded":1)");
    call.write(R"({"schema":1,)" + (applies ? Apply(name) + "," : std::string()) +
               R"("verdict":{"state":")" + (ready ? "ready" : "progressing") +
               R"(","reason":"Workloads"}})");
  }
};

}  // namespace

SLIPWAY_ENGINE(Workloads, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
