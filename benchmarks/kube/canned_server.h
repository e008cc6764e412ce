#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace slipway::bench {

// An API server in a process of its own, so that its CPU time is not the client's. Answers GETs
// from memory; a watch gets `events` events as fast as it reads them.
class CannedServer {
 public:
  explicit CannedServer(int events);
  ~CannedServer();  // ends the process
  CannedServer(const CannedServer&) = delete;
  CannedServer& operator=(const CannedServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  uint16_t port_ = 0;
  pid_t pid_ = -1;
};

// About 6 KB of a running instance's pod, with managedFields, as the server sends it.
std::string PodJson(int number);

}  // namespace slipway::bench
