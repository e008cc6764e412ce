#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators {

// Whom the database programs run as: ourselves, or `postgres` (else `nobody`) when we are root,
// because PostgreSQL refuses root.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  bool change = false;

  static Account ForDatabases();
  // Whether it can reach a path, going by the modes of all directories above it.
  bool CanReach(const std::string& path) const;
  Result<void> Own(const std::string& path) const;
};

struct Command {
  std::vector<std::string> argv;
  std::string output_file;  // appended; "" for /dev/null
  Account account;
  std::string input = {};  // on its standard input
};

// Starts a program that gets SIGQUIT when the calling *thread* ends, so call it from one that lives
// as long as the program may. The caller reaps it.
Result<pid_t> Spawn(const Command& command);
// Runs a program to its end; kInternal with the tail of its output when it fails, kDeadline,
// kCancelled when `cancel_fd` becomes readable (-1 for none).
Result<void> RunToEnd(const Command& command, int64_t timeout_ms, int cancel_fd);
// The same, and what it printed; of very much only the end.
Result<std::string> RunForOutput(const Command& command, int64_t timeout_ms, int cancel_fd);
// A descriptor that becomes readable when the process ends; -1 when there is no such process.
int OpenPidfd(pid_t pid);
// Waits for any process, also not our child. True when it is gone.
bool WaitGone(pid_t pid, int64_t timeout_ms);
// Ends the process of a pid file from an earlier life, if that is still `program` and has
// `argument`.
void EndLeftover(const std::string& pid_file, const std::string& program,
                 const std::string& argument);

}  // namespace slipway::sim::operators
