#include "devcluster/request_log.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

namespace slipway::sim {

RequestLog::~RequestLog() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> RequestLog::Open(const std::string& path) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) return Error{Code::kInternal, "RequestLog", path + ": " + std::strerror(errno)};
  return {};
}

void RequestLog::Write(const RequestRecord& record) {
  if (fd_ < 0) return;
  Json line = Json::Obj({{"ts", FormatTime(record.ts_ms)},
                         {"method", record.method},
                         {"path", record.path},
                         {"query", record.query},
                         {"verb", record.verb},
                         {"userAgent", record.user_agent},
                         {"status", record.status}});
  if (!record.uid.empty()) line.Set("name", record.name).Set("uid", record.uid);
  if (!record.body_sha256.empty()) line.Set("bodySha256", record.body_sha256);
  std::string text = line.Dump() + "\n";
  const std::lock_guard lock(mutex_);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a log for tests: a full disk does not stop the cluster
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace slipway::sim
