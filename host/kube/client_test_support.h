#pragma once

#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "kube/client.h"
#include "kube/scripted_server_test_support.h"

namespace slipway::kube {

inline std::string StatusBody(int code, const std::string& reason, const std::string& message) {
  return Json::Obj({{"kind", "Status"},
                    {"status", "Failure"},
                    {"code", code},
                    {"reason", reason},
                    {"message", message}})
      .Dump();
}

inline Json ConfigMap(const std::string& name) {
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", Json::Obj({{"name", name}, {"namespace", "ns"}})}});
}

inline const ObjectRef kRef{"v1", "ConfigMap", "ns", "a"};

// A client of a server that answers discovery itself and leaves the rest to the script.
class ClientTest : public ::testing::Test {
 protected:
  using Request = ScriptedServer::Request;
  using Connection = ScriptedServer::Connection;

  void Serve(ScriptedServer::Script script,
             std::function<void(Config&, ClientOptions&)> change = {}) {
    server_.emplace([script = std::move(script)](const Request& request, Connection& connection) {
      if (!AnswerDiscovery(request, connection)) script(request, connection);
    });
    Connect(server_->config(), change);
  }

  void Connect(Config config, const std::function<void(Config&, ClientOptions&)>& change = {}) {
    ClientOptions options = FastOptions();
    if (change) change(config, options);
    client_.emplace(std::move(config), options, clock_, log_, metrics_);
  }

  size_t Requests(const std::string& method) {
    return server_->Count([&](const Request& r) {
      return r.method == method && r.path.find("/namespaces/") != std::string::npos;
    });
  }

  Request Last() { return server_->requests().back(); }

  SystemClock clock_;
  Logger log_{clock_, 2, Logger::Format::kHuman, Logger::Level::kError};
  Metrics metrics_;
  std::optional<ScriptedServer> server_;
  std::optional<Client> client_;
};

}  // namespace slipway::kube
