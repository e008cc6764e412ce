#pragma once

#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/json.h"

namespace slipway {

// Writes structured log lines to one file descriptor. A line begins with the event's name
// ("op.stage_advanced"); ids are fields; secrets and prose have no place in it. One mutex guards
// the logger, and each line is one write(2).
class Logger {
 public:
  enum class Level { kDebug, kInfo, kWarn, kError };
  enum class Format { kJson, kHuman };
  using Fields = std::initializer_list<std::pair<std::string_view, Json>>;

  // The logger borrows the fd. kHuman is for a terminal.
  Logger(const Clock& clock, int fd, Format format, Level level)
      : clock_(clock), fd_(fd), format_(format), level_(level) {}

  void Debug(std::string_view event, Fields fields = {}) { Write(Level::kDebug, event, fields); }

  void Info(std::string_view event, Fields fields = {}) { Write(Level::kInfo, event, fields); }

  void Warn(std::string_view event, Fields fields = {}) { Write(Level::kWarn, event, fields); }

  void Error(std::string_view event, Fields fields = {}) { Write(Level::kError, event, fields); }

  void Write(Level level, std::string_view event, Fields fields);

  void set_level(Level level);
  static bool ParseLevel(std::string_view name, Level& level);  // debug info warn error

 private:
  const Clock& clock_;
  const int fd_;
  const Format format_;
  Level level_;
  std::mutex mutex_;
};

}  // namespace slipway
