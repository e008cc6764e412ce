#pragma once

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/yaml.h"
#include "engine/registry.h"

namespace slipway::engine {

// A private directory with engines.d and state, and a registry over them.
class EngineDirectory : public testing::Test {
 protected:
  EngineDirectory() {
    char pattern[] = "/tmp/slipway-engine-XXXXXX";
    root_ = ::mkdtemp(pattern);
    std::filesystem::create_directory(root_ / "engines.d");
  }

  ~EngineDirectory() override {
    std::error_code ec;
    std::filesystem::remove_all(root_, ec);
    ::close(null_);
  }

  RegistryOptions Options() const {
    RegistryOptions options;
    options.config_dir = (root_ / "engines.d").string();
    options.state_dir = (root_ / "state").string();
    options.call_timeout_ms =
        10'000;  // long, because sanitizers are slow; tests that wait for the box shorten it
    return options;
  }

  // Copies a built engine to a directory that only its owner can write.
  std::string Install(const std::string& built, const std::string& as) {
    Put(as, ReadFileOrDie(built), 0644);
    return (root_ / as).string();
  }

  void Put(const std::string& name, std::string_view bytes, unsigned mode) {
    const std::filesystem::path path = root_ / name;
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
    ::chmod(path.c_str(), mode);
  }

  // Writes engines.d/FILE for the engine at PATH.
  void Configure(const std::string& file, const std::string& name, const std::string& path,
                 const std::string& more = "") {
    Put("engines.d/" + file, "name: " + name + "\npath: " + path + "\n" + more, 0644);
  }

  static std::string ReadFileOrDie(const std::string& path) {
    auto text = ReadFile(path);
    EXPECT_TRUE(text) << path;
    return text ? *text : std::string();
  }

  // Configures one engine and returns its status in a new registry.
  EngineStatus StatusOf(const std::string& name, const std::string& path,
                        const std::string& more = "") {
    Configure("one.yaml", name, path, more);
    Registry registry(Options(), clock_, log_, metrics_);
    registry.Reload();
    const auto list = registry.List();
    EXPECT_EQ(list.size(), 1u);
    return list.empty() ? EngineStatus() : list[0];
  }

  std::filesystem::path root_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ManualClock clock_;
  Logger log_{clock_, null_, Logger::Format::kJson, Logger::Level::kDebug};
  Metrics metrics_;
};

}  // namespace slipway::engine
