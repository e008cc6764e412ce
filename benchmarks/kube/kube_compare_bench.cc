// The work that tests/controlplane/clientgo does with client-go, done with ours: the same modes,
// flags and line of JSON. benchmarks/kube/compare_kube.py runs both on one control plane.
//
//   kube_compare_bench get|list|informer|watches --kubeconfig FILE [--namespace bench]
//                      [--in-flight 1] [--count 1000] [--seconds 3]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace slipway::bench {
namespace {

constexpr std::string_view kStamp = "bench.slipway.dev/at";  // nanoseconds, when a change was sent

struct Options {
  std::string kubeconfig, ns = "bench";
  int in_flight = 1, count = 1000;
  double seconds = 3;
};

int64_t UnixNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Usage {
  double wall = 0, cpu = 0;

  static Usage Now() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return {static_cast<double>(UnixNanos()) / 1e9,
            seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  }

  void Since(const std::string& prefix, Json& out) const {
    const Usage end = Now();
    out.Set(prefix + "seconds", end.wall - wall);
    out.Set(prefix + "cpu", end.cpu - cpu);
  }
};

template <class T>
T Check(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "kube_compare_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

void Check(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "kube_compare_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

void SleepSeconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void Get(kube::Client& client, const Options& options, Json& out) {
  const kube::ObjectRef one{"v1", "ConfigMap", options.ns, "one"};
  (void)Check(client.Get(one));
  const Usage start = Usage::Now();
  const double end = start.wall + options.seconds;
  std::atomic<int64_t> done{0};
  std::vector<std::thread> callers;
  callers.reserve(static_cast<size_t>(options.in_flight));
  for (int i = 0; i < options.in_flight; ++i) {
    callers.emplace_back([&] {
      int64_t mine = 0;
      for (; static_cast<double>(UnixNanos()) / 1e9 < end; ++mine) (void)Check(client.Get(one));
      done += mine;
    });
  }
  for (std::thread& caller : callers) caller.join();
  start.Since("", out);
  out.Set("requests", done.load());
}

void List(kube::Client& client, const Options& options, Json& out) {
  const Usage start = Usage::Now();
  const kube::ObjectList list = Check(client.List("v1", "Pod", options.ns, {}));
  start.Since("", out);
  out.Set("items", static_cast<int64_t>(list.items.size()));
}

void AwaitSync(const std::function<bool()>& synced) {
  while (!synced()) SleepSeconds(0.002);
}

// How long changes took to arrive.
class Delays {
 public:
  void Note(const kube::CachedObject& object) {
    const Json pod = object.Parse();
    const std::string& stamp = pod["metadata"]["annotations"][kStamp].AsString();
    const int64_t at = std::atoll(stamp.c_str());
    const std::lock_guard lock(mutex_);
    if (at < since_) return;
    ms_.emplace_back(static_cast<double>(UnixNanos() - at) / 1e6);
  }

  // What was sent before is not counted.
  void Start() {
    const std::lock_guard lock(mutex_);
    since_ = UnixNanos();
    ms_.clear();
  }

  Json Take() {
    const std::lock_guard lock(mutex_);
    return Json(std::move(ms_));
  }

 private:
  std::mutex mutex_;
  int64_t since_ = INT64_MAX;
  Json::Array ms_;
};

void Informer(kube::Client& client, const Options& options, Json& out) {
  const Usage start = Usage::Now();
  Delays delays;
  const auto informer = client.Watch({"v1", "Pod", options.ns, "", "slipway.dev/instance", {}},
                                     [&](auto, const auto& object) { delays.Note(*object); });
  AwaitSync([&] { return informer->synced(); });
  start.Since("start_", out);
  out.Set("items", static_cast<int64_t>(informer->All().size()));
  SleepSeconds(1);
  delays.Start();
  const Usage steady = Usage::Now();
  SleepSeconds(options.seconds);
  steady.Since("", out);
  out.Set("delaysMs", delays.Take());
}

void Watches(kube::Client& client, const Options& options, Json& out) {
  const Usage start = Usage::Now();
  std::atomic<int> told{0};
  std::vector<std::unique_ptr<kube::Informer>> informers;
  informers.reserve(static_cast<size_t>(options.count));
  for (int i = 0; i < options.count; ++i) {
    informers.push_back(client.Watch(
        {"v1", "ConfigMap", options.ns, "", "", {}}, [&](auto change, const auto& object) {
          if (change == kube::Informer::Change::kAdded && object->ref.name == "late") ++told;
        }));
  }
  AwaitSync([&] {
    return std::all_of(informers.begin(), informers.end(), [](auto& i) { return i->synced(); });
  });
  start.Since("start_", out);
  const kube::ObjectRef late{"v1", "ConfigMap", options.ns, "late"};
  Check(client.Delete(late, {}));
  const Usage steady = Usage::Now();
  const Json metadata = Json::Obj({{"name", "late"}, {"namespace", options.ns}});
  (void)Check(client.Create(
      Json::Obj({{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", metadata}})));
  AwaitSync([&] { return told == options.count; });
  steady.Since("", out);
  Check(client.Delete(late, {}));
}

int Main(int argc, char** argv) {
  const std::map<std::string, void (*)(kube::Client&, const Options&, Json&)> modes = {
      {"get", Get}, {"list", List}, {"informer", Informer}, {"watches", Watches}};
  Options options;
  std::map<std::string, std::function<void(const char*)>> flags = {
      {"--kubeconfig", [&](const char* v) { options.kubeconfig = v; }},
      {"--namespace", [&](const char* v) { options.ns = v; }},
      {"--in-flight", [&](const char* v) { options.in_flight = std::atoi(v); }},
      {"--count", [&](const char* v) { options.count = std::atoi(v); }},
      {"--seconds", [&](const char* v) { options.seconds = std::atof(v); }}};
  if (argc < 2 || !modes.contains(argv[1])) {
    std::fprintf(stderr, "usage: %s get|list|informer|watches --kubeconfig FILE …\n", argv[0]);
    return 2;
  }
  for (int i = 2; i + 1 < argc; i += 2) {
    if (const auto flag = flags.find(argv[i]); flag != flags.end()) flag->second(argv[i + 1]);
  }
  const SystemClock clock;
  Logger log(clock, 2, Logger::Format::kHuman, Logger::Level::kError);
  Metrics metrics;
  Json out = Json::MakeObject();
  {
    kube::Client client(Check(kube::LoadKubeconfig(options.kubeconfig, "")), {}, clock, log,
                        metrics);
    modes.at(argv[1])(client, options, out);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out.Set("peakKiB", static_cast<int64_t>(usage.ru_maxrss));
  std::printf("%s\n", out.Dump().c_str());
  return 0;
}

}  // namespace
}  // namespace slipway::bench

int main(int argc, char** argv) {
  return slipway::bench::Main(argc, argv);
}
