#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace slipway::kube {

// An HTTP proxy that knows only CONNECT. It has one thread per tunnel.
class ConnectProxy {
 public:
  ConnectProxy();
  ~ConnectProxy();
  ConnectProxy(const ConnectProxy&) = delete;
  ConnectProxy& operator=(const ConnectProxy&) = delete;

  const std::string& port() const { return port_; }

  int tunnels() const { return tunnels_; }

 private:
  void Accept();
  void Tunnel(int client);

  int listen_fd_ = -1, stop_fd_ = -1;
  std::string port_;
  std::atomic<int> tunnels_{0};
  std::vector<std::thread> threads_;
  std::thread accept_;
};

}  // namespace slipway::kube
