#pragma once

#include <cstdint>
#include <string>

namespace slipway::sim::operators {

// The next time, in UTC and after `after_ms`, at which a schedule is due. A schedule is robfig cron
// with seconds, five fields or a macro. Returns -1 when the schedule cannot be read or is not due
// within a year.
int64_t NextSchedule(const std::string& schedule, int64_t after_ms);

}  // namespace slipway::sim::operators
