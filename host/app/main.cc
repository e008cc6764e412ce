// slipwayd: launches and keeps databases on Kubernetes.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "app/app.h"
#include "base/crypto.h"
#include "base/yaml.h"
#include "engine/engine.h"

// NOLINTNEXTLINE: POSIX declares it in no header that C++ shows
extern char** environ;

namespace {

using slipway::app::Settings;

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos && text.rfind("SLIPWAY_", 0) == 0)
      out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

std::string DefaultDevDir() {
  if (const char* state = std::getenv("XDG_STATE_HOME")) return std::string(state) + "/slipway-dev";
  if (const char* home = std::getenv("HOME"))
    return std::string(home) + "/.local/state/slipway-dev";
  return "slipway-dev";
}

// The engines.d beside the build or the installation this program came from.
std::string FindEngines(const std::string& self) {
  for (const char* candidate :
       {"/../../../engines.d", "/../etc/slipway/engines.d", "/../../etc/slipway/engines.d"}) {
    std::error_code ec;
    const auto path = std::filesystem::weakly_canonical(
        std::filesystem::path(self).parent_path().string() + candidate, ec);
    if (!ec && std::filesystem::is_directory(path, ec)) return path.string();
  }
  return "";
}

// A token that is made once per data directory, so that a restart keeps yesterday's curl lines
// alive.
slipway::Result<std::string> DevToken(const std::string& data_dir) {
  const std::string file = data_dir + "/dev-token";
  if (auto known = slipway::ReadFile(file)) return known;
  std::error_code ec;
  std::filesystem::create_directories(data_dir, ec);
  std::string token = "slipway_dev_" + slipway::RandomAlnum(32);
  TRY_VOID(slipway::WriteFileAtomically(file, token, 0600));
  return token;
}

int Fail(const std::string& what) {
  std::fprintf(stderr, "slipwayd: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli("slipwayd launches and keeps databases on Kubernetes.");
  cli.footer(
      "Every setting of the file can be given as SLIPWAY_… in the environment, e.g. "
      "SLIPWAY_LISTEN_PORT=8080.\nSIGHUP reloads engines, tokens and the log level; SIGTERM drains "
      "and ends.");
  std::string config, data_dir, engines_dir;
  int port = -1;
  bool check = false;
  slipway::app::DevOptions dev;
  cli.add_option("-c,--config", config, "configuration file (YAML)")->envname("SLIPWAY_CONFIG");
  cli.add_flag("--check-config", check,
               "report everything wrong with the configuration, start nothing");
  cli.add_flag("--dev", dev.enabled, "run with a development cluster inside; prints a token");
  cli.add_option("--data-dir", data_dir,
                 "state: database, engines, keys (in --dev also the cluster and its databases)");
  cli.add_option("--engines", engines_dir, "directory of engine files (engines.d)");
  cli.add_option("--port", port, "port to listen on, 0 for any free one")
      ->check(CLI::Range(0, 65535));
  cli.add_option("--pace", dev.pace,
                 "--dev: how fast the operators work; 1 is the real pace, 0 no waiting")
      ->check(CLI::Range(0.0, 100.0));
  cli.add_option("--crds", dev.crds_dir,
                 "--dev: directory of real CRDs instead of the built-in ones");
  cli.add_option("--cluster-port", dev.cluster_port,
                 "--dev: port of the development cluster's API server, 0 for any");
  cli.set_version_flag("--version", std::string("slipwayd ") + SLIPWAY_VERSION);
  CLI11_PARSE(cli, argc, argv);

  // Before any thread exists, so that all of them inherit it and signalfd gets every one.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const auto environment = Environment();
  const auto load = [&](std::vector<std::string>& problems) {
    Settings settings = slipway::app::LoadSettings(config, environment, problems);
    if (!data_dir.empty()) settings.data_dir = data_dir;
    if (!engines_dir.empty()) settings.engines_dir = engines_dir;
    if (port >= 0) settings.port = static_cast<uint16_t>(port);
    if (settings.data_dir.empty())
      settings.data_dir = dev.enabled ? DefaultDevDir() : "/var/lib/slipway";
    settings.data_dir = std::filesystem::absolute(settings.data_dir).lexically_normal().string();
    std::error_code ec;
    const std::string self = std::filesystem::read_symlink("/proc/self/exe", ec).string();
    if (settings.engines_dir.empty()) settings.engines_dir = FindEngines(self);
    if (settings.engines_dir.empty()) settings.engines_dir = "/etc/slipway/engines.d";
    if (settings.master_key_file.empty() && dev.enabled)
      settings.master_key_file = settings.data_dir + "/master.key";
    for (std::string& problem : slipway::engine::Registry::CheckConfig(settings.engines_dir)) {
      if (check)
        problems.push_back(
            std::move(problem));  // while running a broken engine file hurts nobody else
    }
    return settings;
  };
  std::vector<std::string> problems;
  Settings settings = load(problems);
  if (!dev.enabled && check) {
    const auto keys = slipway::app::LoadMasterKeys(settings.master_key_file, environment, false);
    if (!keys) problems.push_back(keys.error().message);
  }
  if (!problems.empty()) {
    for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
    return 1;
  }
  if (check) {
    std::printf("configuration is good\n");
    return 0;
  }

  const slipway::SystemClock clock;
  slipway::Logger::Level level = slipway::Logger::Level::kInfo;
  slipway::Logger::ParseLevel(settings.log_level, level);
  const bool human = settings.log_format == "human" ||
                     (settings.log_format == "auto" && ::isatty(STDERR_FILENO) == 1);
  slipway::Logger log(clock, STDERR_FILENO,
                      human ? slipway::Logger::Format::kHuman : slipway::Logger::Format::kJson,
                      level);

  std::string token;
  if (dev.enabled) {
    auto made = DevToken(settings.data_dir);
    if (!made) return Fail(made.error().message);
    token = *made;
    settings.tokens.push_back({"dev", slipway::Sha256Hex(token), "admin", {"*"}});
  }
  auto keys = slipway::app::LoadMasterKeys(settings.master_key_file, environment, dev.enabled);
  if (!keys) return Fail(keys.error().message);

  slipway::app::App app(settings, *keys, dev, clock, log);
  if (auto started = app.Start(); !started) return Fail(started.error().message);
  log.Info("host.started", {{"address", settings.address},
                            {"port", static_cast<int>(app.port())},
                            {"version", SLIPWAY_VERSION}});
  if (dev.enabled) {
    std::printf(
        "slipwayd --dev is ready\n  address  http://%s:%d\n  token    %s\n  kubectl  kubectl "
        "--kubeconfig %s get pods -A\n",
        settings.address.c_str(), app.port(), token.c_str(), app.kubeconfig_path().c_str());
    std::fflush(stdout);
  }

  const int fd = ::signalfd(-1, &signals, SFD_CLOEXEC);
  while (true) {
    signalfd_siginfo info{};
    if (::read(fd, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo != SIGHUP) break;
    std::vector<std::string> wrong;
    Settings fresh = load(wrong);
    for (const std::string& problem : wrong) log.Error("config.refused", {{"problem", problem}});
    if (!wrong.empty()) continue;  // the old configuration stays
    if (dev.enabled) fresh.tokens.push_back({"dev", slipway::Sha256Hex(token), "admin", {"*"}});
    app.Reload(fresh);
  }
  ::close(fd);
  log.Info("host.draining");
  app.Stop();
  log.Info("host.stopped");
  return 0;
}
