#include "devcluster/cnpg/base_backups.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "base/clock.h"
#include "devcluster/operators/files.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr size_t kDirectoryDigits = 16;

bool AllDigits(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string Segment(int64_t timeline, uint64_t number, uint64_t segment_bytes) {
  const uint64_t per_log = (uint64_t{1} << 32) / segment_bytes;
  char out[32];
  std::snprintf(out, sizeof out, "%08X%08X%08X", static_cast<unsigned>(timeline),
                static_cast<unsigned>(number / per_log), static_cast<unsigned>(number % per_log));
  return out;
}

// The position of the zone behind a time of day: "Z", "+02", "-03:30". npos when there is no zone.
size_t ZoneOf(const std::string& text) {
  const size_t clock = text.find(':');
  return clock == std::string::npos ? clock : text.find_first_of("Z+-", clock);
}

BaseBackup ReadInfo(const std::string& id, const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  BaseBackup out;
  out.id = id;
  out.name = values["backup_name"];
  out.begin_ms = ParseTime(values["begin_time_iso"]);
  out.end_ms = ParseTime(values["end_time_iso"]);
  out.begin_wal = values["begin_wal"];
  out.end_wal = values["end_wal"];
  out.begin_lsn = values["begin_xlog"];
  out.end_lsn = values["end_xlog"];
  out.timeline = std::atoll(values["timeline"].c_str());
  return out;
}

bool OnTimeline(const BaseBackup& base, const std::string& wanted) {
  return wanted.empty() || wanted == "latest" || wanted == std::to_string(base.timeline);
}

}  // namespace

uint64_t ParseLsn(const std::string& text) {
  unsigned high = 0, low = 0;
  if (std::sscanf(text.c_str(), "%x/%x", &high, &low) != 2) return 0;
  return uint64_t{high} << 32 | low;
}

std::string SegmentBefore(int64_t timeline, uint64_t lsn, uint64_t segment_bytes) {
  return Segment(timeline, lsn == 0 ? 0 : (lsn - 1) / segment_bytes, segment_bytes);
}

std::string SegmentAt(int64_t timeline, uint64_t lsn, uint64_t segment_bytes) {
  return Segment(timeline, lsn / segment_bytes, segment_bytes);
}

std::string ArchivedPath(const std::string& file) {
  if (file.size() < 24) return "wals/" + file;  // the history of a timeline
  return "wals/" + file.substr(0, kDirectoryDigits) + "/" + file;
}

std::string TargetTimeWithZone(const std::string& text) {
  const size_t zone = ZoneOf(text);
  if (zone == std::string::npos) return text + "+00";
  // PostgreSQL does not understand the zone "Z" while it reads its configuration.
  return text[zone] == 'Z' ? text.substr(0, zone) + "+00" : text;
}

int64_t ParseTargetTime(const std::string& text) {
  std::string rfc = TargetTimeWithZone(text);
  if (const size_t space = rfc.find(' '); space != std::string::npos) rfc[space] = 'T';
  rfc.erase(std::remove(rfc.begin(), rfc.end(), ' '), rfc.end());
  const size_t zone = ZoneOf(rfc);
  if (zone != std::string::npos && rfc.find(':', zone) == std::string::npos) rfc += ":00";
  return ParseTime(rfc);
}

bool IsBackupId(const std::string& name) {
  return name.size() == 15 && name[8] == 'T' && AllDigits(name.substr(0, 8)) &&
         AllDigits(name.substr(9));
}

std::string BackupInfo(const BaseBackup& backup) {
  std::ostringstream out;
  out << "backup_id=" << backup.id << "\nbackup_name=" << backup.name
      << "\nbegin_time_iso=" << FormatTime(backup.begin_ms)
      << "\nend_time_iso=" << FormatTime(backup.end_ms) << "\nbegin_wal=" << backup.begin_wal
      << "\nend_wal=" << backup.end_wal << "\nbegin_xlog=" << backup.begin_lsn
      << "\nend_xlog=" << backup.end_lsn << "\ntimeline=" << backup.timeline
      << "\nmode=concurrent\nstatus=DONE\n";
  return out.str();
}

std::vector<BaseBackup> ListBases(const std::string& server_directory) {
  std::vector<BaseBackup> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(server_directory + "/base", error)) {
    const std::string id = entry.path().filename().string();
    const std::string info = ReadFile(entry.path().string() + "/backup.info");
    if (IsBackupId(id) && !info.empty()) out.push_back(ReadInfo(id, info));
  }
  std::sort(out.begin(), out.end(), [](const BaseBackup& a, const BaseBackup& b) {
    return a.end_ms != b.end_ms ? a.end_ms < b.end_ms : a.id < b.id;
  });
  return out;
}

Result<BaseBackup> ChooseBase(const std::vector<BaseBackup>& bases, const RecoveryTarget& target) {
  if (!target.backup_id.empty()) {
    for (const BaseBackup& base : bases)
      if (base.id == target.backup_id) return base;
    return Error{Code::kNotFound, "NoBackup", "no backup found with ID " + target.backup_id};
  }
  const int64_t time = target.time.empty() ? 0 : ParseTargetTime(target.time);
  if (time < 0)
    return Error{Code::kInvalid, "BadTarget",
                 "while parsing recovery target targetTime: " + target.time};
  for (auto base = bases.rbegin(); base != bases.rend(); ++base) {
    if (!OnTimeline(*base, target.timeline)) continue;
    if (!target.time.empty() && base->end_ms > time) continue;
    if (!target.lsn.empty() && ParseLsn(base->end_lsn) >= ParseLsn(target.lsn)) continue;
    return *base;
  }
  return Error{Code::kNotFound, "NoBackup", "no target backup found"};
}

}  // namespace slipway::sim::operators::cnpg
