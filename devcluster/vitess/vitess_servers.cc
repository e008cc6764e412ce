#include <algorithm>
#include <filesystem>
#include <map>

#include "devcluster/operators/files.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/volumes.h"
#include "devcluster/vitess/bucket_files.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/servers.h"
#include "devcluster/vitess/vitess_control.h"

namespace slipway::sim::operators::vitess {

namespace {

class VitessServers final : public Servers {
 public:
  VitessServers(std::unique_ptr<Programs> programs, const Clock& clock)
      : programs_(std::move(programs)), control_(*programs_, clock) {}

  bool Answers(ClusterPass& pass, const Json& pod) override {
    const std::string component = LabelOf(pod, kComponent);
    Result<bool> answers = true;
    if (component == "etcd") answers = control_.Etcd(pass);
    if (component == "vtctld") answers = control_.Vtctld(pass, pod);
    if (component == "vtorc") answers = Vtorc(pass, pod);
    if (component == "vtgate") answers = Vtgate(pass, pod);
    return Told(pass, pod, std::move(answers));
  }

  bool Serves(ClusterPass& pass, const ShardView& view, const Tablet& tablet) override {
    const Json* pod = pass.PodOf(tablet);
    return pod != nullptr && Told(pass, *pod, Vttablet(pass, view, tablet));
  }

  bool Leads(ClusterPass& pass, const ShardView& view) override {
    const Tablet* primary = PrimaryOf(view);
    return primary != nullptr &&
           programs_->Get(ProgramName(VolumeOf(pass, *primary), "vttablet")).running;
  }

  void Rest(ClusterPass& pass, const Tablet& tablet) override {
    programs_->StopOf(VolumeOf(pass, tablet));
  }

  // Tablets and vtorc write the topology themselves, and we take over what they wrote.
  Result<void> PlayTopology(ClusterPass& pass) override {
    const std::string tablets = control_.Tablets(pass.spec);
    if (tablets.empty()) return {};
    for (ShardView& view : ShardsOf(pass))
      TRY_VOID(WriteTopology(pass, view, ParseTablets(tablets, view.keyspace, view.shard)));
    return {};
  }

  Result<void> Reparent(ClusterPass& pass, const ShardView& view,
                        const std::string& alias) override {
    return control_.Tell(pass.spec, {"PlannedReparentShard", "--new-primary=" + alias,
                                     view.keyspace.name + "/" + view.shard.range});
  }

  Result<void> DeleteTablet(ClusterPass& pass, const std::string& alias) override {
    return control_.Tell(pass.spec, {"DeleteTablets", "--allow-primary", alias});
  }

  std::optional<bool> Backup(Pass& pass, const BackupRun& run, std::string& failure) override {
    auto ended = RunBackup(pass, run);
    if (ended) return *ended;
    failure = ended.error().message;
    return true;
  }

  std::optional<Result<std::vector<BucketEntry>>> Bucket(const ClusterSpec& spec) override {
    auto all = ListBucket(BucketRoot(spec, programs_->Buckets()), spec);
    // Its full backups are those of the engine builtin, which stands for the one of the spec.
    if (all)
      for (BucketEntry& one : *all)
        if (!one.file.incremental) one.file.engine.clear();
    return all;
  }

  std::optional<Result<void>> RemoveBackup(const ClusterSpec& spec, const Keyspace& keyspace,
                                           const Shard& shard, const std::string& name) override {
    return control_.Tell(spec, {"RemoveBackup", keyspace.name + "/" + shard.range, name});
  }

  std::optional<bool> FindsBackup(const ShardView&, const ClusterSpec&, const Tablet&) override {
    return {};
  }

  Result<void> Publish(ClusterPass& pass) override {
    int port = 0;
    for (const Json& pod : pass.All("Pod")) {
      const std::string name = ProgramName(UidOf(pod), "vtgate");
      if (port != 0 || LabelOf(pod, kComponent) != "vtgate" || !PodReady(pod) ||
          BeingDeleted(pod) || !programs_->Get(name).running)
        continue;
      TRY(port, programs_->Port(name, "mysql"));
    }
    pass.PublishPort(pass.spec.ns, VtgateService(pass.spec), port);
    return {};
  }

  void StopServersOf(kube::Cluster& kube, const Json& pod) override {
    for (const std::string& volume : VolumesOf(kube, pod)) programs_->StopOf(volume);
    programs_->RemoveOf(UidOf(pod));
  }

  void OwnerGone(const std::string& uid) override { programs_->RemoveOf(uid); }

  bool Sweep(kube::Cluster& kube) override {
    auto known = VolumesWith(kube, kClusterLabel);
    auto pods = kube.List("v1", "Pod", "", {.label_selector = kClusterLabel});
    if (!known || !pods) return false;
    for (const Json& pod : pods->items) known->insert(UidOf(pod));
    for (const std::string& name : programs_->Names())
      if (known->count(OwnerOf(name)) == 0 && programs_->Get(name).instance.empty())
        programs_->RemoveOf(OwnerOf(name));
    return true;
  }

 private:
  // Notes why a program cannot start. It is not worth an event that a program has not started yet.
  static bool Told(ClusterPass& pass, const Json& pod, Result<bool> answers) {
    if (answers) return *answers;
    if (answers.error().code == Code::kUnavailable) return false;
    pass.EventOnce(pod, "Warning", "FailedStart", answers.error().message);
    pass.RequeueIn(kRestartMs);
    return false;
  }

  Result<bool> Vtorc(ClusterPass& pass, const Json& pod);
  Result<bool> Vtgate(ClusterPass& pass, const Json& pod);
  // Runs mysqlctld with the server below it, and vttablet beside it.
  Result<bool> Vttablet(ClusterPass& pass, const ShardView& view, const Tablet& tablet);
  // The error says how a backup failed; the next call starts another run.
  Result<bool> RunBackup(Pass& pass, const BackupRun& run);
  // Writes the files that a new server needs into the directory in which it will work.
  Result<void> WriteFiles(const Pass& pass, const std::string& ns, const Shard& shard,
                          const Json& pool, const std::string& directory);

  const std::unique_ptr<Programs> programs_;
  VitessControl control_;
};

Result<bool> VitessServers::Vtorc(ClusterPass& pass, const Json& pod) {
  VitessPlace place;
  if (!control_.Place(pass.spec, place)) return false;
  const std::string name = ProgramName(UidOf(pod), "vtorc");
  TRY(const int http, programs_->Port(name, "http"));
  for (const ShardView& view : ShardsOf(pass)) {
    if (LabelOf(pod, kKeyspaceLabel) != view.keyspace.name ||
        LabelOf(pod, kShardLabel) != view.shard.safe)
      continue;
    Programs::Plan plan;
    plan.argv = control_.Command(
        "vtorc", VtorcLine(place, view.keyspace.name + "/" + view.shard.range, LabelOf(pod, kCell),
                           http, view.keyspace.spec.At("/vitessOrchestrator/extraFlags")));
    plan.probe = {.port = http, .path = "/debug/health", .socket = ""};
    return control_.Keep(pass, name, NameOf(pod), std::move(plan));
  }
  return false;
}

Result<bool> VitessServers::Vtgate(ClusterPass& pass, const Json& pod) {
  VitessPlace place;
  if (!control_.Place(pass.spec, place)) return false;
  const std::string name = ProgramName(UidOf(pod), "vtgate");
  TRY(const std::string directory, programs_->Directory(name));
  VtgateSettings settings;
  settings.cell = LabelOf(pod, kCell);
  settings.users_file = directory + "/users.json";
  Json extra;
  for (const Cell& cell : pass.spec.cells) {
    settings.cells += (settings.cells.empty() ? "" : ",") + cell.name;
    if (cell.name == settings.cell) extra = cell.spec.At("/gateway/extraFlags");
  }
  TRY(settings.http, programs_->Port(name, "http"));
  TRY(settings.grpc, programs_->Port(name, "grpc"));
  TRY(settings.mysql, programs_->Port(name, "mysql"));
  // We write the file again and again, as a kubelet does with a mounted Secret. vtgate looks at it
  // every 30 s.
  TRY(const std::string users, pass.UsersJson());
  TRY_VOID(programs_->Put(settings.users_file, users));
  Programs::Plan plan;
  plan.argv = control_.Command("vtgate", VtgateLine(place, settings, extra));
  plan.probe = {.port = settings.http, .path = "/debug/health", .socket = ""};
  return control_.Keep(pass, name, NameOf(pod), std::move(plan));
}

Result<bool> VitessServers::Vttablet(ClusterPass& pass, const ShardView& view,
                                     const Tablet& tablet) {
  const std::string volume = VolumeOf(pass, tablet);
  if (volume.empty()) return false;
  const std::string mysql = ProgramName(volume, "mysqlctld"),
                    name = ProgramName(volume, "vttablet");
  TRY(const std::string root, programs_->ShortPath(mysql));
  TabletSettings settings;
  settings.init_script = root + "/init_db.sql";
  settings.control_socket = root + "/mysqlctl.sock";
  TRY(settings.mysql, programs_->Port(mysql, "mysql"));
  TRY(settings.http, programs_->Port(name, "http"));
  TRY(settings.grpc, programs_->Port(name, "grpc"));
  if (!programs_->Get(mysql).process)
    TRY_VOID(WriteFiles(pass, pass.spec.ns, view.shard, tablet.pool, root));
  const std::map<std::string, std::string> variables{{"VTDATAROOT", root},
                                                     {"EXTRA_MY_CNF", root + "/extra.cnf"}};
  Programs::Plan server;
  server.argv = control_.Command("mysqlctld", MysqlctldLine(tablet, settings), variables);
  server.probe.socket = settings.control_socket;
  const bool answers = control_.Keep(pass, mysql, tablet.name, std::move(server));
  VitessPlace place;
  if (!control_.Place(pass.spec, place) || (!answers && !programs_->Get(name).process))
    return false;
  place.bucket = RootByFlags(pass.spec, tablet, programs_->Buckets()).value_or(place.bucket);
  Programs::Plan plan;
  plan.argv = control_.Command(
      "vttablet",
      VttabletLine(place, view.keyspace, view.shard, WithoutRootFlags(tablet), settings),
      variables);
  plan.probe = {.port = settings.http, .path = "/healthz", .socket = ""};
  return control_.Keep(pass, name, tablet.name, std::move(plan));
}

Result<bool> VitessServers::RunBackup(Pass& pass, const BackupRun& run) {
  pass.RequeueIn(kRestartMs);
  VitessPlace place;
  if (!control_.Place(run.spec, place)) return false;
  TRY_VOID(MakeBucketPath(place.bucket, Account::ForDatabases()));
  const std::string name = ProgramName(run.owner, "vtbackup");
  Programs::Plan plan;
  plan.ns = run.spec.ns;
  plan.cluster = run.spec.name;
  plan.instance = run.owner;
  plan.once = true;
  if (run.vtbackup) {
    TRY(const std::string root, programs_->ShortPath(name));
    TRY(const int mysql, programs_->Port(name, "mysql"));
    TRY_VOID(WriteFiles(pass, run.spec.ns, run.shard, run.shard.tablets.front().pool, root));
    plan.argv = control_.Command("vtbackup", VtbackupLine(place, run, root + "/init_db.sql", mysql),
                                 {{"VTDATAROOT", root}, {"EXTRA_MY_CNF", root + "/extra.cnf"}});
  } else {
    TRY_VOID(programs_->Directory(name));
    TRY(plan.argv, control_.ClientLine(run.spec, BackupShardLine(run)));
  }
  programs_->Want(name, std::move(plan));
  const Programs::State state = programs_->Get(name);
  if (!state.exited) return false;
  if (state.ok) return true;
  programs_->Restart(name);
  return Error{Code::kInternal, "BackupFailed", state.failure};
}

Result<void> VitessServers::WriteFiles(const Pass& pass, const std::string& ns, const Shard& shard,
                                       const Json& pool, const std::string& directory) {
  TRY(const std::string script, SecretText(pass, ns, shard.spec["databaseInitScriptSecret"]));
  TRY_VOID(programs_->Put(directory + "/init_db.sql", script));
  return programs_->Put(directory + "/extra.cnf", ExtraMyCnf(pool));
}

}  // namespace

Result<std::unique_ptr<Servers>> MakeVitessServers(const BehaviourOptions& options,
                                                   const Clock& clock, Logger& log,
                                                   Servers::OnChange on_change) {
  TRY(auto programs, Programs::Start({options.data_dir, VitessPrograms(options),
                                      std::filesystem::path(options.mysql_bin).parent_path()},
                                     clock, log, std::move(on_change)));
  return std::unique_ptr<Servers>(std::make_unique<VitessServers>(std::move(programs), clock));
}

}  // namespace slipway::sim::operators::vitess
