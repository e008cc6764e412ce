#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace slipway::connect {

// A bound socket of 127.0.0.1 without a listener. The kernel refuses connections to it, and no
// other program can take the port.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  ~ClosedPort() { ::close(fd_); }

  int port() const { return port_; }

  int fd() const { return fd_; }

  void Listen() const { ::listen(fd_, 16); }

 private:
  int fd_, port_ = 0;
};

// One accepted connection, for the script of a test.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  bool Send(const std::string& bytes) const {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<size_t>(n);
    }
    return true;
  }

  // Reads `size` bytes; fewer when the client went away.
  std::string Read(size_t size) const {
    std::string out(size, '\0');
    const ssize_t n = size == 0 ? 0 : ::recv(fd_, out.data(), size, MSG_WAITALL);
    out.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
    return out;
  }

  // Reads all bytes until the client goes away.
  std::string ReadAll() const {
    std::string out, part;
    while (!(part = Read(1)).empty()) out += part;
    return out;
  }

 private:
  const int fd_;
};

// A server that plays a script to one client after the other and then hangs up.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(const Peer&)> script) : script_(std::move(script)) {
    ::signal(SIGPIPE, SIG_IGN);  // like the programs that use the connectors
    port_.Listen();
    thread_ = std::thread([this] { Serve(); });
  }

  ~ScriptedServer() {
    ::shutdown(port_.fd(), SHUT_RDWR);  // accept() ends
    thread_.join();
  }

  int port() const { return port_.port(); }

 private:
  void Serve() const {
    for (int fd; (fd = ::accept4(port_.fd(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      script_(Peer(fd));
      ::close(fd);
    }
  }

  const ClosedPort port_;
  const std::function<void(const Peer&)> script_;
  std::thread thread_;
};

// Little-endian.
inline std::string Number(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

// A call that returns in this time does not hang. The bound is generous, because the machine may be
// busy.
inline constexpr int64_t kPromptMs = 20'000;

// The duration of `f`.
template <class F>
int64_t ElapsedMs(F&& f) {
  const auto began = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               began)
      .count();
}

}  // namespace slipway::connect
