#pragma once

#include <chrono>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::sim::operators {

// Runs `life` in a process of its own and kills that process with SIGKILL at the moment. Returns
// false when the moment never comes.
template <class Life, class Moment>
bool KillTheOwnerAt(Moment moment, Life life) {
  const pid_t owner = fork();
  if (owner < 0) return false;
  if (owner == 0) {
    life();
    pause();
    _exit(0);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  bool came = false;
  while (!(came = moment()) && std::chrono::steady_clock::now() < deadline) usleep(500);
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  return came;
}

}  // namespace slipway::sim::operators
