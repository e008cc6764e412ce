#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace slipway::app {

// The development cluster of --dev: the program slipway-sim as a child process. It dies with the
// host, however the host ends. Its log lines go to the host's standard error.
//
// Use it from one thread, which must outlive the child: the kernel ends the child when that thread
// ends.
class ClusterProcess {
 public:
  ClusterProcess() = default;
  ~ClusterProcess();  // Stop()
  ClusterProcess(const ClusterProcess&) = delete;
  ClusterProcess& operator=(const ClusterProcess&) = delete;

  // Finds the program beside ours, in libexec, or on PATH; kNotFound lists these places.
  static Result<std::string> Find(const std::string& own_program);

  // Starts the program and waits until it is ready. Its error messages go to standard error.
  Result<void> Start(const std::string& program, const std::vector<std::string>& arguments);
  // Asks the child to end; kills it after 30 s.
  void Stop();

  // Readable once the child has ended; -1 without a child.
  int ended_fd() const { return pidfd_; }

  // How the child ended. Call it after ended_fd() is readable.
  std::string HowItEnded();

 private:
  Result<void> AwaitReady(int output);
  std::string Reap();

  pid_t pid_ = -1;
  int pidfd_ = -1;
};

}  // namespace slipway::app
