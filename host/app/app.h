#pragma once

#include <memory>
#include <string>

#include "app/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

namespace slipway::app {

struct DevOptions {
  bool enabled = false;
  double pace = 0.02;
  std::string crds_dir;
  uint16_t cluster_port = 0;
};

// Everything that makes a host, built in order of dependency and taken down in reverse.
class App {
 public:
  App(Settings settings, pipeline::MasterKeys keys, DevOptions dev, const Clock& clock,
      Logger& log);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  Result<void> Start();
  void Reload(const Settings& settings);  // engines, tokens and the log level; nothing else changes
                                          // while running
  void Stop();
  uint16_t port() const;
  // For --dev: where the development cluster's kubeconfig was written; "" otherwise.
  std::string kubeconfig_path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::app
