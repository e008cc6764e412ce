// Checks the schedules of backups.
#pragma once
#include <string>

namespace slipway::kit {

// Each describes the mistake in a schedule and returns "" for a right one: a cron line of so many
// fields, or a descriptor such as @daily.
std::string CrontabError(const std::string& schedule);      // five fields
std::string SecondsCronError(const std::string& schedule);  // six, seconds first

}  // namespace slipway::kit
