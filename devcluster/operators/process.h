#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators {

// The account that runs the database programs: our own or, when we are root, `postgres` (`nobody`
// if there is none), because PostgreSQL refuses to run as root.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  bool change = false;

  static Account ForDatabases();
  // Tells whether the account can reach a path, judging by the modes of all directories above it.
  bool CanReach(const std::string& path) const;
  Result<void> Own(const std::string& path) const;
};

struct Command {
  std::vector<std::string> argv;
  std::string output_file;  // appended to; "" for /dev/null
  Account account;
  std::string input = {};  // the text on its standard input
  // The program gets this signal when the *thread* that started it ends, so start it from a thread
  // that lives as long as the program may. Programs that it starts itself get no signal: see
  // `mark`.
  int death_signal = SIGKILL;
  // A descriptor that the program and its children inherit. EndMarked() finds them by it. -1 for
  // none.
  int mark = -1;
};

// The caller has to reap the process.
Result<pid_t> Spawn(const Command& command);
// Runs a program to its end. Errors: kInternal with the tail of its output when it fails,
// kDeadline, and kCancelled when `cancel_fd` becomes readable (-1 for none).
Result<void> RunToEnd(const Command& command, int64_t timeout_ms, int cancel_fd);
// Does the same and returns the output; only the end of it when it is very long.
Result<std::string> RunForOutput(const Command& command, int64_t timeout_ms, int cancel_fd);
// A descriptor that becomes readable when the process ends; -1 when there is no such process.
int OpenPidfd(pid_t pid);
// Waits for any process, even if it is not our child. True when it is gone.
bool WaitGone(pid_t pid, int64_t timeout_ms);
// Ends every program that has the file of this descriptor as its mark, no matter which life started
// it, and takes the lock of that file. Programs that start with the mark later share the lock with
// us. kUnavailable when one of them does not end.
Result<void> EndMarked(int mark);

}  // namespace slipway::sim::operators
