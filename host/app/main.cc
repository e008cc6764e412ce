// slipwayd: launches and keeps databases on Kubernetes.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "app/app.h"
#include "app/master_keys.h"
#include "app/restore_catalogue.h"
#include "app/settings_check.h"
#include "base/crypto.h"
#include "base/yaml.h"

// NOLINTNEXTLINE: POSIX declares it in no header that C++ shows
extern char** environ;

namespace {

using slipway::app::Settings;

slipway::app::Environment OurVariables() {
  slipway::app::Environment out;
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

// Finds engines.d beside this program's build or installation.
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

// Makes the token once per data directory, so that old curl lines work after a restart.
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
               "report all problems of the configuration and start nothing");
  cli.add_flag(
      "--dev", dev.enabled,
      "start a development cluster (the program slipway-sim) beside the host; prints a token");
  cli.add_option("--data-dir", data_dir,
                 "state: database, engines, keys (in --dev also the cluster and its databases)");
  cli.add_option("--engines", engines_dir, "directory of engine files (engines.d)");
  cli.add_option("--port", port, "port to listen on; 0: any free port")
      ->check(CLI::Range(0, 65535));
  cli.add_option("--pace", dev.pace, "--dev: pace of the operators; 1: real time, 0: no waiting")
      ->check(CLI::Range(0.0, 100.0));
  cli.add_option("--crds", dev.crds_dir,
                 "--dev: directory of real CRDs instead of the built-in ones");
  cli.add_option("--cluster-port", dev.cluster_port,
                 "--dev: port of the development cluster's API server; 0: any free port");
  const auto hand_on = [&](const char* name, int words, const char* help) {
    cli.add_option_function<std::vector<std::string>>(
           name,
           [&dev, name, words](const std::vector<std::string>& values) {
             for (size_t i = 0; i < values.size(); ++i) {
               if (i % static_cast<size_t>(words) == 0) dev.cluster_arguments.emplace_back(name);
               dev.cluster_arguments.push_back(values[i]);
             }
           },
           help)
        ->expected(words)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  hand_on("--mysql-server", 1, "--dev: what runs behind MySQL, see slipway-sim --help");
  hand_on("--mysql-bin", 1, "--dev: directory of the MySQL server's programs");
  hand_on("--programs", 2, "--dev: name and directory of programs that --mysql-server needs");
  std::string catalogue_of;
  CLI::App* const catalogue = cli.add_subcommand(
      "restore-catalogue",
      "make records again of the instances whose backups lie in a store, so that a host that lost "
      "its database can restore them; the host must not run");
  catalogue->add_option("--store", catalogue_of,
                        "its name in backup_stores; otherwise the default store");
  catalogue->fallthrough();
  cli.set_version_flag("--version", std::string("slipwayd ") + SLIPWAY_VERSION);
  CLI11_PARSE(cli, argc, argv);

  // Block the signals before any thread exists: all threads inherit the mask, and signalfd gets
  // every signal.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const auto environment = OurVariables();
  std::error_code unknown;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  dev.own_program = self;
  const auto load = [&](std::vector<std::string>& problems) {
    Settings settings = slipway::app::LoadSettings(config, environment, problems);
    if (!data_dir.empty()) settings.data_dir = data_dir;
    if (!data_dir.empty()) settings.places["/data_dir"] = "--data-dir";
    if (!engines_dir.empty()) settings.engines_dir = engines_dir;
    if (!engines_dir.empty()) settings.places["/engines_dir"] = "--engines";
    if (port >= 0) settings.port = static_cast<uint16_t>(port);
    if (settings.data_dir.empty())
      settings.data_dir = dev.enabled ? DefaultDevDir() : "/var/lib/slipway";
    settings.data_dir = std::filesystem::absolute(settings.data_dir).lexically_normal().string();
    if (settings.engines_dir.empty()) settings.engines_dir = FindEngines(self);
    if (settings.engines_dir.empty()) settings.engines_dir = "/etc/slipway/engines.d";
    if (settings.master_key_file.empty() && dev.enabled)
      settings.master_key_file = settings.data_dir + "/master.key";
    // The simulated operators archive to a directory, and it is called what it is.
    if (settings.backup_stores.empty() && dev.enabled)
      settings.backup_stores.push_back({"dev", true, "file://" + settings.data_dir + "/backups"});
    return settings;
  };
  std::vector<std::string> problems;
  Settings settings = load(problems);
  if (check) {
    const auto cluster =
        dev.enabled ? slipway::app::Cluster::kOfItsOwn : slipway::app::Cluster::kOfTheSettings;
    for (std::string& problem : slipway::app::CheckSettings(settings, environment, cluster))
      problems.push_back(std::move(problem));
  }
  if (!problems.empty()) {
    for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
    return 1;
  }
  if (check) {
    std::printf("configuration is good\n");
    return 0;
  }
  if (catalogue->parsed()) return slipway::app::RestoreCatalogue(settings, catalogue_of);

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
  auto keys = slipway::app::LoadMasterKeys(
      settings.master_key_file, environment,
      dev.enabled ? slipway::app::MissingKey::kMake : slipway::app::MissingKey::kRefuse);
  if (!keys) return Fail(keys.error().message);

  slipway::app::App app(settings, *keys, dev, clock, log);
  if (auto started = app.Start(); !started) return Fail(started.error().message);
  malloc_trim(0);  // what only the start needed goes back to the system
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
  int status = 0;
  while (true) {
    pollfd waits[] = {{fd, POLLIN, 0}, {app.cluster_ended_fd(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) {
      // A host without its cluster is useless; after a restart both continue from their files.
      log.Error("dev.cluster_ended", {{"how", app.HowClusterEnded()}});
      status = Fail("the development cluster ended, so the host ends, too");
      break;
    }
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
  return status;
}
