#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway {

// Counters, gauges and histograms for /metrics. Get a handle once, at construction, and keep it:
// each look-up takes a lock. Never put a user's text into a label, for no series is ever dropped.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  class Counter {
   public:
    void Add(double n = 1) const;

   private:
    friend class Metrics;
    void* counter_ = nullptr;
  };

  class Gauge {
   public:
    void Set(double v) const;

   private:
    friend class Metrics;
    void* gauge_ = nullptr;
  };

  class Histogram {
   public:
    void Observe(double v) const;

   private:
    friend class Metrics;
    void* histogram_ = nullptr;
  };

  Metrics();
  ~Metrics();

  Counter GetCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge GetGauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // Buckets in seconds, 1 ms to 10 min.
  Histogram GetHistogram(const std::string& name, const std::string& help,
                         const Labels& labels = {});

  // Prometheus text format, with process_* read from /proc/self.
  std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway
