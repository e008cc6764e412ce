#include "canned_server.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::bench {
namespace {

std::string Reply(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void SendEvents(int fd, int events) {
  SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
  std::string batch;
  for (int i = 0; i < events; ++i) {
    batch += R"({"type":"MODIFIED","object":)" + PodJson(i) + "}\n";
    if (batch.size() < (256u << 10) && i + 1 < events) continue;
    SendAll(fd, batch);
    batch.clear();
  }
}

[[noreturn]] void Serve(int listen_fd, int events) {
  const std::string discovery = Reply(
      R"({"kind":"APIResourceList","resources":[{"name":"namespaces","kind":"Namespace","namespaced":false},
         {"name":"pods","kind":"Pod","namespaced":true}]})");
  const std::string list = Reply(R"({"metadata":{"resourceVersion":"1"},"items":[]})");
  const std::string object = Reply(
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default","uid":"7c1b3b2e-6a80-4c7d-9d0e-1f2a3b4c5d6e",
         "resourceVersion":"41","creationTimestamp":"2026-11-22T06:00:00Z","labels":{"kubernetes.io/metadata.name":"default"},
         "managedFields":[{"manager":"kube-apiserver","operation":"Update","apiVersion":"v1","time":"2026-11-22T06:00:00Z",
         "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:kubernetes.io/metadata.name":{}}}}}]},
         "spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}})");
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const auto add = [&](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  };
  add(listen_fd);
  std::map<int, std::string> buffers;
  epoll_event ready[64];
  while (true) {
    const int n = epoll_wait(epoll_fd, ready, 64, -1);
    for (int i = 0; i < n; ++i) {
      const int fd = ready[i].data.fd;
      if (fd == listen_fd) {
        const int accepted = ::accept(listen_fd, nullptr, nullptr);
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add(accepted);
        continue;
      }
      char data[16'384];
      const ssize_t got = ::recv(fd, data, sizeof data, 0);
      if (got <= 0) {
        ::close(fd);
        buffers.erase(fd);
        continue;
      }
      std::string& buffer = buffers[fd];
      buffer.append(data, static_cast<size_t>(got));
      for (size_t end; (end = buffer.find("\r\n\r\n")) != std::string::npos;
           buffer.erase(0, end + 4)) {
        const std::string_view line = std::string_view(buffer).substr(0, buffer.find("\r\n"));
        if (line.find("watch=true") != std::string_view::npos) {
          SendEvents(fd, events);
        } else if (line.starts_with("GET /api/v1 ")) {
          SendAll(fd, discovery);
        } else {
          SendAll(fd, line.find("/pods") != std::string_view::npos ? list : object);
        }
      }
    }
  }
}

}  // namespace

std::string PodJson(int number) {
  const std::string version = std::to_string(1000 + number);
  std::string env, managed, conditions;
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    if (i > 0) env += ",", managed += ",", conditions += ",";
    env += R"({"name":"VARIABLE_)" + n + R"(","value":"some value number )" + n + R"("})";
    managed += R"("k:{\"name\":\"VARIABLE_)" + n + R"(\"}":{".":{},"f:name":{},"f:value":{}})";
    conditions +=
        R"({"type":"Condition)" + n +
        R"(","status":"True","lastTransitionTime":"2026-11-22T06:00:00Z","lastProbeTime":null})";
  }
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"orders-)" +
         std::to_string(number % 100) +
         R"(","namespace":"acme","uid":"7c1b3b2e-6a80-4c7d-9d0e-1f2a3b4c5d6e","resourceVersion":")" +
         version +
         R"(","labels":{"slipway.dev/instance":"ins_1","cnpg.io/cluster":"orders","cnpg.io/instanceRole":"primary"},"managedFields":[{"manager":"manager","operation":"Update","fieldsV1":{"f:spec":{"f:containers":{)" +
         managed +
         R"(}}}}]},"spec":{"nodeName":"node-1","containers":[{"name":"postgres","image":"ghcr.io/cloudnative-pg/postgresql:17.2","env":[)" +
         env +
         R"(],"resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]},"status":{"phase":"Running","podIP":"10.1.2.3","conditions":[)" +
         conditions +
         R"(],"containerStatuses":[{"name":"postgres","ready":true,"restartCount":0}]}})";
}

CannedServer::CannedServer(int events) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 256) != 0)
    std::abort();
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  pid_ = ::fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Serve(fd, events);
  }
  ::close(fd);
}

CannedServer::~CannedServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace slipway::bench
