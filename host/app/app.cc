#include "app/app.h"

#include <filesystem>

#include "api/api.h"
#include "app/cluster_process.h"
#include "base/yaml.h"
#include "engine/registry.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"
#include "pipeline/service.h"
#include "store/store.h"

#ifndef SLIPWAY_VERSION
#define SLIPWAY_VERSION "0.0.0"
#endif

namespace slipway::app {

struct App::Impl {
  Settings settings;
  secrets::MasterKeys keys;
  DevOptions dev;
  const Clock& clock;
  Logger& log;
  // In order of construction; destroyed in reverse.
  Metrics metrics;
  std::unique_ptr<ClusterProcess> cluster;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<engine::Registry> engines;
  std::unique_ptr<pipeline::Service> service;
  std::unique_ptr<api::Api> api;
  std::string kubeconfig;

  Impl(Settings s, secrets::MasterKeys k, DevOptions d, const Clock& c, Logger& l)
      : settings(std::move(s)), keys(std::move(k)), dev(std::move(d)), clock(c), log(l) {}

  Result<void> StartCluster();
};

Result<void> App::Impl::StartCluster() {
  TRY(const std::string program, ClusterProcess::Find(dev.own_program));
  const std::string& dir = settings.data_dir;
  kubeconfig = dir + "/kubeconfig";
  std::vector<std::string> arguments{"--port",       std::to_string(dev.cluster_port),
                                     "--kubeconfig", kubeconfig,
                                     "--state",      dir + "/cluster.jsonl",
                                     "--data-dir",   dir + "/databases",
                                     "--pace",       std::to_string(dev.pace),
                                     "--log-level",  settings.log_level,
                                     "--log-format", settings.log_format};
  if (!dev.crds_dir.empty()) arguments.insert(arguments.end(), {"--crds", dev.crds_dir});
  arguments.insert(arguments.end(), dev.cluster_arguments.begin(), dev.cluster_arguments.end());
  cluster = std::make_unique<ClusterProcess>();
  return cluster->Start(program, arguments);
}

App::App(Settings settings, secrets::MasterKeys keys, DevOptions dev, const Clock& clock,
         Logger& log)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(keys), std::move(dev), clock,
                                   log)) {}

App::~App() {
  Stop();
}

Result<void> App::Start() {
  Impl& i = *impl_;
  std::error_code ec;
  std::filesystem::create_directories(i.settings.data_dir, ec);
  if (ec) return Error{Code::kInvalid, "BadDataDir", i.settings.data_dir + ": " + ec.message()};
  store::StoreOptions store_options;
  store_options.directory = i.settings.data_dir + "/store";
  TRY(i.store, store::Store::Open(store_options, i.clock, i.log,
                                  i.metrics));  // first: it locks the data directory

  kube::Config config;
  if (i.dev.enabled) {
    TRY_VOID(i.StartCluster());
    TRY(config, kube::LoadKubeconfig(i.kubeconfig, ""));
  } else if (i.settings.in_cluster) {
    TRY(config, kube::InClusterConfig());
  } else {
    TRY(config, kube::LoadKubeconfig(i.settings.kubeconfig, i.settings.context));
  }
  kube::ClientOptions client_options;
  client_options.request_timeout_ms = i.settings.request_timeout_ms;
  client_options.user_agent = std::string("slipwayd/") + SLIPWAY_VERSION;
  i.client =
      std::make_unique<kube::Client>(std::move(config), client_options, i.clock, i.log, i.metrics);

  engine::RegistryOptions engine_options;
  engine_options.config_dir = i.settings.engines_dir;
  engine_options.state_dir = i.settings.data_dir + "/engines";
  engine_options.call_timeout_ms = i.settings.engine_call_timeout_ms;
  i.engines = std::make_unique<engine::Registry>(engine_options, i.clock, i.log, i.metrics);
  i.engines->Reload();

  pipeline::PipelineOptions pipeline_options;
  pipeline_options.workers = static_cast<size_t>(i.settings.workers);
  pipeline_options.stage_timeout_ms = i.settings.stage_timeout_ms;
  pipeline_options.credential_login_timeout_ms = i.settings.login_timeout_ms;
  pipeline_options.address_timeout_ms = i.settings.address_timeout_ms;
  pipeline_options.tiers = i.settings.tiers;
  pipeline_options.backup_stores = i.settings.backup_stores;
  i.service = std::make_unique<pipeline::Service>(
      std::move(pipeline_options), i.keys, *i.engines, *i.client,
      [&client = *i.client](kube::InformerSpec spec, kube::Informer::OnChange change) {
        return client.Watch(std::move(spec), std::move(change));
      },
      *i.store, i.clock, i.log, i.metrics);

  api::ApiOptions api_options;
  api_options.listen.address = i.settings.address;
  api_options.listen.port = i.settings.port;
  api_options.tokens = i.settings.tokens;
  api_options.version = SLIPWAY_VERSION;
  api_options.workers = static_cast<size_t>(i.settings.api_workers);
  api_options.require_idempotency_key = i.settings.require_idempotency_key;
  i.api = std::make_unique<api::Api>(std::move(api_options), *i.service, *i.store, *i.engines,
                                     i.clock, i.log, i.metrics);
  TRY_VOID(i.service->Start());
  return i.api->Start();
}

void App::Reload(const Settings& settings) {
  Logger::Level level{};
  if (Logger::ParseLevel(settings.log_level, level)) impl_->log.set_level(level);
  impl_->api->SetTokens(settings.tokens);
  impl_->engines->Reload();
  impl_->service->EnginesChanged();
  impl_->log.Info("host.reloaded");
}

void App::Stop() {
  Impl& i = *impl_;
  if (i.api) {
    i.api->SetDraining();
    i.api->Stop(i.settings.drain_ms);
  }
  if (i.service) i.service->Stop();
  i.api.reset();
  i.service.reset();
  i.engines.reset();
  i.client.reset();
  i.cluster.reset();
  i.store.reset();
}

uint16_t App::port() const {
  return impl_->api ? impl_->api->port() : uint16_t{0};
}

std::string App::kubeconfig_path() const {
  return impl_->kubeconfig;
}

int App::cluster_ended_fd() const {
  return impl_->cluster ? impl_->cluster->ended_fd() : -1;
}

std::string App::HowClusterEnded() {
  return impl_->cluster ? impl_->cluster->HowItEnded() : "";
}

}  // namespace slipway::app
