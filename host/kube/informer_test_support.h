#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "kube/client.h"
#include "kube/scripted_server_test_support.h"

namespace slipway::kube {

inline bool IsWatch(const ScriptedServer::Request& r) {
  return r.query.contains("watch");
}

inline bool IsList(const ScriptedServer::Request& r) {
  return r.path.find("/configmaps") != std::string::npos && !IsWatch(r);
}

inline std::string ListBody(const std::string& rv, const std::vector<std::string>& items,
                            const std::string& next = {}) {
  std::string out = R"({"kind":"ConfigMapList","metadata":{"resourceVersion":")" + rv +
                    R"(","continue":")" + next + R"("},"items":[)";
  for (const std::string& item : items) out += (out.back() == '[' ? "" : ",") + item;
  return out + "]}";
}

inline constexpr const char* kGoneStatus =
    R"({"kind":"Status","status":"Failure","message":"too old resource version","reason":"Expired","code":410})";

// Looks for up to 10 s.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// What an informer told, in order: "+a1", "~a2", "-a2".
class Told {
 public:
  void operator()(Informer::Change change, const Informer::ObjectPtr& object) {
    const char* sign = change == Informer::Change::kAdded      ? "+"
                       : change == Informer::Change::kModified ? "~"
                                                               : "-";
    const std::lock_guard lock(mutex_);
    told_.push_back(sign + object->ref.name + object->resource_version);
    more_.notify_all();
  }

  // The next `count`, joined; "timeout" after 10 s.
  std::string Next(size_t count) {
    std::unique_lock lock(mutex_);
    if (!more_.wait_for(lock, std::chrono::seconds(10), [&] { return told_.size() >= count; }))
      return "timeout";
    std::string out;
    for (; count > 0; --count) {
      out += told_.front() + " ";
      told_.pop_front();
    }
    return out;
  }

  size_t pending() {
    const std::lock_guard lock(mutex_);
    return told_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::string> told_;
};

// An informer of a server that answers discovery itself and leaves the rest to the script.
class InformerTest : public ::testing::Test {
 protected:
  using Request = ScriptedServer::Request;
  using Connection = ScriptedServer::Connection;

  void Serve(ScriptedServer::Script script,
             const std::function<void(ClientOptions&)>& change = {}) {
    server_.emplace([script = std::move(script)](const Request& request, Connection& connection) {
      if (!AnswerDiscovery(request, connection)) script(request, connection);
    });
    ClientOptions options = FastOptions();
    if (change) change(options);
    client_.emplace(server_->config(), options, clock_, log_, metrics_);
    informer_ = client_->Watch({"v1", "ConfigMap", "ns", "app=x", "", {}},
                               [this](auto c, const auto& object) { told_(c, object); });
  }

  void TearDown() override {
    informer_.reset();
    client_.reset();
    server_.reset();
  }

  std::vector<Request> Watches() {
    std::vector<Request> out;
    for (Request& request : server_->requests()) {
      if (IsWatch(request)) out.push_back(std::move(request));
    }
    return out;
  }

  // What scripts use: they may run until TearDown.
  std::atomic<int> lists_{0}, watches_{0};
  std::atomic<bool> installed_{false};
  Gate gate_;

  SystemClock clock_;
  Logger log_{clock_, 2, Logger::Format::kHuman, Logger::Level::kError};
  Metrics metrics_;
  Told told_;
  std::optional<ScriptedServer> server_;
  std::optional<Client> client_;
  std::unique_ptr<Informer> informer_;
};

}  // namespace slipway::kube
