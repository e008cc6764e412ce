// What does a blocking Client::Get cost beside a bare libcurl multi loop on the same server, and
// how many watch events a second can one loop decode?
//
//   kube_client_bench [--url=http://127.0.0.1:8001] [--path=/api/v1/namespaces/default]
//   [--seconds=2]
//                     [--rounds=3] [--connections=64] [--events=50000] [--only=client]
//
// Without --url a canned server in a child process answers. --only (client, watch) is for a
// profiler. The path must be of a v1 Namespace.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bare_loop.h"
#include "base/clock.h"
#include "canned_server.h"
#include "kube/client.h"

namespace slipway::bench {
namespace {

struct Flags {
  std::string url, path = "/api/v1/namespaces/default", only;
  int seconds = 2, rounds = 3, connections = 64, events = 50'000;
};

struct Sample {
  double per_second = 0, cpu_us = 0;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Run>
Sample Measure(Run run) {
  const SystemClock clock;
  const int64_t start_ms = clock.SteadyMs();
  const double start_cpu = CpuSeconds();
  const auto n = static_cast<double>(run());
  const double cpu = CpuSeconds() - start_cpu;
  return {n / (static_cast<double>(clock.SteadyMs() - start_ms) / 1000), cpu / n * 1e6};
}

Sample Median(std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.cpu_us < b.cpu_us; });
  return samples[samples.size() / 2];
}

int64_t Gets(kube::Client& client, const kube::ObjectRef& ref, int callers, int64_t run_ms) {
  const SystemClock clock;
  const int64_t end = clock.SteadyMs() + run_ms;
  std::atomic<int64_t> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&] {
      int64_t mine = 0;
      while (clock.SteadyMs() < end) {
        const auto got = client.Get(ref);
        if (!got) std::fprintf(stderr, "%s\n", got.error().message.c_str()), std::exit(1);
        ++mine;
      }
      done += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return done;
}

void Print(const char* what, int in_flight, const Sample& sample) {
  std::printf("%-22s in_flight=%-3d %9.0f/s %7.1f CPU us each\n", what, in_flight,
              sample.per_second, sample.cpu_us);
}

void BenchRequests(const Flags& flags, const std::string& url, kube::Client& client) {
  const kube::ObjectRef ref{"v1", "Namespace", "", flags.path.substr(flags.path.rfind('/') + 1)};
  const int64_t run_ms = flags.seconds * 1000;
  if (flags.only == "client")
    return Print("Client::Get", 16, Measure([&] { return Gets(client, ref, 16, run_ms); }));
  if (flags.only == "watch") return;
  for (const int in_flight : {1, 16, 64}) {
    std::vector<Sample> bare, parsed, client_get;
    for (int round = 0; round < flags.rounds; ++round) {
      bare.push_back(Measure([&] {
        return BareLoop(url + flags.path, in_flight, flags.connections, run_ms,
                        [](const std::string&) {});
      }));
      parsed.push_back(Measure([&] {
        return BareLoop(url + flags.path, in_flight, flags.connections, run_ms,
                        [](const std::string& body) {
                          if (!Json::Parse(body)) std::exit(1);
                        });
      }));
      client_get.push_back(Measure([&] { return Gets(client, ref, in_flight, run_ms); }));
    }
    const Sample a = Median(bare), b = Median(parsed), c = Median(client_get);
    Print("bare multi loop", in_flight, a);
    Print("bare loop, JSON parsed", in_flight, b);
    Print("Client::Get", in_flight, c);
    std::printf("  per CPU-second, Client::Get is %.2fx the bare loop, %.2fx the one that parses\n",
                a.cpu_us / c.cpu_us, b.cpu_us / c.cpu_us);
  }
}

// Feeds from a server of its own: a real one cannot send fast enough.
void BenchWatch(const Flags& flags, const Clock& clock, Logger& log) {
  for (const bool pruned : {false, true}) {
    const CannedServer server(flags.events);
    Metrics metrics;
    kube::Config config;
    config.server = server.url();
    kube::ClientOptions options;
    options.watch_streams = false;  // it lists and watches, no more
    kube::Client client(config, options, clock, log, metrics);
    std::mutex mutex;
    std::condition_variable all;
    int seen = 0;
    const Sample sample = Measure([&] {
      kube::InformerSpec spec{"v1", "Pod", "", "", "slipway.dev/instance", {}};
      if (pruned) spec.keep = {"/status/phase", "/status/conditions"};
      const auto informer = client.Watch(spec, [&](auto, const auto&) {
        if (++seen < flags.events) return;
        const std::lock_guard lock(mutex);
        all.notify_one();
      });
      std::unique_lock lock(mutex);
      (void)all.wait_for(lock, std::chrono::minutes(2), [&] { return seen >= flags.events; });
      return seen;
    });
    std::printf("watch, %zu-byte pods%s: %9.0f events/s %7.1f CPU us each\n", PodJson(1).size(),
                pruned ? ", status kept" : "", sample.per_second, sample.cpu_us);
  }
}

int Main(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const std::string value = arg.substr(std::min(arg.find('=') + 1, arg.size()));
    if (arg.starts_with("--only="))
      flags.only = value;
    else if (arg.starts_with("--url="))
      flags.url = value;
    else if (arg.starts_with("--path="))
      flags.path = value;
    else if (arg.starts_with("--seconds="))
      flags.seconds = std::atoi(value.c_str());
    else if (arg.starts_with("--rounds="))
      flags.rounds = std::atoi(value.c_str());
    else if (arg.starts_with("--connections="))
      flags.connections = std::atoi(value.c_str());
    else if (arg.starts_with("--events="))
      flags.events = std::atoi(value.c_str());
    else
      return std::fprintf(stderr, "unknown flag %s\n", argv[i]), 2;
  }
  const SystemClock clock;
  Logger log(clock, STDERR_FILENO, Logger::Format::kHuman, Logger::Level::kError);
  std::optional<CannedServer> canned;
  if (flags.url.empty()) canned.emplace(0);
  const std::string url = canned ? canned->url() : flags.url;
  {
    Metrics metrics;
    kube::Config config;
    config.server = url;
    kube::ClientOptions options;
    options.max_connections = flags.connections;
    kube::Client client(config, options, clock, log, metrics);
    BenchRequests(flags, url, client);
  }
  if (flags.only != "client") BenchWatch(flags, clock, log);
  return 0;
}

}  // namespace
}  // namespace slipway::bench

int main(int argc, char** argv) {
  return slipway::bench::Main(argc, argv);
}
