// How near is Store::Commit to what the disk can do?
//
//   store_commit_bench [--seconds N] [--directory PATH]
//
// For 1, 16 and 64 callers: commits per second, beside a bare loop of pwrite + fdatasync on the
// same disk that writes as many bytes in as many commits to a sync. The ratio is 1.00 at the bound.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/ids.h"
#include "store/store.h"

namespace slipway::store {
namespace {

// Sums over the rounds of one number of callers.
struct Run {
  uint64_t writes = 0, groups = 0, bytes = 0;
  int64_t store_ms = 0, raw_syncs = 0, raw_ms = 0;
  std::vector<int64_t> latencies_ms;
};

// Bytes that this process has handed to write calls.
int64_t BytesWritten() {
  std::ifstream io("/proc/self/io");
  std::string word;
  int64_t value = 0;
  while (io >> word >> value)
    if (word == "wchar:") return value;
  return 0;
}

bool Prepare(Store& store, const Clock& clock, size_t callers,
             std::vector<OperationRecord>& operations) {
  for (size_t i = 0; i < callers; ++i) {
    Submission submission;
    submission.instance.emplace();
    submission.instance->id = NewId("ins", clock);
    submission.instance->organization = "bench";
    submission.instance->name = submission.instance->id;
    submission.operation.id = NewId("op", clock);
    submission.operation.verb = "create";
    submission.operation.stages.resize(8);
    auto submitted = store.Submit(submission);
    if (!submitted) return false;
    operations.push_back(submitted->operation);
  }
  return true;
}

// Counts the operations' revisions up.
bool Measure(Store& store, const Clock& clock, std::vector<OperationRecord>& operations,
             int64_t duration_ms, Run& run) {
  const size_t callers = operations.size();
  const Store::Stats before = store.stats();
  const int64_t bytes = BytesWritten(), began_ms = clock.SteadyMs();
  std::atomic<bool> failed{false};
  std::vector<std::vector<int64_t>> latencies_ms(callers);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < callers; ++i) {
    threads.emplace_back([&, i] {
      int64_t now_ms = clock.SteadyMs();
      while (now_ms - began_ms < duration_ms && !failed) {
        Change change;
        change.operation = operations[i];
        StageRecord& stage = change.operation.stages[latencies_ms[i].size() % 8];
        stage.attempts = static_cast<int>(latencies_ms[i].size());
        change.events = {{0, operations[i].id, 0, "stage.started", R"({"stage":"PROVISION"})"}};
        if (!store.Commit(std::move(change))) failed = true;
        ++operations[i].revision;
        const int64_t done_ms = clock.SteadyMs();
        latencies_ms[i].push_back(done_ms - now_ms);
        now_ms = done_ms;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Store::Stats after = store.stats();
  run.store_ms += clock.SteadyMs() - began_ms;
  run.writes += after.writes - before.writes;
  run.groups += after.groups - before.groups;
  run.bytes += static_cast<uint64_t>(BytesWritten() - bytes);
  for (const auto& some : latencies_ms)
    run.latencies_ms.insert(run.latencies_ms.end(), some.begin(), some.end());
  return !failed && run.groups > 0;
}

// Syncs a file that is written round and round, as a write-ahead log is.
bool MeasureRaw(const std::string& path, const Clock& clock, int64_t duration_ms, Run& run) {
  constexpr size_t kFileBytes = 4u << 20;
  const size_t bytes = run.bytes / run.groups;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::vector<char> data(kFileBytes + bytes, 'x');
  bool good = fd >= 0 && ::pwrite(fd, data.data(), data.size(), 0) >= 0 && ::fsync(fd) == 0;
  const int64_t began_ms = clock.SteadyMs();
  size_t offset = 0;
  while (good && clock.SteadyMs() - began_ms < duration_ms) {
    good =
        ::pwrite(fd, data.data(), bytes, static_cast<off_t>(offset)) >= 0 && ::fdatasync(fd) == 0;
    offset = offset + bytes > kFileBytes ? 0 : offset + bytes;
    ++run.raw_syncs;
  }
  run.raw_ms += clock.SteadyMs() - began_ms;
  if (fd >= 0) ::close(fd);
  return good;
}

// In turns, so that what else the disk does falls on both sides alike.
bool Rounds(const std::string& root, size_t callers, int64_t seconds, const Clock& clock,
            Logger& log, Run& run) {
  Metrics metrics;
  auto store =
      Store::Open({.directory = root + "/" + std::to_string(callers)}, clock, log, metrics);
  std::vector<OperationRecord> operations;
  if (!store || !Prepare(**store, clock, callers, operations)) return false;
  for (int64_t round = 0; round < seconds * 2; ++round) {
    if (!Measure(**store, clock, operations, 500, run)) return false;
    if (!MeasureRaw(root + "/raw", clock, 500, run)) return false;
  }
  return true;
}

void Print(size_t callers, Run& run) {
  const double a_group = static_cast<double>(run.writes) / static_cast<double>(run.groups);
  const double rate = static_cast<double>(run.writes) * 1000 / static_cast<double>(run.store_ms);
  const double bound =
      static_cast<double>(run.raw_syncs) * 1000 / static_cast<double>(run.raw_ms) * a_group;
  std::sort(run.latencies_ms.begin(), run.latencies_ms.end());
  const int64_t p99_ms = run.latencies_ms[run.latencies_ms.size() * 99 / 100];
  std::printf("%7zu  %9.0f  %6lld  %12.1f  %8llu  %7.0f  %5.2f\n", callers, rate,
              static_cast<long long>(p99_ms), a_group,
              static_cast<unsigned long long>(run.bytes / run.groups / 1024), bound, rate / bound);
}

int Main(int64_t seconds, const std::string& parent) {
  std::string root = parent + "/store-bench-XXXXXX";
  if (::mkdtemp(root.data()) == nullptr) {
    std::perror(root.c_str());
    return 1;
  }
  const SystemClock clock;
  Logger log(clock, STDERR_FILENO, Logger::Format::kHuman, Logger::Level::kWarn);
  int status = 0;
  std::printf("callers  commits/s  p99 ms  commits/sync  KiB/sync  bound/s  ratio\n");
  for (const size_t callers : {1u, 16u, 64u}) {
    Run run;
    if (!Rounds(root, callers, seconds, clock, log, run)) {
      std::fprintf(stderr, "failed with %zu callers\n", callers);
      status = 1;
      break;
    }
    Print(callers, run);
  }
  std::error_code ignored;
  std::filesystem::remove_all(root, ignored);
  return status;
}

}  // namespace
}  // namespace slipway::store

int main(int argc, char** argv) {
  int64_t seconds = 3;
  std::string directory = std::filesystem::current_path();
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && std::strcmp(argv[i], "--seconds") == 0) {
      seconds = std::max(1L, std::strtol(argv[i + 1], nullptr, 10));
    } else if (i + 1 < argc && std::strcmp(argv[i], "--directory") == 0) {
      directory = argv[i + 1];
    } else {
      std::fprintf(stderr, "usage: %s [--seconds N] [--directory PATH]\n", argv[0]);
      return 2;
    }
  }
  return slipway::store::Main(seconds, directory);
}
