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

struct Run {
  double commits_per_second = 0, commits_per_group = 0;
  size_t bytes_per_group = 0;
  int64_t p99_ms = 0;
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

bool Measure(Store& store, const Clock& clock, size_t callers, int64_t duration_ms, Run& run) {
  std::vector<OperationRecord> operations;
  if (!Prepare(store, clock, callers, operations)) return false;
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
        const int64_t done_ms = clock.SteadyMs();
        latencies_ms[i].push_back(done_ms - now_ms);
        now_ms = done_ms;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = static_cast<double>(clock.SteadyMs() - began_ms) / 1000;
  const Store::Stats after = store.stats();
  const uint64_t writes = after.writes - before.writes, groups = after.groups - before.groups;
  if (failed || groups == 0) return false;
  run.commits_per_second = static_cast<double>(writes) / seconds;
  run.commits_per_group = static_cast<double>(writes) / static_cast<double>(groups);
  run.bytes_per_group = static_cast<size_t>(BytesWritten() - bytes) / groups;
  std::vector<int64_t> all;
  for (const auto& some : latencies_ms) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  run.p99_ms = all[all.size() * 99 / 100];
  return true;
}

// Syncs per second of a file written round and round, as a write-ahead log is.
double RawRate(const std::string& path, size_t bytes, const Clock& clock, int64_t duration_ms) {
  constexpr size_t kFileBytes = 4u << 20;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::vector<char> zeros(kFileBytes + bytes, 'x');
  if (fd < 0 || ::pwrite(fd, zeros.data(), zeros.size(), 0) < 0 || ::fsync(fd) != 0) return 0;
  const int64_t began_ms = clock.SteadyMs();
  int64_t syncs = 0;
  size_t offset = 0;
  while (clock.SteadyMs() - began_ms < duration_ms) {
    if (::pwrite(fd, zeros.data(), bytes, static_cast<off_t>(offset)) < 0) break;
    if (::fdatasync(fd) != 0) break;
    offset = offset + bytes > kFileBytes ? 0 : offset + bytes;
    ++syncs;
  }
  const int64_t took_ms = std::max<int64_t>(clock.SteadyMs() - began_ms, 1);
  ::close(fd);
  return static_cast<double>(syncs) * 1000 / static_cast<double>(took_ms);
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
    Metrics metrics;
    auto store =
        Store::Open({.directory = root + "/" + std::to_string(callers)}, clock, log, metrics);
    Run run;
    if (!store || !Measure(**store, clock, callers, seconds * 1000, run)) {
      std::fprintf(stderr, "the store failed with %zu callers\n", callers);
      status = 1;
      break;
    }
    const double bound =
        RawRate(root + "/raw", run.bytes_per_group, clock, seconds * 1000) * run.commits_per_group;
    std::printf("%7zu  %9.0f  %6lld  %12.1f  %8zu  %7.0f  %5.2f\n", callers, run.commits_per_second,
                static_cast<long long>(run.p99_ms), run.commits_per_group,
                run.bytes_per_group / 1024, bound, bound > 0 ? run.commits_per_second / bound : 0);
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
