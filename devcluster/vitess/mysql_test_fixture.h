#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <signal.h>
#include <string>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "devcluster/operators/files.h"
#include "devcluster/operators/process.h"
#include "devcluster/vitess/mysql_runtime.h"

namespace slipway::sim::operators::vitess {

class MysqlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (MysqlRuntime::FindPrograms("").empty()) GTEST_SKIP() << "no MariaDB server programs";
    char name[] = "/tmp/slipway-mysql-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    chmod(name, 0755);
    StartRuntime();
  }

  void TearDown() override {
    runtime.reset();
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }

  MysqlRuntime::Options RuntimeOptions() { return {directory, MysqlRuntime::FindPrograms("")}; }

  void StartRuntime() {
    auto started = MysqlRuntime::Start(RuntimeOptions(), clock, log,
                                       [this](const std::string&, const std::string&) {
                                         const std::lock_guard lock(mutex);
                                         ++version;
                                         changed.notify_all();
                                       });
    ASSERT_TRUE(started) << started.error().message;
    runtime = std::move(*started);
  }

  static MysqlRuntime::Plan PlanOf(const std::string& instance, const std::string& upstream = "") {
    MysqlRuntime::Plan plan;
    plan.ns = "acme";
    plan.cluster = "orders";
    plan.instance = instance;
    plan.upstream = upstream;
    plan.database = "app";
    plan.accounts = {{"app", {MysqlNativeHash("secret")}}};
    return plan;
  }

  template <class F>
  testing::AssertionResult Eventually(F condition, int seconds = 120) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    for (;;) {
      if (condition()) return testing::AssertionSuccess();
      std::unique_lock lock(mutex);
      const int64_t seen = version;
      if (std::chrono::steady_clock::now() > deadline) {
        lock.unlock();
        std::string all;
        for (const std::string& volume : runtime->Volumes())
          all += volume + ": " + runtime->Get(volume).failure + "; ";
        return testing::AssertionFailure() << "not reached in time: " << all << last_error;
      }
      changed.wait_for(lock, std::chrono::milliseconds(50), [&] { return version != seen; });
    }
  }

  bool Leads(const std::string& volume) {
    const auto state = runtime->Get(volume);
    return state.running && state.primary;
  }

  bool Follows(const std::string& volume) {
    const auto state = runtime->Get(volume);
    return state.running && !state.primary;
  }

  // Asks as a tenant does: over TCP with a password. Returns "" when that does not work.
  std::string Ask(const std::string& volume, const std::string& sql,
                  const std::string& password = "secret", const std::string& user = "app",
                  const std::string& database = "app") {
    auto output =
        RunForOutput({{"/usr/bin/mariadb", "--no-defaults", "--protocol=TCP", "--host=127.0.0.1",
                       "--port=" + std::to_string(runtime->Get(volume).port), "--user=" + user,
                       "--password=" + password, "--batch", "--raw", "--skip-column-names",
                       "--connect-timeout=3", database},
                      "",
                      Account{},
                      sql},
                     10'000, -1);
    if (!output) {
      last_error = output.error().message;
      return "";
    }
    return output->empty() ? "done" : output->substr(0, output->size() - 1);
  }

  std::string VolumeDir(const std::string& volume) {
    return directory + "/mysql/volumes/" + volume;
  }

  pid_t PidOf(const std::string& volume) {
    return std::atoi(ReadFile(VolumeDir(volume) + "/mariadbd.pid").c_str());
  }

  SystemClock clock;
  Logger log{
      clock, 2, Logger::Format::kJson,
      std::getenv("SLIPWAY_TEST_LOG") != nullptr ? Logger::Level::kDebug : Logger::Level::kError};
  std::mutex mutex;
  std::condition_variable changed;
  int64_t version = 0;
  std::string directory, last_error;
  std::unique_ptr<MysqlRuntime> runtime;
};

}  // namespace slipway::sim::operators::vitess
