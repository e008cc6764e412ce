#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// Real PostgreSQL servers, one a volume, each on its own port of 127.0.0.1.
//
// Level-based: the caller says what it wants of a volume and is called back when something changed;
// copying, starting, promoting and rewinding happen on the runtime's threads. A volume's directory
// outlives the process; a server never outlives it (parent-death signal, and leftovers are ended on
// start). Any thread; guarded by one mutex that is never held across a system call that waits.
class PostgresRuntime {
 public:
  struct Options {
    std::string data_dir;
    std::string bin;  // directory of the server programs
  };
  enum class Source { kNew, kCopyOfUpstream };

  struct Plan {
    std::string ns, cluster, instance;
    Source source = Source::kNew;  // how an empty volume is filled
    std::string upstream;          // volume to follow; "" to be the primary
    std::string database, owner;   // made on a new primary
    std::string password;          // kept equal to it on a primary
    std::vector<std::string> post_init_sql, post_init_application_sql;
    std::string tls_cert, tls_key;
    Json parameters;
  };

  struct State {
    std::string ns, cluster, instance;
    bool filled = false;   // the data directory is complete
    bool process = false;  // there is a server process, in whatever state
    bool running = false;  // answers connections, in the role that was asked for
    bool exited = false;   // ended by itself; stays down until Restart()
    bool primary = false;
    std::string failure;  // the last step's, "" when it went well
    int port = 0;
    int64_t timeline = 0;
    uint64_t system_id = 0;
  };

  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  // "" when there are no server programs; otherwise their directory.
  static std::string FindPrograms(const std::string& configured);
  // kUnavailable when another process uses the same directory.
  static Result<std::unique_ptr<PostgresRuntime>> Start(Options options, const Clock& clock,
                                                        Logger& log, OnChange on_change);
  ~PostgresRuntime();  // stops every server

  void Want(const std::string& volume, Plan plan);
  // The server stops, the data stays.
  void Stop(const std::string& volume);
  // Lets a server that ended by itself be started again.
  void Restart(const std::string& volume);
  // Stops the server and deletes the data.
  void Remove(const std::string& volume);
  State Get(const std::string& volume) const;
  // Volumes with data or a plan, also those of earlier lives (with an empty State::instance).
  std::vector<std::string> Volumes() const;
  // Asks a running server for its time line and what it has received; the position is 0 when it
  // does not answer. Blocks for at most a few seconds.
  uint64_t Probe(const std::string& volume);

 private:
  struct Impl;
  explicit PostgresRuntime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim::operators::cnpg
