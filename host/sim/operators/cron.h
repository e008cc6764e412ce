#pragma once

#include <cstdint>
#include <string>

namespace slipway::sim::operators {

// The next time a schedule (robfig cron with seconds, five fields or a macro) asks for, after
// `after_ms`, UTC; -1 when it cannot be read or never comes within a year.
int64_t NextSchedule(const std::string& schedule, int64_t after_ms);

}  // namespace slipway::sim::operators
