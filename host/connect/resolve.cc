#include "connect/resolve.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>

namespace slipway::connect {
namespace {

constexpr int kMostLookups = 16;
constexpr size_t kMostAddresses = 8;

// The number of look-ups under way in this process.
std::atomic<int>& Lookups() {
  static std::atomic<int> count{0};
  return count;
}

Resolved LookUp(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return {{}, host + ": " + ::gai_strerror(failed)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
  Resolved out;
  for (const addrinfo* one = found; one != nullptr && out.addresses.size() < kMostAddresses;
       one = one->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) == 0)
      out.addresses.emplace_back(text);
  }
  if (out.addresses.empty()) out.failure = host + ": no address";
  return out;
}

// The waiting thread and the thread of the look-up share it. Either may end first.
struct Lookup {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  Resolved result;
};

}  // namespace

Resolved Resolve(const std::string& host, const Deadline& deadline) {
  if (Resolved numeric = LookUp(host, AI_NUMERICHOST); numeric.failure.empty()) return numeric;
  if (Lookups().fetch_add(1) >= kMostLookups) {
    --Lookups();
    return {{}, host + ": the resolver does not answer"};
  }
  const auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([host, lookup] {
      Resolved result = LookUp(host, 0);
      --Lookups();
      const std::lock_guard lock(lookup->mutex);
      lookup->result = std::move(result);
      lookup->done = true;
      lookup->ended.notify_one();
    }).detach();
  } catch (const std::system_error& error) {
    --Lookups();
    return {{}, host + ": " + error.what()};
  }
  std::unique_lock lock(lookup->mutex);
  if (!lookup->ended.wait_for(lock, std::chrono::milliseconds(deadline.LeftMs()),
                              [&] { return lookup->done; }))
    return {{}, host + ": the resolver does not answer"};
  return std::move(lookup->result);
}

}  // namespace slipway::connect
