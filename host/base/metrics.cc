#include "base/metrics.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <unistd.h>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace slipway {

struct Metrics::Impl {
  prometheus::Registry registry;
  Gauge rss, cpu, fds, threads;
};

namespace {

prometheus::Labels Convert(const Metrics::Labels& labels) {
  return {labels.begin(), labels.end()};
}

const prometheus::Histogram::BucketBoundaries kBuckets{
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600};

}  // namespace

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  impl_->rss = GetGauge("process_resident_memory_bytes", "Resident memory.");
  impl_->cpu = GetGauge("process_cpu_seconds_total", "User and system CPU time.");
  impl_->fds = GetGauge("process_open_fds", "Open file descriptors.");
  impl_->threads = GetGauge("process_threads", "Threads.");
}

Metrics::~Metrics() = default;

void Metrics::Counter::Add(double n) const {
  if (counter_ != nullptr) static_cast<prometheus::Counter*>(counter_)->Increment(n);
}

void Metrics::Gauge::Set(double v) const {
  if (gauge_ != nullptr) static_cast<prometheus::Gauge*>(gauge_)->Set(v);
}

void Metrics::Histogram::Observe(double v) const {
  if (histogram_ != nullptr) static_cast<prometheus::Histogram*>(histogram_)->Observe(v);
}

Metrics::Counter Metrics::GetCounter(const std::string& name, const std::string& help,
                                     const Labels& labels) {
  Counter out;
  out.counter_ = &prometheus::BuildCounter()
                      .Name(name)
                      .Help(help)
                      .Register(impl_->registry)
                      .Add(Convert(labels));
  return out;
}

Metrics::Gauge Metrics::GetGauge(const std::string& name, const std::string& help,
                                 const Labels& labels) {
  Gauge out;
  out.gauge_ = &prometheus::BuildGauge()
                    .Name(name)
                    .Help(help)
                    .Register(impl_->registry)
                    .Add(Convert(labels));
  return out;
}

Metrics::Histogram Metrics::GetHistogram(const std::string& name, const std::string& help,
                                         const Labels& labels) {
  Histogram out;
  out.histogram_ = &prometheus::BuildHistogram()
                        .Name(name)
                        .Help(help)
                        .Register(impl_->registry)
                        .Add(Convert(labels), kBuckets);
  return out;
}

std::string Metrics::Text() const {
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  statm >> pages >> resident;
  impl_->rss.Set(resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string word;
  double ticks = 0;
  for (int i = 3; fields >> word && i <= 20; ++i) {
    if (i == 14 || i == 15) ticks += std::atof(word.c_str());
    if (i == 20) impl_->threads.Set(std::atof(word.c_str()));
  }
  impl_->cpu.Set(ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
  std::error_code ec;
  double fds = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", ec);
       !ec && it != std::filesystem::directory_iterator(); it.increment(ec))
    ++fds;
  impl_->fds.Set(fds);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace slipway
