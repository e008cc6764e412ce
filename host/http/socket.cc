#include "http/socket.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slipway::http {
namespace {

constexpr int kBacklog = 1024;

void SetOption(int fd, int level, int name, int value) {
  // This is only tuning: a socket without the option still works.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

std::string PeerName(const sockaddr_storage& from) {
  char text[INET6_ADDRSTRLEN] = "";
  if (from.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &from, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return text;
  }
  if (from.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &from, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  const std::string name = text;
  return name.starts_with("::ffff:") ? name.substr(7) : name;
}

Error Unusable(const std::string& where, int error) {
  const bool in_use = error == EADDRINUSE;
  return Error{Code::kUnavailable, in_use ? "AddressInUse" : "AddressUnusable",
               "cannot listen on " + where + ": " + std::strerror(error)};
}

}  // namespace

Result<Listening> Listen(const std::string& address, uint16_t port) {
  const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  const std::string host = brackets ? address.substr(1, address.size() - 2) : address;
  const std::string where = address + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* raw = nullptr;
  if (const int rc = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                   std::to_string(port).c_str(), &hints, &raw);
      rc != 0) {
    return Error{Code::kUnavailable, "AddressUnusable",
                 "cannot resolve " + where + ": " + ::gai_strerror(rc)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* entry = raw; entry; entry = entry->ai_next) {
    const int fd = ::socket(entry->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::bind(fd, entry->ai_addr, entry->ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0 &&
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) == 0) {
      in_port_t network_port = 0;  // at the same offset in both families
      std::memcpy(&network_port,
                  reinterpret_cast<const char*>(&bound) + offsetof(sockaddr_in, sin_port),
                  sizeof network_port);
      return Listening{fd, ntohs(network_port)};
    }
    error = errno;
    ::close(fd);
  }
  return Unusable(where, error);
}

int AcceptOne(int listen_fd, std::string& peer) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int fd =
      ::accept4(listen_fd, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) peer = PeerName(from);
  return fd;
}

void TuneSocket(int fd, int64_t user_timeout_ms) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
            static_cast<int>(std::clamp<int64_t>(user_timeout_ms, 1000, 600'000)));
}

}  // namespace slipway::http
