#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/log.h"
#include "pipeline/runner.h"
#include "pipeline/verbs.h"

// A pipeline without processes: a cluster, an engine and a clock that do what a test says.
namespace slipway::pipeline::testing {

// The wall clock and the steady one move apart when a test wants it.
class TwoClocks final : public Clock {
 public:
  int64_t NowMs() const override { return wall; }

  int64_t SteadyMs() const override { return steady; }

  void Advance(int64_t ms) { wall += ms, steady += ms; }

  int64_t wall = 1'790'000'000'000, steady = 1'000'000;
};

// The host was killed here: thrown through everything, so that nothing but the store is left.
struct Killed {};

// Objects in a map, with the rules that the pipeline lives by: namespaces terminate, uids are
// checked, nothing is made in a namespace that is not there.
class FakeCluster final : public kube::Cluster {
 public:
  using Key = std::tuple<std::string, std::string, std::string>;  // kind, namespace, name

  // Asked before a call and again after its effect; an error is what the caller gets.
  std::function<std::optional<Error>(const char* call, const std::string& kind, bool after)> fault;
  bool away = false;
  bool synced = true;      // of the informers
  bool contested = false;  // somebody else has written the fields of the ConfigMaps
  std::map<Key, Json> objects;

  const Json* Find(const std::string& kind, const std::string& ns, const std::string& name) const;
  // One step of the controllers: namespaces that terminate lose their objects, then go.
  void RunControllers();
  std::unique_ptr<kube::Informer> Watch(kube::InformerSpec spec);

  Result<Json> Get(const kube::ObjectRef& ref) override;
  Result<kube::ObjectList> List(const std::string& api_version, const std::string& kind,
                                const std::string& ns, const kube::ListOptions& options) override;
  Result<Json> Create(const Json& object) override;
  Result<Json> Apply(const Json& object, const kube::ApplyOptions& options) override;
  Result<Json> Update(const Json& object, const std::string& subresource) override;
  Result<Json> Patch(const kube::ObjectRef& ref, kube::PatchType type, const Json& patch,
                     const std::string& subresource) override;
  Result<void> Delete(const kube::ObjectRef& ref, const kube::DeleteOptions& options) override;
  Result<kube::Resource> Discover(const std::string& api_version, const std::string& kind) override;
  Result<std::string> PodLog(const std::string&, const std::string&, const std::string&,
                             int) override;
  Result<std::string> ProxyGet(const std::string&, const std::string&, const std::string&,
                               const std::string&) override;
  Result<void> Ping() override;

 private:
  Result<void> Pass(const char* call, const std::string& kind, bool after);
  Result<Json> Put(Json object);

  int64_t version_ = 0;
};

// A "database" is a ConfigMap, ready when somebody wrote data.ready into it.
class FakeEngine final : public engine::Engine {
 public:
  FakeEngine();

  // What step() answers instead, when it is set.
  std::function<Result<Json>(const Json& input)> step;
  std::function<Result<Json>(const Json& input)> plan;  // the same of plan()

  // Sets a member of its description.
  void Describe(const char* member, Json value) { description_.Set(member, std::move(value)); }

  std::vector<Json> asked;  // the last inputs of step(), newest last, at most 16

  const std::string& name() const override { return name_; }

  const std::string& version() const override { return version_; }

  const std::string& sha256() const override { return sha256_; }

  const std::string& database_type() const override { return type_; }

  const Json& description() const override { return description_; }

  Result<Json> Validate(const Json& request, std::vector<Error>* failures) override;
  Result<Json> Plan(const Json& input) override;
  Result<Json> Step(const Json& input) override;

 private:
  std::string name_ = "fake", version_ = "1.0.0", sha256_ = std::string(64, 'a'), type_ = "FAKE";
  Json description_;
};

class FakeCatalog final : public engine::Catalog {
 public:
  std::shared_ptr<FakeEngine> engine = std::make_shared<FakeEngine>();
  std::optional<Error> gone;  // why the engine cannot be asked
  std::shared_ptr<engine::Engine> successor;

  std::vector<engine::EngineStatus> List() const override { return {}; }

  Result<std::shared_ptr<engine::Engine>> ForType(const std::string&) const override {
    return The();
  }

  Result<std::shared_ptr<engine::Engine>> ForName(const std::string&) const override {
    return The();
  }

  Result<std::shared_ptr<engine::Engine>> ForSha(const std::string&, const std::string&) override {
    return The();
  }

  Result<std::shared_ptr<engine::Engine>> SuccessorOf(const std::string&,
                                                      const std::string&) const override {
    if (successor) return successor;
    return Error{Code::kUnavailable, "NoSuccessor", ""};
  }

 private:
  Result<std::shared_ptr<engine::Engine>> The() const {
    if (gone) return *gone;
    return std::shared_ptr<engine::Engine>(engine);
  }
};

// The store lives as long as this; everything else starts anew with Restart().
class World {
 public:
  explicit World(const std::string& directory);

  void Restart();  // as after kill -9: live operations are claimed
  store::Submitted Create(const std::string& project, const std::string& name,
                          const std::string& on_failure = "ROLLBACK",
                          const std::function<void(store::OperationRecord&)>& edit = {});
  Result<store::Submitted> Submit(const std::string& instance_id, const std::string& verb,
                                  const std::function<void(store::OperationRecord&)>& edit = {});
  // One look; kKilledDelay when the host was killed in it (and started again).
  int64_t Look(const std::string& instance_id);
  // Looks, controllers and time until the instance's operation is over or blocked.
  store::OperationRecord Finish(const std::string& instance_id);
  store::OperationRecord Last(const std::string& instance_id);
  store::InstanceRecord Instance(const std::string& instance_id);
  void MakeReady(const std::string& ns, const std::string& name, bool ready = true);

  TwoClocks clock;
  Logger log;
  Metrics metrics;
  PipelineOptions options;
  secrets::Vault vault;
  FakeCluster cluster;
  FakeCatalog engines;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Observer> observer;
  std::unique_ptr<StageClock> stage_clock;
  std::unique_ptr<Runner> runner;
  std::map<std::string, std::string> last;  // instance → its newest operation
};

}  // namespace slipway::pipeline::testing
