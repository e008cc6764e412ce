#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/result.h"

namespace slipway::sim {

struct RequestRecord {
  int64_t ts_ms = 0;
  std::string method, path, query, user_agent, verb;
  int status = 0;           // 0 when the connection was cut
  std::string name, uid;    // of the object read or written, "" for lists
  std::string body_sha256;  // of the request's body, "" without a body
};

// One JSON line per request, in the order of the answers. Guarded by one mutex.
class RequestLog {
 public:
  RequestLog() = default;
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  Result<void> Open(const std::string& path);

  bool enabled() const { return fd_ >= 0; }

  void Write(const RequestRecord& record);

 private:
  std::mutex mutex_;
  int fd_ = -1;
};

}  // namespace slipway::sim
