#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include <gtest/gtest.h>

#include "kube/client.h"
#include "kube/http_loop.h"

namespace slipway::kube {

// A real API server on loopback, with etcd and the controllers; the whole test program shares it.
// It sends every fiftieth client a GOAWAY. The history of etcd is short, so lists grow old in
// seconds.
class ControlPlane {
 public:
  // Null when $SLIPWAY_KUBE is not set. It is the path that `tests/controlplane/build` prints.
  static ControlPlane* Get();

  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  enum class Through { kDirect, kFaults };

  // The config of an administrator, direct or through the proxy that misbehaves on demand.
  Config AdminConfig(Through through = Through::kDirect) const;
  // Runs a command of the program and returns its output. A command that fails fails the test.
  std::string Run(const std::vector<std::string>& args) const;
  std::string Kubectl(std::vector<std::string> args) const;
  // The token of a new account.
  std::string Token(const std::string& ns, const std::string& account) const;
  // Signs PATH.crt and PATH.key. `validity` is like "3s"; a negative one makes an expired
  // certificate.
  void Certificate(const std::string& path, const std::string& user,
                   const std::string& validity) const;
  pid_t Pid(const std::string& name) const;  // "apiserver", "etcd", "faults"
  void AwaitReady() const;

  void Fault(const Json& rule) const;
  void ClearFaults() const;
  // The log of the proxy so far: method, path, query, verb, userAgent, status.
  std::vector<Json> Requests() const;

  const std::string& dir() const { return dir_; }

  const std::string& server() const { return server_; }

  const std::string& faults() const { return faults_; }

  const std::string& ca_file() const { return ca_file_; }

 private:
  ControlPlane() = default;
  bool Start(const std::string& program);
  std::string Call(HttpMethod method, const std::string& path, const Json& body) const;

  std::string program_, dir_, server_, faults_, token_, ca_file_;
  pid_t pid_ = 0;
  int stdin_ = -1;
};

// Gives each test a namespace and a client of the control plane.
class ControlPlaneTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::unique_ptr<Client> Connect(Config config,
                                  const std::function<void(ClientOptions&)>& change = {});
  // Opens a client that goes through the proxy and has short waits.
  std::unique_ptr<Client> ConnectFaults(const std::function<void(ClientOptions&)>& change = {});
  Json ConfigMap(const std::string& name, const std::string& value = "v") const;
  ObjectRef Ref(const std::string& name) const;
  // The path of a file that belongs to this test.
  std::string Path(const std::string& name) const;
  std::string Write(const std::string& name, const std::string& text) const;

  ControlPlane* plane_ = nullptr;
  std::string ns_;
  SystemClock clock_;
  Logger log_{clock_, 2, Logger::Format::kHuman, Logger::Level::kError};
  Metrics metrics_;
  std::unique_ptr<Client> admin_;
};

// The user that the server sees in the client: {"username", "uid", "groups", "extra"}.
Json WhoAmI(Client& client);
// Checks every few milliseconds; returns false when the time is up.
bool Eventually(const std::function<bool()>& holds, int64_t timeout_ms = 90'000);

}  // namespace slipway::kube
