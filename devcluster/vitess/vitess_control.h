#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "devcluster/vitess/programs.h"
#include "devcluster/vitess/vitess_lines.h"

namespace slipway::sim::operators::vitess {

// The pace does not scale this: programs that fail must not use up the machine.
inline constexpr int64_t kRestartMs = 1000;

// The name of a program; the uid is that of the claim or the pod that it belongs to.
inline std::string ProgramName(const std::string& uid, const char* program) {
  return uid + "." + program;
}

// The central programs of each VitessCluster, etcd and the vtctlds, and what the operator tells
// them. Any thread may call it.
class VitessControl {
 public:
  VitessControl(Programs& programs, const Clock& clock) : programs_(programs), clock_(clock) {}

  // Asks for a program, also after it has ended. True when it is well.
  bool Keep(ClusterPass& pass, const std::string& name, const std::string& instance,
            Programs::Plan plan);
  Line Command(const char* program, const Line& arguments,
               const std::map<std::string, std::string>& variables = {}) const;

  // Run the programs of such pods. A vtctld is well when it knows the cells and keyspaces.
  Result<bool> Etcd(ClusterPass& pass);
  Result<bool> Vtctld(ClusterPass& pass, const Json& pod);

  // Tells where the cluster's programs meet; false as long as cells or keyspaces are not
  // registered.
  bool Place(const ClusterSpec& spec, VitessPlace& place);
  // A command line that asks vtctld; kUnavailable when no vtctld answers.
  Result<Line> ClientLine(const ClusterSpec& spec, const Line& arguments);
  // Gives vtctld a command and waits until it is done.
  Result<void> Tell(const ClusterSpec& spec, const Line& arguments);
  // What vtctld says about all tablets, if that is younger than our last command; otherwise "".
  std::string Tablets(const ClusterSpec& spec);

 private:
  struct Known {
    VitessPlace place;
    std::string vtctld;            // the program that answered last
    std::set<std::string> set_up;  // what we have told it
    int64_t told_ms = 0;           // steady time of the last change
  };

  std::string EtcdProgram(ClusterPass& pass);
  Result<bool> SetUp(ClusterPass& pass, const VitessPlace& place, const std::string& vtctld);
  Result<Line> LineTo(const std::string& vtctld, const Line& arguments);
  Known KnownOf(const ClusterSpec& spec);

  Programs& programs_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by the cluster's uid
};

}  // namespace slipway::sim::operators::vitess
