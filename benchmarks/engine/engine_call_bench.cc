// What does one call of an engine cost, hand-over to its lane and JSON both ways included? The
// budget of the hand-over is 10 µs: next to one request to Kubernetes that is nothing.
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/registry.h"

namespace {

using slipway::Json;

// One engine, loaded as the host loads it. Ends the process when that fails: there is nothing to
// measure.
class Bench {
 public:
  Bench() {
    char pattern[] = "/tmp/slipway-bench-XXXXXX";
    root_ = ::mkdtemp(pattern);
    std::filesystem::create_directory(root_ / "engines.d");
    std::filesystem::copy_file(SLIPWAY_ENGINE_PLAIN, root_ / "plain.so");
    std::ofstream(root_ / "engines.d/plain.yaml") << "name: plain\npath: ../plain.so\n";
    slipway::engine::RegistryOptions options;
    options.config_dir = (root_ / "engines.d").string();
    options.state_dir = (root_ / "state").string();
    registry_ = std::make_unique<slipway::engine::Registry>(options, clock_, log_, metrics_);
    registry_->Reload();
    auto engine = registry_->ForType("PLAIN");
    if (!engine) std::abort();
    engine_ = *engine;
  }

  ~Bench() {
    std::error_code ec;
    std::filesystem::remove_all(root_, ec);
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  slipway::engine::Engine& engine() { return *engine_; }

 private:
  std::filesystem::path root_;
  slipway::SystemClock clock_;
  slipway::Logger log_{clock_, STDERR_FILENO, slipway::Logger::Format::kJson,
                       slipway::Logger::Level::kError};
  slipway::Metrics metrics_;
  std::unique_ptr<slipway::engine::Registry> registry_;
  std::shared_ptr<slipway::engine::Engine> engine_;
};

Json Input(size_t bytes) {
  Json pods = Json::MakeArray();
  for (size_t size = 0; size < bytes; size += 120) {
    pods.Push(
        Json::Obj({{"kind", "Pod"},
                   {"metadata", Json::Obj({{"name", "orders-1"}, {"namespace", "acme-orders"}})},
                   {"status", Json::Obj({{"phase", "Running"}, {"ready", true}})}}));
  }
  return Json::Obj({{"schema", 1}, {"observed", std::move(pods)}});
}

void EngineCall(benchmark::State& state) {
  Bench bench;
  const Json input = Input(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    auto answer = bench.engine().Step(input);
    if (!answer) state.SkipWithError(answer.error().message.c_str());
    benchmark::DoNotOptimize(answer);
  }
  state.counters["input_bytes"] = static_cast<double>(input.Dump().size());
}

BENCHMARK(EngineCall)->Arg(0)->Arg(20 << 10)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
