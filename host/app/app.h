#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

namespace slipway::app {

// --dev: a development cluster. It is the program slipway-sim as a child process.
struct DevOptions {
  bool enabled = false;
  std::string own_program;  // path of this program; we search for the child beside it
  double pace = 0.02;
  std::string crds_dir;
  uint16_t cluster_port = 0;
  // Further words for the child: what runs behind its databases.
  std::vector<std::string> cluster_arguments;
};

// The whole host. It builds its parts in order of dependency and destroys them in reverse. The
// thread that starts it must live until it has stopped.
class App {
 public:
  App(Settings settings, secrets::MasterKeys keys, DevOptions dev, const Clock& clock, Logger& log);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  Result<void> Start();
  void Reload(const Settings& settings);  // only engines, tokens and the log level
  void Stop();
  uint16_t port() const;
  // For --dev: path of the development cluster's kubeconfig; "" otherwise.
  std::string kubeconfig_path() const;
  // For --dev: readable once the development cluster has ended by itself; -1 otherwise.
  int cluster_ended_fd() const;
  // How the cluster ended. Call it after cluster_ended_fd() is readable.
  std::string HowClusterEnded();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::app
