#include "pipeline/test_support.h"

#include <algorithm>

#include "base/ids.h"

namespace slipway::pipeline::testing {
namespace {

Error NotFound(const std::string& kind, const std::string& name) {
  return {Code::kNotFound, "NotFound", kind + " \"" + name + "\" not found"};
}

class FakeInformer final : public kube::Informer {
 public:
  FakeInformer(const FakeCluster& cluster, kube::InformerSpec spec)
      : cluster_(cluster), spec_(std::move(spec)) {}

  ObjectPtr Get(const std::string& ns, const std::string& name) const override {
    const Json* found = cluster_.Find(spec_.kind, ns, name);
    return found != nullptr ? Cached(*found) : nullptr;
  }

  std::vector<ObjectPtr> ByIndex(const std::string& value) const override {
    std::vector<ObjectPtr> out;
    for (auto& object : All())
      if (object->index == value) out.push_back(object);
    return out;
  }

  std::vector<ObjectPtr> All() const override {
    std::vector<ObjectPtr> out;
    for (const auto& [key, object] : cluster_.objects) {
      const bool labelled = object["metadata"]["labels"].Has(spec_.label_selector);
      if (std::get<0>(key) == spec_.kind && labelled) out.push_back(Cached(object));
    }
    return out;
  }

  bool synced() const override { return cluster_.synced; }

  bool served() const override { return true; }

  std::optional<Error> trouble() const override {
    if (!cluster_.away) return std::nullopt;
    return Error{Code::kUnavailable, "ConnectFailed", "nobody listens"};
  }

  size_t bytes() const override { return 0; }

 private:
  ObjectPtr Cached(const Json& object) const {
    auto out = std::make_shared<kube::CachedObject>();
    out->ref = kube::ObjectRef::Of(object);
    out->uid = object["metadata"]["uid"].AsString();
    out->index = object["metadata"]["labels"][spec_.index_label].AsString();
    out->text = object.Dump();
    return out;
  }

  const FakeCluster& cluster_;
  const kube::InformerSpec spec_;
};

}  // namespace

const Json* FakeCluster::Find(const std::string& kind, const std::string& ns,
                              const std::string& name) const {
  const auto found = objects.find({kind, ns, name});
  return found != objects.end() ? &found->second : nullptr;
}

void FakeCluster::RunControllers() {
  std::vector<std::string> going;
  for (const auto& [key, object] : objects) {
    if (std::get<0>(key) == "Namespace" && object["metadata"].Has("deletionTimestamp"))
      going.push_back(std::get<2>(key));
  }
  for (const std::string& ns : going) {
    const size_t erased =
        std::erase_if(objects, [&](const auto& entry) { return std::get<1>(entry.first) == ns; });
    if (erased == 0) objects.erase({"Namespace", "", ns});
  }
}

std::unique_ptr<kube::Informer> FakeCluster::Watch(kube::InformerSpec spec) {
  return std::make_unique<FakeInformer>(*this, std::move(spec));
}

Result<void> FakeCluster::Pass(const char* call, const std::string& kind, bool after) {
  if (away) return Error{Code::kUnavailable, "ConnectFailed", "nobody listens"}.Retryable();
  if (fault) {
    if (auto error = fault(call, kind, after)) return *std::move(error);
  }
  return {};
}

Result<Json> FakeCluster::Get(const kube::ObjectRef& ref) {
  TRY_VOID(Pass("get", ref.kind, false));
  const Json* found = Find(ref.kind, ref.ns, ref.name);
  if (found == nullptr) return NotFound(ref.kind, ref.name);
  return *found;
}

Result<kube::ObjectList> FakeCluster::List(const std::string& /*api_version*/,
                                           const std::string& kind, const std::string& ns,
                                           const kube::ListOptions& /*options*/) {
  TRY_VOID(Pass("list", kind, false));
  kube::ObjectList out;
  for (const auto& [key, object] : objects)
    if (std::get<0>(key) == kind && std::get<1>(key) == ns) out.items.push_back(object);
  return out;
}

Result<Json> FakeCluster::Put(Json object) {
  const kube::ObjectRef ref = kube::ObjectRef::Of(object);
  const Json* standing = Find(ref.kind, ref.ns, ref.name);
  const std::string& version = std::as_const(object)["metadata"]["resourceVersion"].AsString();
  if (!version.empty() &&
      (standing == nullptr || (*standing)["metadata"]["resourceVersion"].AsString() != version))
    return Error{Code::kConflict, "Conflict", "the object has been modified"};
  if (standing == nullptr && !ref.ns.empty()) {
    const Json* ns = Find("Namespace", "", ref.ns);
    if (ns == nullptr) return NotFound("namespaces", ref.ns);
    if ((*ns)["metadata"].Has("deletionTimestamp"))
      return Error{Code::kForbidden, "Forbidden",
                   "unable to create new content in namespace " + ref.ns +
                       " because it is being terminated"};
  }
  const std::string text = std::to_string(++version_);
  object["metadata"].Set("resourceVersion", text);
  object["metadata"].Set(
      "uid", standing != nullptr ? (*standing)["metadata"]["uid"] : Json("uid-" + text));
  if (standing != nullptr && (*standing)["data"].is_object()) {
    // Server-side apply leaves what others wrote.
    for (const auto& [key, value] : (*standing)["data"].members()) {
      if (!std::as_const(object)["data"].Has(key)) object["data"].Set(key, value);
    }
  }
  objects[{ref.kind, ref.ns, ref.name}] = object;
  return object;
}

Result<Json> FakeCluster::Create(const Json& object) {
  const kube::ObjectRef ref = kube::ObjectRef::Of(object);
  TRY_VOID(Pass("create", ref.kind, false));
  if (Find(ref.kind, ref.ns, ref.name) != nullptr)
    return Error{Code::kAlreadyExists, "AlreadyExists", ref.name};
  TRY(Json made, Put(object));
  TRY_VOID(Pass("create", ref.kind, true));
  return made;
}

Result<Json> FakeCluster::Apply(const Json& object, const kube::ApplyOptions& options) {
  const std::string& kind = object["kind"].AsString();
  TRY_VOID(Pass("apply", kind, false));
  if (contested && kind == "ConfigMap" && !options.force)
    return Error{Code::kConflict, "FieldManagerConflict", "Apply failed with 1 conflict"};
  TRY(Json made, Put(object));
  TRY_VOID(Pass("apply", kind, true));
  return made;
}

Result<Json> FakeCluster::Update(const Json& object, const std::string& /*subresource*/) {
  return Apply(object, {});
}

Result<Json> FakeCluster::Patch(const kube::ObjectRef& ref, kube::PatchType /*type*/,
                                const Json& patch, const std::string& /*subresource*/) {
  TRY_VOID(Pass("patch", ref.kind, false));
  const Json* found = Find(ref.kind, ref.ns, ref.name);
  if (found == nullptr) return NotFound(ref.kind, ref.name);
  Json object = *found;
  object.MergePatch(patch);
  return Put(std::move(object));
}

Result<void> FakeCluster::Delete(const kube::ObjectRef& ref, const kube::DeleteOptions& options) {
  TRY_VOID(Pass("delete", ref.kind, false));
  const auto found = objects.find({ref.kind, ref.ns, ref.name});
  if (found == objects.end()) return {};
  if (!options.uid.empty() && found->second["metadata"]["uid"].AsString() != options.uid)
    return Error{Code::kConflict, "Conflict", "another uid"};
  if (ref.kind == "Namespace") {
    found->second["metadata"].Set("deletionTimestamp", "2026-01-01T00:00:00Z");
  } else {
    objects.erase(found);
  }
  return Pass("delete", ref.kind, true);
}

Result<kube::Resource> FakeCluster::Discover(const std::string& api_version,
                                             const std::string& kind) {
  TRY_VOID(Pass("discover", kind, false));
  return kube::Resource{api_version, kind, kind, true};
}

Result<std::string> FakeCluster::PodLog(const std::string&, const std::string&, const std::string&,
                                        int) {
  return std::string();
}

Result<std::string> FakeCluster::ProxyGet(const std::string&, const std::string&,
                                          const std::string&, const std::string&) {
  return std::string();
}

Result<void> FakeCluster::Ping() {
  if (away) return Error{Code::kUnavailable, "ConnectFailed", "nobody listens"};
  return {};
}

FakeEngine::FakeEngine() {
  description_ = *Json::Parse(
      R"({"schema":1,"engine":"fake","version":"1.0.0","database_type":"FAKE","verbs":["create","delete"],
          "watches":[{"apiVersion":"v1","kind":"ConfigMap"},{"apiVersion":"v1","kind":"Pod"}],"crds_required":["v1/ConfigMap"],
          "applies":["v1/ConfigMap","v1/Secret"]})");
}

Result<Json> FakeEngine::Validate(const Json& request, std::vector<Error>* /*failures*/) {
  return Json::Obj({{"schema", 1}, {"spec", request["spec"]}, {"warnings", Json::MakeArray()}});
}

Result<Json> FakeEngine::Plan(const Json& input) {
  if (plan) return plan(input);
  if (input["verb"].AsString() == "delete")
    return *Json::Parse(
        R"({"schema":1,"stages":[{"name":"RESOURCE_DELETION"}],"quota":{},"carry":{}})");
  if (input["verb"].AsString() == "backup")
    return *Json::Parse(R"({"schema":1,"stages":[{"name":"BACKUP"}]})");
  return *Json::Parse(
      R"({"schema":1,"stages":[{"name":"CRD_DEPLOYMENT"},{"name":"WAITING_FOR_READY"}],
          "quota":{"pods":"1"},"carry":{"from":"plan"}})");
}

Result<Json> FakeEngine::Step(const Json& input) {
  asked.push_back(input);
  if (asked.size() > 16) asked.erase(asked.begin());
  if (step) return step(input);
  const std::string& name = input["instance"]["name"].AsString();
  const Json* mine = nullptr;
  for (const Json& object : input["observed"].items())
    if (object["metadata"]["name"].AsString() == name) mine = &object;
  const auto verdict = [](const char* state, const char* reason) {
    return Json::Obj({{"state", state}, {"reason", reason}, {"message", reason}});
  };
  Json out = Json::Obj({{"schema", 1}});
  if (input["verb"].AsString() == "delete") {
    if (mine != nullptr)
      out.Set(
          "delete",
          Json::Arr({Json::Obj({{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"name", name}})}));
    return out.Set("verdict",
                   mine != nullptr ? verdict("progressing", "Deleting") : verdict("ready", "Gone"));
  }
  const bool ready = mine != nullptr && (*mine)["data"]["ready"].AsString() == "yes";
  if (input["verb"].AsString() == "observe")
    return out.Set("verdict",
                   ready ? verdict("ready", "Ready") : verdict("progressing", "NotReady"));
  if (input["stage"].AsString() == "CRD_DEPLOYMENT") {
    out.Set("apply", Json::Arr({Json::Obj({{"apiVersion", "v1"},
                                           {"kind", "ConfigMap"},
                                           {"metadata", Json::Obj({{"name", name}})},
                                           {"data", Json::Obj({{"wanted", "yes"}})}})}));
    return out.Set("verdict", verdict("ready", "Applied"));
  }
  const bool waits = input["stage"].AsString() == "WAITING_FOR_READY" && !ready;
  return out.Set("verdict", waits ? verdict("progressing", "NotReady") : verdict("ready", "Ready"));
}

World::World(const std::string& directory)
    : log(clock, 2, Logger::Format::kHuman, Logger::Level::kError),
      vault(secrets::MasterKeys{"k", {{"k", std::string(32, 'k')}}}) {
  auto opened = store::Store::Open({.directory = directory, .durable = false}, clock, log, metrics);
  if (!opened) throw std::runtime_error(opened.error().message);
  store = *std::move(opened);
  Restart();
}

void World::Restart() {
  runner.reset();
  stage_clock = std::make_unique<StageClock>(clock);
  observer = std::make_unique<Observer>(
      [this](kube::InformerSpec spec, kube::Informer::OnChange) { return cluster.Watch(spec); },
      [](const std::string&) {});
  runner = std::make_unique<Runner>(
      TickDeps{options, vault, engines, cluster, *store, *observer, *stage_clock, clock, log},
      metrics);
  static_cast<void>(store->ClaimLive());
}

store::Submitted World::Create(const std::string& project, const std::string& name,
                               const std::string& on_failure,
                               const std::function<void(store::OperationRecord&)>& edit) {
  store::Submission submission;
  store::InstanceRecord instance;
  instance.id = NewId("ins", clock);
  instance.organization = "acme";
  instance.project = project;
  instance.ns = "acme-" + project;
  instance.name = name;
  instance.engine = "fake";
  instance.database_type = "FAKE";
  submission.operation.id = NewId("op", clock);
  submission.operation.instance_id = instance.id;
  submission.operation.organization = "acme";
  submission.operation.verb = "create";
  submission.operation.engine = "fake";
  submission.operation.on_failure = on_failure;
  submission.operation.stages = StagesOf(PolicyOf("create"));
  if (edit) edit(submission.operation);
  submission.instance = instance;
  auto made = store->Submit(std::move(submission));
  if (!made) throw std::runtime_error(made.error().message);
  last[made->instance.id] = made->operation.id;
  return *std::move(made);
}

Result<store::Submitted> World::Submit(const std::string& instance_id, const std::string& verb,
                                       const std::function<void(store::OperationRecord&)>& edit) {
  store::Submission submission;
  submission.operation.id = NewId("op", clock);
  submission.operation.instance_id = instance_id;
  submission.operation.verb = verb;
  submission.operation.stages = StagesOf(PolicyOf(verb));
  if (edit) edit(submission.operation);
  submission.admit = [wanted = submission.operation, now = clock.NowMs()](
                         const store::InstanceRecord& instance,
                         const store::OperationRecord* live) {
    return Admit(wanted, instance, live, now);
  };
  auto made = store->Submit(std::move(submission));
  if (made) last[instance_id] = made->operation.id;
  return made;
}

int64_t World::Look(const std::string& instance_id) {
  try {
    return runner->Look(instance_id);
  } catch (const Killed&) {
    Restart();
    return 0;
  }
}

store::OperationRecord World::Finish(const std::string& instance_id) {
  for (int round = 0; round < 400; ++round) {
    const int64_t delay = Look(instance_id);
    const store::OperationRecord now = Last(instance_id);
    if (store::IsTerminal(now.state) || now.state == store::OperationState::kBlocked) return now;
    cluster.RunControllers();
    clock.Advance(std::max<int64_t>(delay, 1));
  }
  return Last(instance_id);
}

store::OperationRecord World::Last(const std::string& instance_id) {
  return *store->GetOperation(last.at(instance_id));
}

store::InstanceRecord World::Instance(const std::string& instance_id) {
  return *store->GetInstance(instance_id);
}

void World::MakeReady(const std::string& ns, const std::string& name, bool ready) {
  const auto found = cluster.objects.find({"ConfigMap", ns, name});
  if (found != cluster.objects.end()) found->second["data"].Set("ready", ready ? "yes" : "no");
}

}  // namespace slipway::pipeline::testing
