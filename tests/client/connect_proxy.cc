#include "connect_proxy.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slipway::kube {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool Copy(int from, int to) {
  char buffer[16'384];
  const ssize_t n = ::recv(from, buffer, sizeof buffer, 0);
  return n > 0 && ::send(to, buffer, static_cast<size_t>(n), MSG_NOSIGNAL) == n;
}

}  // namespace

ConnectProxy::ConnectProxy() {
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listen_fd_, 16) != 0)
    std::abort();
  getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = std::to_string(ntohs(address.sin_port));
  accept_ = std::thread([this] { Accept(); });
}

ConnectProxy::~ConnectProxy() {
  const uint64_t one = 1;
  (void)!::write(stop_fd_, &one, sizeof one);
  accept_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listen_fd_);
  ::close(stop_fd_);
}

void ConnectProxy::Accept() {
  while (true) {
    pollfd fds[2] = {{listen_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 || fds[1].revents != 0) return;
    const int client = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) threads_.emplace_back([this, client] { Tunnel(client); });
  }
}

void ConnectProxy::Tunnel(int client) {
  std::string head;
  char c = 0;
  while (head.find("\r\n\r\n") == std::string::npos && ::recv(client, &c, 1, 0) == 1) head += c;
  // A line such as "CONNECT 127.0.0.1:6443 HTTP/1.1". We ignore the host, since all are on
  // loopback.
  const int port = std::atoi(head.c_str() + std::min(head.find(':') + 1, head.size()));
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  bool open = head.starts_with("CONNECT ") &&
              ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (open) {
    ++tunnels_;
    constexpr std::string_view kYes = "HTTP/1.1 200 OK\r\n\r\n";
    (void)::send(client, kYes.data(), kYes.size(), MSG_NOSIGNAL);
  }
  while (open) {
    pollfd fds[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    open = ::poll(fds, 3, -1) > 0 && fds[2].revents == 0 &&
           (fds[0].revents == 0 || Copy(client, server)) &&
           (fds[1].revents == 0 || Copy(server, client));
  }
  ::close(server);
  ::close(client);
}

}  // namespace slipway::kube
