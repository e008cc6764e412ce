#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "devcluster/operators/server_volumes.h"

namespace slipway::sim::operators::mongodb {

// What we want of a member's server.
struct MongoPlan {
  std::string ns, cluster, instance;
  std::string set;  // the replica set's name
  bool primary = false;
  std::vector<std::string> peers;  // volumes of the other members
  // From the automation config: {user, db, scramSha256Creds, scramSha1Creds}, {user, dbs}.
  Json users_wanted, users_deleted;
  int64_t version = 0;  // of the automation config
};

struct MongoState {
  std::string ns, cluster, instance;
  bool filled = false;   // we know which store the volume belongs to
  bool process = false;  // there is a server process, in whatever state
  bool running = false;  // it answers, in the role that we asked for
  bool exited = false;   // it ended by itself; stays down until Restart()
  bool primary = false;
  std::string failure;  // of the last step, "" when it went well
  int port = 0;         // of the primary; the next primary takes it over
  int64_t version = 0;  // of the plan that it has reached, including users
};

// What the runtime knows of a volume. Guarded by ServerVolumes::mutex.
struct MongoSlot : ServerSlot {
  MongoPlan plan;
  MongoState state;
  bool takes_lead = false;  // it starts as the primary
};

// One FerretDB process per volume. FerretDB speaks MongoDB's protocol over SQLite, but it cannot
// replicate. Instead, the members of a replica set share one store, and only the primary listens,
// on a port that belongs to the set. The others wait on sockets of their own. Each process keeps
// the list of collections in memory, so a member that takes over starts again. FerretDB has no
// roles: every user may do everything.
//
// The runtime writes users with their credentials, as the agents of the real operator do. It does
// so through a server that asks nobody for a password and listens, for a moment, on a socket that
// nobody else can reach.
//
// The runtime is level-based, like the other ones: the caller says what it wants of a volume and is
// called back when something changed. A store lives as long as one of its volumes, and no process
// outlives ours. Any thread may call it.
class MongoRuntime final : public ServerVolumes<MongoSlot> {
 public:
  struct Options {
    std::string data_dir;  // may be that of other runtimes: we use its mongodb/ only
    std::string program;   // as FindProgram() returns it
  };

  // The path of ferretdb, which is looked for on PATH unless it is configured; "" when there is
  // none.
  static std::string FindProgram(const std::string& configured);
  // kUnavailable when another process uses the same directory.
  static Result<std::unique_ptr<MongoRuntime>> Start(Options options, const Clock& clock,
                                                     Logger& log, OnChange on_change);
  ~MongoRuntime() override;  // stops every server

  // The base class has Stop, Restart, Remove and Get.
  void Want(const std::string& volume, MongoPlan plan);

  // Volumes that have data or a plan. Those of earlier lives have an empty State::instance.
  std::vector<std::string> Volumes() const { return Names(); }

 private:
  MongoRuntime(Options options, const Clock& clock_in, Logger& log_in, OnChange on_change_in);

  Result<bool> Fill(const std::string& volume, const MongoSlot& slot) override;
  Result<bool> StartServer(const std::string& volume, const MongoSlot& slot) override;
  Result<bool> Adjust(const std::string& volume, const MongoSlot& slot) override;
  Result<void> Erase(const std::string& volume) override;

  void RemovePidFile(const std::string&) override {}

  std::string PortFile(const std::string& volume) const override;

  Result<void> Launched(const std::string& volume, const MongoSlot& slot);
  Result<void> Lead(const std::string& volume);
  // Makes the users of the store equal to those of the plan, unless they already are.
  Result<void> SetUsers(const std::string& store, const MongoPlan& plan);
  Result<void> ThroughTheDoor(const std::string& store, const std::vector<Json>& commands);
  std::vector<std::string> Arguments(const std::string& store, const std::string& state,
                                     const std::string& socket) const;

  // The store that a volume belongs to; "" for none yet.
  std::string StoreOf(const std::string& volume) const;

  std::string StoreDir(const std::string& store) const { return root.path() + "/stores/" + store; }

  std::string Socket(const std::string& of) const;

  const Options options_;
  std::mutex store_mutex_;                    // guards the assignment of volumes to stores
  std::map<std::string, std::string> users_;  // by store, a hash; guarded by `mutex`
};

}  // namespace slipway::sim::operators::mongodb
