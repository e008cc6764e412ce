#include <csignal>
#include <cstdio>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/yaml.h"
#include "devcluster/dev_cluster.h"
#include "kube/kubeconfig.h"

namespace {

using slipway::Logger;

struct Arguments {
  slipway::sim::DevClusterOptions cluster;
  std::string kubeconfig, elsewhere, log_level = "warn", log_format = "human";
  pid_t parent = 0;
  bool no_behaviours = false, no_controllers = false;
};

void Declare(CLI::App& app, Arguments& arguments) {
  auto& cluster = arguments.cluster;
  app.add_option("--port", cluster.port, "Port on 127.0.0.1; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--kubeconfig", arguments.kubeconfig,
                 "Write a kubeconfig for kubectl to this file")
      ->type_name("FILE");
  app.add_option("--state", cluster.state_file,
                 "Keep the objects in this file; they are there again after a restart")
      ->type_name("FILE");
  app.add_option(
         "--crds", cluster.crds_dir,
         "Serve the CustomResourceDefinitions of this directory instead of the built-in ones")
      ->type_name("DIR");
  app.add_option("--request-log", cluster.request_log,
                 "Append one JSON line per request to this file")
      ->type_name("FILE");
  app.add_option("--pace", cluster.behaviour.pace,
                 "Speed of the operators: 1 waits as long as the real ones, 0 not at all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--data-dir", cluster.behaviour.data_dir,
                 "Run a real database server per instance with its files here; none without it")
      ->type_name("DIR");
  app.add_option("--postgres-bin", cluster.behaviour.postgres_bin,
                 "Directory of PostgreSQL's server programs; the newest installed without it")
      ->type_name("DIR");
  app.add_option("--mysql-bin", cluster.behaviour.mysql_bin,
                 "Directory of the MySQL server's programs; the installed MariaDB's without it")
      ->type_name("DIR");
  app.add_option("--mysql-server", cluster.behaviour.mysql_server,
                 "What runs behind MySQL: mariadb, or another one that README names")
      ->type_name("NAME");
  app.add_option("--programs", cluster.behaviour.programs,
                 "Directory of programs that --mysql-server needs, by their name; may be repeated")
      ->type_name("NAME DIR");
  app.add_option("--ferretdb", cluster.behaviour.ferretdb,
                 "FerretDB's program, for MongoDB's protocol; ferretdb on PATH without it")
      ->type_name("FILE");
  app.add_flag("--no-behaviours", arguments.no_behaviours,
               "Only the API server: custom resources stay as they are written");
  app.add_flag("--no-controllers", arguments.no_controllers,
               "No garbage collection, no end of namespaces");
  app.add_option("--cluster", arguments.elsewhere,
                 "Run only the operators' behaviours, as clients of the cluster of this kubeconfig")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->excludes("--port", "--kubeconfig", "--state", "--crds", "--request-log", "--no-behaviours",
                 "--no-controllers");
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_option("--log-format", arguments.log_format,
                 "human, json, or auto: human on a terminal, else json")
      ->check(CLI::IsMember({"human", "json", "auto"}))
      ->capture_default_str();
  app.add_option("--die-with-parent", arguments.parent,
                 "End with SIGKILL when the parent process, which must be this one, ends")
      ->type_name("PID");
  app.footer(
      "Prints one line with the URL when it is ready and runs until SIGINT or SIGTERM.\n"
      "Faults for tests: POST, GET and DELETE /_sim/faults, for example\n"
      "  curl -d "
      "'{\"match\":{\"verb\":\"apply\"},\"action\":\"status\",\"status\":409,\"count\":1}' "
      "URL/_sim/faults");
}

int Fail(const slipway::Error& error) {
  std::fprintf(stderr, "slipway-sim: %s\n", error.message.c_str());
  return 1;
}

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

int UntilSignal(const std::string& server) {
  std::printf("%s\n", server.c_str());
  std::fflush(stdout);
  const sigset_t signals = EndSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

int RunCluster(const Arguments& arguments, const slipway::Clock& clock, Logger& log,
               slipway::Metrics& metrics) {
  slipway::sim::DevCluster cluster(arguments.cluster, clock, log, metrics);
  if (auto started = cluster.Start(); !started) return Fail(started.error());
  if (!arguments.kubeconfig.empty())
    if (auto written =
            slipway::WriteFileAtomically(arguments.kubeconfig, cluster.Kubeconfig(), 0600);
        !written)
      return Fail(written.error());
  return UntilSignal(cluster.config().server);
}

int RunElsewhere(const Arguments& arguments, const slipway::Clock& clock, Logger& log,
                 slipway::Metrics& metrics) {
  auto config = slipway::kube::LoadKubeconfig(arguments.elsewhere, "");
  if (!config) return Fail(config.error());
  const auto behaviours =
      slipway::sim::StartBehaviours(*config, arguments.cluster.behaviour, clock, log, metrics);
  return UntilSignal(config->server);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "An in-memory Kubernetes API server with the operators' behaviour, for development and "
      "tests.",
      "slipway-sim"};
  Arguments arguments;
  Declare(app, arguments);
  CLI11_PARSE(app, argc, argv);
  // The kernel kills us when the thread that started us ends. If our parent ended before this call,
  // another process is our parent by now.
  if (arguments.parent != 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != arguments.parent)
      return Fail({slipway::Code::kCancelled, "ParentGone", "the parent process is gone"});
  }
  if (auto there = slipway::sim::CheckMysqlServer(arguments.cluster.behaviour); !there)
    return Fail(there.error());
  arguments.cluster.behaviours = !arguments.no_behaviours;
  arguments.cluster.controllers = !arguments.no_controllers;

  // The signals are blocked before any thread starts, so that only sigwait takes them.
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const slipway::SystemClock clock;
  Logger::Level level{};
  Logger::ParseLevel(arguments.log_level, level);
  const bool human =
      arguments.log_format == "human" || (arguments.log_format == "auto" && isatty(2) == 1);
  Logger log(clock, 2, human ? Logger::Format::kHuman : Logger::Format::kJson, level);
  slipway::Metrics metrics;
  return arguments.elsewhere.empty() ? RunCluster(arguments, clock, log, metrics)
                                     : RunElsewhere(arguments, clock, log, metrics);
}
