#include "app/settings_check.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <unistd.h>

#include "app/master_keys.h"
#include "engine/registry.h"
#include "http/socket.h"
#include "kube/kubeconfig.h"

namespace slipway::app {
namespace {

namespace fs = std::filesystem;

void CheckAddress(const Settings& settings, std::vector<std::string>& problems) {
  const auto listening = http::Listen(settings.address, settings.port);
  if (listening) {
    ::close(listening->fd);
  } else if (listening.error().reason != "AddressInUse") {  // a running host may use it
    problems.push_back(settings.At("/listen/address") + ": " + listening.error().message);
  }
}

// This user must be able to write in the nearest existing directory.
void CheckDataDir(const Settings& settings, std::vector<std::string>& problems) {
  std::error_code ec;
  fs::path at = settings.data_dir;
  while (!fs::exists(fs::symlink_status(at, ec)) && at.has_relative_path()) at = at.parent_path();
  if (!fs::is_directory(at, ec)) {
    problems.push_back(settings.At("/data_dir") + ": " + at.string() + " is not a directory");
  } else if (::access(at.c_str(), W_OK | X_OK) != 0) {
    problems.push_back(settings.At("/data_dir") + ": this user cannot write in " + at.string());
  }
}

void CheckEngines(const Settings& settings, std::vector<std::string>& problems) {
  std::error_code ec;
  if (!fs::is_directory(settings.engines_dir, ec)) {
    problems.push_back(settings.At("/engines_dir") + ": " + settings.engines_dir +
                       " is not a directory");
    return;
  }
  for (std::string& problem : engine::Registry::CheckConfig(settings.engines_dir))
    problems.push_back(std::move(problem));
}

bool CanRun(const std::string& command) {
  if (command.find('/') != std::string::npos) return ::access(command.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/bin:/usr/bin" : path;
  while (true) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, end)) + "/" + command;
    if (::access(file.c_str(), X_OK) == 0) return true;
    if (end == rest.size()) return false;
    rest.remove_prefix(end + 1);
  }
}

void CheckKubernetes(const Settings& settings, std::vector<std::string>& problems) {
  // Outside a pod we cannot know the pod's account.
  if (settings.in_cluster && std::getenv("KUBERNETES_SERVICE_HOST") == nullptr) return;
  const auto config = settings.in_cluster
                          ? kube::InClusterConfig()
                          : kube::LoadKubeconfig(settings.kubeconfig, settings.context);
  if (!config) {
    problems.push_back(
        settings.At(settings.in_cluster ? "/kubernetes/in_cluster" : "/kubernetes/kubeconfig") +
        ": " + config.error().message);
  } else if (const std::string& plugin = config->exec.command; !plugin.empty() && !CanRun(plugin)) {
    problems.push_back(settings.At("/kubernetes/kubeconfig") + ": " + config->origin +
                       ": exec plugin " + plugin + " cannot be run: no such program");
  }
}

void CheckStores(const Settings& settings, std::vector<std::string>& problems) {
  for (const auto& store : settings.backup_stores) {
    // A directory is made when it is used first, and nothing is changed here.
    if (!store.url.starts_with("s3://")) continue;
    const auto opened = pipeline::OpenStore(store, {.call_ms = 5000});
    const auto probed = opened ? bucket::Probe(**opened) : opened.error();
    if (!probed)
      problems.push_back("backup_stores: " + store.name + ": " + probed.error().reason + ": " +
                         probed.error().message);
  }
}

}  // namespace

std::vector<std::string> CheckSettings(const Settings& settings, const Environment& environment,
                                       Cluster cluster) {
  std::vector<std::string> problems;
  CheckAddress(settings, problems);
  CheckDataDir(settings, problems);
  CheckEngines(settings, problems);
  CheckStores(settings, problems);
  if (cluster == Cluster::kOfItsOwn) return problems;
  CheckKubernetes(settings, problems);
  const auto keys = LoadMasterKeys(settings.master_key_file, environment, MissingKey::kRefuse);
  if (!keys) problems.push_back(settings.At("/master_key_file") + ": " + keys.error().message);
  return problems;
}

}  // namespace slipway::app
