// A good engine: its "database" is one ConfigMap, which is ready when it exists.
#include <string>
#include <string_view>

#include <slipway/engine.hpp>

#ifndef FAKE_TYPE
#define FAKE_TYPE "FAKE"
#endif

namespace {

const std::string kSpec =
    R"({"schema":1,"warnings":[],"spec":{"tier":"FREE","instances":1,"storage":"1Gi",)"
    R"("memory":"256Mi","cpu":"100m")";

bool Says(std::string_view input, std::string_view text) {
  return input.find(text) != std::string_view::npos;
}

// Returns the value of the first "key":"value". That is enough for a test and needs no JSON
// library.
std::string Text(std::string_view input, std::string_view key) {
  const std::string start = "\"" + std::string(key) + "\":\"";
  const size_t at = input.find(start);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = input.substr(at + start.size());
  return std::string(rest.substr(0, rest.find('"')));
}

class Fake final : public slipway::Engine {
 public:
  explicit Fake(std::string_view settings) {
    if (Says(settings, "\"refuse\"")) {
      throw slipway::Error(SLIPWAY_INVALID, "BadSettings", "settings say refuse");
    }
  }

  void describe(slipway::Call& call) const override {
    call.write(
        R"({"schema":1,"engine":")" SLIPWAY_ENGINE_NAME R"(","version":")" SLIPWAY_ENGINE_VERSION
        R"(","title":"A ConfigMap that plays a database","database_type":")" FAKE_TYPE
        R"(","verbs":["create","delete"],"capabilities":{"backup":false},"name_limit":40,)"
        R"("parameters_schema":{"type":"object"},"watches":[{"apiVersion":"v1","kind":"ConfigMap"}],)"
        R"("crds_required":[],"applies":["v1/ConfigMap"]})");
  }

  // {"wrong": …} in the input makes it refuse twice; {"now": …} makes it answer with the host's
  // clock.
  void validate(slipway::Call& call, std::string_view request) const override {
    call.log(SLIPWAY_LOG_INFO, "validating", R"({"size":1})");
    if (Says(request, "\"wrong\"")) {
      call.fail({SLIPWAY_INVALID, "FieldWrong", "wrong is not allowed", "/wrong"});
      call.fail({SLIPWAY_INVALID, "FieldMissing", "right is missing", "/right"});
      return;
    }
    if (Says(request, "\"now\"")) {
      call.write(kSpec + R"(,"now":)" + std::to_string(call.now_ms()) + "}}");
      return;
    }
    call.write(kSpec + "}}");
  }

  void plan(slipway::Call& call, std::string_view request) const override {
    const bool deletes = Says(request, R"("verb":"delete")");
    call.write(
        deletes
            ? R"({"schema":1,"stages":[{"name":"RESOURCE_DELETION"}],"quota":{},"carry":{}})"
            : R"({"schema":1,"stages":[{"name":"CRD_DEPLOYMENT","title":"Create the ConfigMap"},)"
              R"({"name":"WAITING_FOR_READY"}],"quota":{},"carry":{}})");
  }

  void step(slipway::Call& call, std::string_view input) const override {
    const std::string name = Text(input, "name");
    if (Says(input, "RESOURCE_DELETION")) {
      call.write(R"({"schema":1,"delete":[{"apiVersion":"v1","kind":"ConfigMap","name":")" + name +
                 R"("}],"verdict":{"state":"ready"}})");
      return;
    }
    const bool there = Says(input, "\"kind\":\"ConfigMap\"");
    call.write(
        R"({"schema":1,"apply":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" +
        name + R"("},"data":{"ready":"yes"}}],"verdict":{"state":")" +
        (there ? "ready" : "progressing") + R"(","reason":"ConfigMap"}})");
  }
};

}  // namespace

SLIPWAY_ENGINE(Fake, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
