#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "devcluster/operators/server_volumes.h"

namespace slipway::sim::operators::vitess {

// The uid in the name of a program.
inline std::string OwnerOf(const std::string& program) {
  return program.substr(0, program.find('.'));
}

// Keeps programs running. A program has a name, "UID.PROGRAM", where the uid is that of the claim
// or the pod that it belongs to. It also has a directory of its own that outlives it; no program
// outlives us. The caller says again and again what it wants. Starting and looking happen on
// threads of their own, which call back when something changed. Any thread may call it.
class Programs {
 public:
  struct Options {
    std::string data_dir;  // we use its vitess/ only
    std::string vitess;    // directory of the programs of Vitess
    std::string mysql;     // directory that contains the bin/ of MySQL
  };

  // How we ask a program whether it is well.
  struct Probe {
    int port = 0;
    std::string path;    // a GET of it answers 200
    std::string socket;  // or the program accepts connections at this path
  };

  struct Plan {
    std::string ns, cluster, instance;
    std::vector<std::string> argv;  // a change takes effect at the next start
    Probe probe;
    // A command that runs once a second while the program is well; its output is State::answer.
    std::vector<std::string> ask;
    // The program ends by itself, as a job does. It is never started again, and State::failure says
    // how it ended.
    bool once = false;
  };

  struct State {
    std::string ns, cluster, instance;
    bool filled = false;   // for ServerVolumes
    bool process = false;  // there is a process
    bool running = false;  // and the program is well
    bool exited = false;   // it ended by itself; stays down until Restart()
    bool ok = false;       // a program that runs once has ended well
    int port = 0;          // for ServerVolumes
    std::string failure, answer;
    int64_t asked_ms = 0;  // steady time at which we asked for the answer
  };

  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  // kUnavailable when another process uses the same directory.
  static Result<std::unique_ptr<Programs>> Start(Options options, const Clock& clock, Logger& log,
                                                 OnChange on_change);
  ~Programs();  // stops every program

  // The program's directory, and a port for one of its uses. Both stay the same. kUnavailable when
  // the owner is gone.
  Result<std::string> Directory(const std::string& name);
  Result<int> Port(const std::string& name, const std::string& use);
  // A path to its directory that leaves room for the names of sockets below it.
  Result<std::string> ShortPath(const std::string& name);
  // Writes a file into a directory of ours, unless it has this text already.
  Result<void> Put(const std::string& path, const std::string& text);

  void Want(const std::string& name, Plan plan);
  void Restart(const std::string& name);
  // Stops all programs of a claim or a pod.
  void StopOf(const std::string& uid);
  // Stops these programs for ever and deletes their directories.
  void RemoveOf(const std::string& uid);
  State Get(const std::string& name) const;
  // The names include programs of earlier lives, which have an empty State::instance.
  std::vector<std::string> Names() const;

  // Runs one of our programs to its end and returns what it printed.
  Result<std::string> Run(std::vector<std::string> argv, int64_t timeout_ms);

  // A command line that runs `program` in the environment that it needs.
  std::vector<std::string> Line(const std::string& program,
                                const std::map<std::string, std::string>& variables = {}) const;
  // The directory in which all clusters keep what outlives them.
  std::string Buckets() const;

 private:
  struct Impl;
  explicit Programs(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim::operators::vitess
