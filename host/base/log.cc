#include "base/log.h"

#include <cerrno>
#include <unistd.h>

namespace slipway {
namespace {

constexpr const char* kNames[] = {"debug", "info", "warn", "error"};

}  // namespace

bool Logger::ParseLevel(std::string_view name, Level& level) {
  for (int i = 0; i < 4; ++i) {
    if (name == kNames[i]) {
      level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

void Logger::set_level(Level level) {
  const std::lock_guard lock(mutex_);
  level_ = level;
}

void Logger::Write(Level level, std::string_view event, Fields fields) {
  const std::lock_guard lock(mutex_);
  if (level < level_) return;
  std::string line;
  if (format_ == Format::kJson) {
    Json object = Json::Obj({{"ts", FormatTime(clock_.NowMs())},
                             {"level", kNames[static_cast<int>(level)]},
                             {"event", event}});
    for (const auto& [key, value] : fields) object.Set(key, value);
    object.DumpTo(line);
  } else {
    line = FormatTime(clock_.NowMs()).substr(11, 12) + " " + kNames[static_cast<int>(level)] + " ";
    line.append(event);
    for (const auto& [key, value] : fields) {
      line.append(" ").append(key).append("=");
      // A bare word reads better; anything that could forge a second line is quoted.
      const bool bare = value.is_string() && !value.AsString().empty() &&
                        value.AsString().find_first_of(" \"=\n\r\t\x1b") == std::string::npos;
      line.append(bare ? value.AsString() : value.Dump());
    }
  }
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a log that cannot be written stops no work
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace slipway
