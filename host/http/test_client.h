#pragma once

// A raw socket client and a server with a scriptable handler, for this module's tests.

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"

namespace slipway::http {

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

struct Reply {
  int status = 0;  // 0: no complete response came
  std::string head;
  std::string body;

  bool Has(std::string_view line) const { return head.find(line) != head.npos; }
};

// Blocking. Every wait has a deadline, so that a broken server fails a test instead of hanging it.
class Client {
 public:
  static constexpr int kDeadlineMs = 10'000;

  explicit Client(uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }

  ~Client() { Close(); }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }

  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  // The next close sends RST.
  void Reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }

  // False when the server closed before all bytes were sent.
  bool Send(std::string_view data) {
    while (!data.empty()) {
      pollfd waiting{fd_, POLLOUT, 0};
      if (::poll(&waiting, 1, kDeadlineMs) != 1) return false;
      const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) continue;
      if (sent < 0) return false;
      data.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Appends the next bytes; false at the end of the stream or at the deadline.
  bool More(int deadline_ms = kDeadlineMs) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, deadline_ms) != 1) return timed_out_ = true, false;
    char chunk[65536];
    const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    received_.append(chunk, static_cast<size_t>(got));
    return true;
  }

  // Reads the next response, its body by Content-Length or by chunks.
  Reply Read(bool head_request = false) {
    Reply reply;
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == received_.npos) {
      if (!More()) return reply;
    }
    reply.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    reply.status = std::atoi(reply.head.c_str() + std::strlen("HTTP/1.1 "));
    if (head_request || reply.status == 100 || reply.status == 204) return reply;
    if (const size_t at = reply.head.find("Content-Length: "); at != std::string::npos) {
      const size_t size = std::strtoul(reply.head.c_str() + at + 16, nullptr, 10);
      while (received_.size() < size) {
        if (!More()) return reply.status = 0, reply;
      }
      reply.body = received_.substr(0, size);
      received_.erase(0, size);
    } else if (reply.Has("Transfer-Encoding: chunked")) {
      std::string chunk;
      while (ReadChunk(chunk) && !chunk.empty()) reply.body += chunk;
    }
    return reply;
  }

  // Reads one chunk's data, empty for the last chunk; false when the stream broke off.
  bool ReadChunk(std::string& data) {
    size_t line;
    while ((line = received_.find("\r\n")) == received_.npos) {
      if (!More()) return false;
    }
    const size_t size = std::strtoul(received_.c_str(), nullptr, 16);
    while (received_.size() < line + 2 + size + 2) {
      if (!More()) return false;
    }
    data = received_.substr(line + 2, size);
    received_.erase(0, line + 2 + size + 2);
    return true;
  }

  Reply Get(std::string_view path) {
    Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return Read();
  }

  // True when the server ends the connection; earlier bytes stay in received().
  bool AtEnd() {
    while (More()) {
    }
    return !timed_out_;
  }

  const std::string& received() const { return received_; }

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string received_;
};

// A server on a free port. Without a handler it echoes: "METHOD path body-size".
class TestServer {
 public:
  explicit TestServer(Handler handler = {}, Options options = {})
      : log_(clock_, STDERR_FILENO, Logger::Format::kHuman, Logger::Level::kError),
        server_(options, handler ? std::move(handler) : Handler(Echo), Refuse, log_) {
    const Result<void> started = server_.Start();
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
  }

  static void Echo(std::shared_ptr<Exchange> exchange) {
    const Request& request = exchange->request();
    Response response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.path + " " + std::to_string(request.body.size());
    exchange->Respond(std::move(response));
  }

  static Response Refuse(int status, std::string_view reason, std::string_view request_id) {
    Response response;
    response.status = status;
    response.body = "{\"reason\":\"" + std::string(reason) + "\"}";
    if (!request_id.empty()) response.headers.emplace_back("X-Request-Id", request_id);
    return response;
  }

  uint16_t port() const { return server_.port(); }

  Server& server() { return server_; }

  Logger& log() { return log_; }

 private:
  SystemClock clock_;
  Logger log_;
  Server server_;
};

// Keeps exchanges until the test answers them.
class Parked {
 public:
  Handler Park() {
    return [this](std::shared_ptr<Exchange> exchange) {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(exchange));
      arrived_.notify_all();
    };
  }

  std::shared_ptr<Exchange> Take() {
    std::unique_lock lock(mutex_);
    const bool there =
        arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return !waiting_.empty(); });
    EXPECT_TRUE(there);
    if (!there) return nullptr;
    auto exchange = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return exchange;
  }

  size_t size() {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::shared_ptr<Exchange>> waiting_;
};

inline Response Text(std::string body) {
  Response response;
  response.body = std::move(body);
  response.content_type = "text/plain";
  return response;
}

// Polls up to a bound, for states that only another thread of the server can reach.
template <class Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

}  // namespace slipway::http
