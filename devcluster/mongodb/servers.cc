#include "devcluster/mongodb/servers.h"

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/volumes.h"

namespace slipway::sim::operators::mongodb {

namespace {

constexpr int64_t kRestartMs = 2000;
constexpr char kClaim[] = "data-volume-";

// "" when the member has no claim yet.
std::string VolumeOf(const InstancePass& pass, const std::string& pod) {
  for (const Json& claim : pass.claims)
    if (NameOf(claim) == kClaim + pod && !BeingDeleted(claim)) return UidOf(claim);
  return "";
}

// The names of the pods that the set has, or has claims for.
std::vector<std::string> MembersOf(const InstancePass& pass) {
  const std::string prefix = kClaim + pass.spec.name + "-";
  std::vector<std::string> out;
  for (const Json& claim : pass.claims) {
    const std::string& name = NameOf(claim);
    const bool of_set = name.rfind(prefix, 0) == 0 &&
                        name.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
    if (of_set && !BeingDeleted(claim)) out.push_back(name.substr(sizeof kClaim - 1));
  }
  return out;
}

// True when a server has to run in the member's pod.
bool Runs(InstancePass& pass, const std::string& pod) {
  const Json* found = pass.PodNamed(pod);
  return found != nullptr && PodActive(*found) && PodRunning(*found) && pass.InConfig(pod);
}

// Arbiters have no data, and so they have no server here.
bool OfArbiter(const InstancePass& pass, const std::string& pod) {
  return pod.rfind(pass.spec.arbiters_name() + "-", 0) == 0;
}

}  // namespace

Servers::Servers(const BehaviourOptions& options, const Clock& clock, Logger& log,
                 MongoRuntime::OnChange on_change) {
  const std::string program =
      options.data_dir.empty() ? "" : MongoRuntime::FindProgram(options.ferretdb);
  if (program.empty()) return;
  auto started = MongoRuntime::Start({options.data_dir, program}, clock, log, std::move(on_change));
  if (started)
    runtime_ = std::move(*started);
  else
    log.Error("sim.mongodb_unavailable", {{"error", started.error().message}});
}

Servers::~Servers() = default;

Behind Servers::BehindOf(const InstanceSpec& spec) const {
  return runtime_ == nullptr || spec.tls ? Behind::kNothing : Behind::kServer;
}

MongoState Servers::StateOf(InstancePass& pass, const std::string& pod) const {
  return runtime_->Get(VolumeOf(pass, pod));
}

// The primary stays as long as its server can run. Otherwise the first member whose server answers
// takes over.
void Servers::Elect(InstancePass& pass) const {
  std::string& primary = pass.memory.primary;
  const auto fits = [&](const std::string& pod) {
    return Runs(pass, pod) && !StateOf(pass, pod).exited;
  };
  if (!primary.empty() && fits(primary)) return;
  std::string next;
  for (const std::string& pod : MembersOf(pass)) {
    if (!fits(pod)) continue;
    const bool answers = StateOf(pass, pod).running;
    if (next.empty() || (answers && !StateOf(pass, next).running)) next = pod;
  }
  if (!next.empty()) primary = next;
}

MongoPlan Servers::PlanOf(InstancePass& pass, const std::string& pod) const {
  MongoPlan plan;
  plan.ns = pass.spec.ns;
  plan.cluster = pass.spec.name;
  plan.instance = pod;
  plan.set = pass.memory.config.At("/replicaSets/0/_id").AsString();
  plan.primary = pod == pass.memory.primary;
  for (const std::string& other : MembersOf(pass))
    if (other != pod) plan.peers.push_back(VolumeOf(pass, other));
  const Json& auth = pass.memory.config["auth"];
  plan.users_wanted = auth["usersWanted"];
  plan.users_deleted = auth["usersDeleted"];
  plan.version = pass.config_version();
  return plan;
}

void Servers::Restart(InstancePass& pass, const std::string& volume) {
  const std::string wait = "restart-" + volume;
  if (!runtime_->Get(volume).exited) return pass.Reset(wait);
  if (!pass.Due(wait, kRestartMs)) return;
  pass.Reset(wait);
  runtime_->Restart(volume);
}

void Servers::Direct(InstancePass& pass) {
  if (runtime_ == nullptr) return;
  const bool behind = BehindOf(pass.spec) == Behind::kServer;
  if (behind) Elect(pass);
  for (const std::string& pod : MembersOf(pass)) {
    const std::string volume = VolumeOf(pass, pod);
    if (!behind || !Runs(pass, pod)) {
      runtime_->Stop(volume);
      continue;
    }
    runtime_->Want(volume, PlanOf(pass, pod));
    Restart(pass, volume);
  }
}

bool Servers::Lost(InstancePass& pass, const Json& pod) const {
  return BehindOf(pass.spec) == Behind::kServer && StateOf(pass, NameOf(pod)).exited;
}

bool Servers::Reached(InstancePass& pass, const Json& pod) const {
  const std::string& name = NameOf(pod);
  if (BehindOf(pass.spec) == Behind::kNothing || OfArbiter(pass, name)) return true;
  const MongoState state = StateOf(pass, name);
  return state.running && state.version == pass.config_version();
}

void Servers::Publish(InstancePass& pass) {
  if (BehindOf(pass.spec) == Behind::kNothing) return;
  int port = 0;
  if (!pass.memory.primary.empty()) {
    const MongoState state = StateOf(pass, pass.memory.primary);
    if (state.running && state.primary) port = state.port;
  }
  pass.PublishPort(pass.spec.ns, pass.spec.service(), port);
}

void Servers::StopServersOf(kube::Cluster& kube, const Json& pod) {
  if (runtime_ == nullptr) return;
  for (const std::string& volume : VolumesOf(kube, pod)) runtime_->Stop(volume);
}

void Servers::InstanceGone(const std::string& ns, const std::string& name) {
  if (runtime_ == nullptr) return;
  for (const std::string& volume : runtime_->Volumes()) {
    const MongoState state = runtime_->Get(volume);
    if (state.ns == ns && state.cluster == name) runtime_->Stop(volume);
  }
}

void Servers::VolumeGone(const std::string& uid) {
  if (runtime_ != nullptr) runtime_->Remove(uid);
}

bool Servers::Sweep(kube::Cluster& kube) {
  return runtime_ == nullptr || SweepVolumes(*runtime_, kube, "app");
}

}  // namespace slipway::sim::operators::mongodb
