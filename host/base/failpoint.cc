#include "base/failpoint.h"

#ifdef SLIPWAY_FAILPOINTS

#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <signal.h>
#include <string>
#include <unistd.h>

namespace slipway {
namespace {

struct State {
  std::string target;
  int at = 0, trace_fd = -1;
  std::map<std::string, int, std::less<>> passed;
  std::mutex mutex;

  State() {
    if (const char* spec = std::getenv("SLIPWAY_FAILPOINT")) {
      target = spec;
      const size_t hash = target.rfind('#');
      at = hash == std::string::npos ? 1 : std::atoi(target.c_str() + hash + 1);
      target.resize(std::min(hash, target.size()));
    }
    if (const char* file = std::getenv("SLIPWAY_FAILPOINT_TRACE"))
      trace_fd = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
};

}  // namespace

void PassFailpoint(std::string_view name) {
  static State state;
  if (state.target.empty() && state.trace_fd < 0) return;
  const std::lock_guard lock(state.mutex);
  const int count = ++state.passed[std::string(name)];
  if (state.trace_fd >= 0) {
    const std::string line = std::string(name) + "\n";
    (void)!::write(state.trace_fd, line.data(), line.size());
  }
  if (name == state.target && count == state.at) ::kill(::getpid(), SIGKILL);
}

}  // namespace slipway

#else

namespace slipway {
void PassFailpoint(std::string_view) {}
}  // namespace slipway

#endif
