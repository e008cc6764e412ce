#include "devcluster/vitess/client_jobs.h"

#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/backups.h"
#include "devcluster/vitess/bucket_files.h"
#include "devcluster/vitess/servers.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kHangMs = 500;

// A command line of vtctldclient, without what is about the connection.
struct Command {
  std::string verb;
  Json flags = Json::MakeObject();
  std::vector<std::string> words;

  static Command Parse(const Json& container) {
    Command out;
    for (const Json& argument : container["args"].items()) {
      const std::string& text = argument.AsString();
      if (text.rfind("--", 0) != 0) {
        if (out.verb.empty())
          out.verb = text;
        else
          out.words.push_back(text);
      } else if (!out.verb.empty()) {
        const size_t equals = text.find('=');
        out.flags.Set(text.substr(2, equals - 2),
                      equals == std::string::npos ? "true" : text.substr(equals + 1));
      }
    }
    return out;
  }
};

class ClientJob {
 public:
  ClientJob(ClusterPass& pass, Json& storage, const Json& job)
      : pass_(pass), storage_(storage), job_(job) {}

  // True when all commands have ended, or one has failed.
  bool Run(std::string& failure) {
    const Json& pod = job_.At("/spec/template/spec");
    for (const char* list : {"initContainers", "containers"}) {
      for (const Json& container : pod[list].items()) {
        if (!RunOne(Command::Parse(container), failure)) return false;
        if (!failure.empty()) return true;
      }
    }
    return true;
  }

 private:
  bool RunOne(const Command& command, std::string& failure) {
    const std::string of = command.words.empty() ? "" : command.words.front();
    for (const Keyspace& keyspace : pass_.spec.keyspaces) {
      for (const Shard& shard : keyspace.shards) {
        if (of != keyspace.name + "/" + shard.range) continue;
        if (command.verb == "BackupShard") return BackUp(keyspace, shard, command, failure);
        if (command.verb == "RemoveBackup" && command.words.size() == 2)
          return Remove(keyspace, shard, command.words[1], failure);
      }
    }
    failure = "vtctldclient: cannot run " + command.verb + " " + of;
    return true;
  }

  bool BackUp(const Keyspace& keyspace, const Shard& shard, const Command& command,
              std::string& failure) {
    const auto writer = WriterFor(pass_, pass_.spec, shard, command.flags);
    if (!writer) {
      failure = writer.error().message;
      return true;
    }
    BackupRun run{pass_.spec, keyspace, shard, UidOf(job_)};
    run.vtbackup = false;
    run.flags = command.flags;
    run.start_ms = ParseTime(job_.At("/status/startTime").AsString());
    run.by = (*writer)->alias;
    if (const auto ended = pass_.env.servers->Backup(pass_, run, failure)) return *ended;
    if (pass_.spec.fault == "backup-hangs") pass_.RequeueIn(kHangMs);
    if (pass_.spec.fault == "backup-hangs" || !pass_.Due("client-" + UidOf(job_), kJobMs))
      return false;
    if (pass_.spec.fault == "bad-bucket") {
      failure = "NoSuchBucket: The specified bucket does not exist";
      return true;
    }
    BucketEntry entry{
        keyspace.name, shard.safe, {run.start_ms, pass_.now(), run.by, (*writer)->uid}};
    for (const BucketEntry& there : ReadBucket(storage_))
      if (there.SameAs(entry)) return true;
    if (run.incremental()) entry.file.engine = "builtin";
    return Told(WriteBucket(pass_, storage_, entry), failure);
  }

  bool Remove(const Keyspace& keyspace, const Shard& shard, const std::string& name,
              std::string& failure) {
    if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos) {
      failure = "vtctldclient: " + name + " is no backup";
      return true;
    }
    if (auto removed = pass_.env.servers->RemoveBackup(pass_.spec, keyspace, shard, name))
      return Told(*std::move(removed), failure);
    return Told(EraseFromBucket(pass_, storage_, keyspace.name, shard.safe, name), failure);
  }

  static bool Told(const Result<void>& done, std::string& failure) {
    if (!done) failure = done.error().message;
    return true;
  }

  ClusterPass& pass_;
  Json& storage_;
  const Json& job_;
};

bool IsOurs(const ClusterPass& pass, const Json& job) {
  const auto& owners = job["metadata"]["ownerReferences"].items();
  return !BeingDeleted(job) && !JobComplete(job) && !JobFailed(job) &&
         std::any_of(owners.begin(), owners.end(),
                     [&](const Json& owner) { return owner["uid"].AsString() == pass.spec.uid; });
}

}  // namespace

Result<void> PlayClientJobs(ClusterPass& pass, Json& storage) {
  for (Json& job : pass.All("Job")) {
    if (!IsOurs(pass, job)) continue;
    Json* pod = nullptr;
    for (Json& one : pass.All("Pod"))
      if (LabelOf(one, "job-name") == NameOf(job)) pod = &one;
    ClientJob work(pass, storage, job);
    const Hindrance hindrance =
        pod == nullptr ? Hindrance() : Hindrance::ImagePull(*pod, pass.spec.fault);
    TRY_VOID(PlayJob(pass, job, pod,
                     {pod == nullptr ? "" : NodeFor(*pod), pass.spec.fault, hindrance,
                      [&](std::string& failure) { return work.Run(failure); }}));
  }
  return {};
}

}  // namespace slipway::sim::operators::vitess
