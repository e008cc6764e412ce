#include "devcluster/vitess/vitess_control.h"

#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kCommandMs = 40'000;

}  // namespace

bool VitessControl::Keep(ClusterPass& pass, const std::string& name, const std::string& instance,
                         Programs::Plan plan) {
  plan.ns = pass.spec.ns;
  plan.cluster = pass.spec.name;
  plan.instance = instance;
  programs_.Want(name, std::move(plan));
  const Programs::State state = programs_.Get(name);
  const std::string wait = "restart-" + name;
  if (!state.exited) {
    pass.Reset(wait);
    return state.running;
  }
  const int64_t since = pass.memory.since.try_emplace(wait, pass.now()).first->second;
  pass.RequeueIn(kRestartMs);
  if (pass.now() - since < kRestartMs) return false;
  pass.Reset(wait);
  programs_.Restart(name);
  return false;
}

Line VitessControl::Command(const char* program, const Line& arguments,
                            const std::map<std::string, std::string>& variables) const {
  Line out = programs_.Line(program, variables);
  out.insert(out.end(), arguments.begin(), arguments.end());
  return out;
}

// One etcd process stands for the three members: it runs in the pod of the first.
std::string VitessControl::EtcdProgram(ClusterPass& pass) {
  const Json* claim = pass.Find("PersistentVolumeClaim", EtcdName(pass.spec.name) + "-1");
  return claim == nullptr ? "" : ProgramName(UidOf(*claim), "etcd");
}

Result<bool> VitessControl::Etcd(ClusterPass& pass) {
  const std::string name = EtcdProgram(pass);
  const Json* pod = pass.Find("Pod", EtcdName(pass.spec.name) + "-1");
  if (name.empty() || pod == nullptr || !PodActive(*pod) || !PodRunning(*pod)) return false;
  TRY(const std::string directory, programs_.Directory(name));
  TRY(const int client, programs_.Port(name, "client"));
  TRY(const int peer, programs_.Port(name, "peer"));
  Programs::Plan plan;
  plan.argv = Command("/usr/bin/etcd", EtcdLine(directory, client, peer));
  plan.probe = {.port = client, .path = "/health", .socket = ""};
  return Keep(pass, name, NameOf(*pod), std::move(plan));
}

Result<bool> VitessControl::Vtctld(ClusterPass& pass, const Json& pod) {
  const std::string etcd = EtcdProgram(pass);
  if (etcd.empty() || !programs_.Get(etcd).running) return false;
  TRY(const int client, programs_.Port(etcd, "client"));
  const VitessPlace place = PlaceOf(pass.spec, client, programs_.Buckets());
  const std::string name = ProgramName(UidOf(pod), "vtctld");
  TRY(const int http, programs_.Port(name, "http"));
  TRY(const int grpc, programs_.Port(name, "grpc"));
  Programs::Plan plan;
  plan.argv = Command("vtctld", VtctldLine(place, LabelOf(pod, kCell), http, grpc));
  plan.probe = {.port = http, .path = "/debug/health", .socket = ""};
  TRY(plan.ask, LineTo(name, {"GetTablets", "--format=json"}));
  if (!Keep(pass, name, NameOf(pod), std::move(plan))) return false;
  return SetUp(pass, place, name);
}

// Runs once per life, and for each new cell and keyspace.
Result<bool> VitessControl::SetUp(ClusterPass& pass, const VitessPlace& place,
                                  const std::string& vtctld) {
  const Known known = KnownOf(pass.spec);
  std::set<std::string> set_up = known.set_up;
  for (const Line& line : SetUpLines(pass.spec, place)) {
    const std::string key = line.front() + "/" + line.back();
    if (set_up.count(key) != 0) continue;
    TRY(const Line command, LineTo(vtctld, line));
    auto done = programs_.Run(command, kCommandMs);
    if (!done && done.error().message.find("already exists") == std::string::npos)
      return std::move(done).error();
    set_up.insert(key);
  }
  const std::lock_guard lock(mutex_);
  Known& live = known_[pass.spec.uid];
  live.place = place;
  live.vtctld = vtctld;
  live.set_up = std::move(set_up);
  return true;
}

Result<Line> VitessControl::LineTo(const std::string& vtctld, const Line& arguments) {
  TRY(const int grpc, programs_.Port(vtctld, "grpc"));
  Line all{"--server=127.0.0.1:" + std::to_string(grpc), "--action-timeout=30s"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return Command("vtctldclient", all);
}

VitessControl::Known VitessControl::KnownOf(const ClusterSpec& spec) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(spec.uid);
  return found == known_.end() ? Known() : found->second;
}

bool VitessControl::Place(const ClusterSpec& spec, VitessPlace& place) {
  const Known known = KnownOf(spec);
  place = known.place;
  return std::all_of(spec.keyspaces.begin(), spec.keyspaces.end(), [&](const Keyspace& one) {
    return known.set_up.count("CreateKeyspace/" + one.name) != 0;
  });
}

Result<Line> VitessControl::ClientLine(const ClusterSpec& spec, const Line& arguments) {
  const std::string vtctld = KnownOf(spec).vtctld;
  if (vtctld.empty() || !programs_.Get(vtctld).running)
    return Error{Code::kUnavailable, "NoVtctld", "no vtctld answers"};
  return LineTo(vtctld, arguments);
}

Result<void> VitessControl::Tell(const ClusterSpec& spec, const Line& arguments) {
  TRY(const Line line, ClientLine(spec, arguments));
  auto done = programs_.Run(line, kCommandMs);
  const std::lock_guard lock(mutex_);
  known_[spec.uid].told_ms = clock_.SteadyMs();
  if (!done) return std::move(done).error();
  return {};
}

std::string VitessControl::Tablets(const ClusterSpec& spec) {
  const Known known = KnownOf(spec);
  const Programs::State state = programs_.Get(known.vtctld);
  return state.running && state.asked_ms > known.told_ms ? state.answer : "";
}

}  // namespace slipway::sim::operators::vitess
