#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kube/client.h"

namespace slipway::kube {

struct ServerTls {
  std::string cert_pem, key_pem;
  std::string client_ca_pem;  // a client certificate is demanded when set
};

// An HTTP/1.1 server for tests that plays what a script says, byte by byte. A thread a connection.
class ScriptedServer {
 public:
  struct Request {
    std::string method, target, path, body;             // target is path and query
    std::map<std::string, std::string> query, headers;  // header names in lower case
    int number = 0;                                     // of all requests, from 1
    int connection = 0;                                 // from 1
  };

  // One connection as a script uses it.
  class Connection {
   public:
    void Raw(std::string_view bytes);
    void Reply(int status, std::string_view body, std::string_view extra_headers = {});
    void BeginChunks(int status = 200);
    void Chunk(std::string_view data);
    void EndChunks();
    void Close();  // at once; the request may stay without an answer
    void Hang();   // blocks until the server ends or the client hangs up

    bool open() const { return fd_ >= 0; }

   private:
    friend class ScriptedServer;
    bool ReadMore(std::string& buffer);
    int fd_ = -1;
    void* ssl_ = nullptr;
    ScriptedServer* server_ = nullptr;
  };

  using Script = std::function<void(const Request&, Connection&)>;

  explicit ScriptedServer(Script script, uint16_t port = 0, const ServerTls* tls = nullptr);
  ~ScriptedServer();

  uint16_t port() const { return port_; }

  Config config() const;
  std::vector<Request> requests() const;
  // Blocks until `count` requests for which the predicate holds have arrived; false after 10 s.
  bool WaitFor(size_t count, const std::function<bool(const Request&)>& matches) const;
  size_t Count(const std::function<bool(const Request&)>& matches) const;

 private:
  void Accept();
  void Serve(int fd, int number);
  bool ReadRequest(Connection& connection, std::string& buffer, Request& request);

  const Script script_;
  int listen_fd_ = -1, stop_fd_ = -1;
  uint16_t port_ = 0;
  void* ssl_context_ = nullptr;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<Request> requests_;
  std::vector<std::thread> threads_;
  std::thread accept_;
};

// A moment a test and a script both know. Opens once.
class Gate {
 public:
  void Open();
  bool Wait();  // false after 10 s

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

// Short waits for tests.
ClientOptions FastOptions();
// What discovery answers for v1 (ConfigMap, Pod, Namespace) and db.example.org/v1 (Cluster);
// false when the request is for something else.
bool AnswerDiscovery(const ScriptedServer::Request& request,
                     ScriptedServer::Connection& connection);
std::string ConfigMapJson(const std::string& name, const std::string& resource_version,
                          const std::string& uid = {});
std::string EventLine(const std::string& type, const std::string& object);

}  // namespace slipway::kube
