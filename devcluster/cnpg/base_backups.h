#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// The directory of a server in a Barman Cloud store. It holds base/ID/ with data.tar and
// backup.info, and wals/. A directory without backup.info is incomplete and does not count as a
// base. Only ListBases() reads files. Any thread.

// One base backup, as its backup.info describes it. Times are Unix milliseconds.
struct BaseBackup {
  std::string id, name;  // "20261122T010003", "backup-20261122010001"
  int64_t begin_ms = 0, end_ms = 0;
  std::string begin_wal, end_wal, begin_lsn, end_lsn;
  int64_t timeline = 1;
};

// bootstrap.recovery.recoveryTarget of a Cluster.
struct RecoveryTarget {
  std::string backup_id, time, lsn, xid, name, timeline;
  bool immediate = false, exclusive = false;
};

// "16/B374D848" as a number; 0 when the text is no position.
uint64_t ParseLsn(const std::string& text);
// The name of the segment that holds the byte before a position (so PostgreSQL names the end of a
// backup), and of the segment that holds the byte at it.
std::string SegmentBefore(int64_t timeline, uint64_t lsn, uint64_t segment_bytes);
std::string SegmentAt(int64_t timeline, uint64_t lsn, uint64_t segment_bytes);
// The path of a file of the archive below the server's directory.
std::string ArchivedPath(const std::string& file);
// The time of a target in Unix milliseconds; -1 when it cannot be read. Accepts RFC 3339 and
// PostgreSQL's form; a time without a zone is UTC.
int64_t ParseTargetTime(const std::string& text);
// The same time as a value of recovery_target_time, always with a zone.
std::string TargetTimeWithZone(const std::string& text);

bool IsBackupId(const std::string& name);          // as in "20261122T010003"
std::string BackupInfo(const BaseBackup& backup);  // the text of backup.info
// The complete bases, the one with the oldest end first.
std::vector<BaseBackup> ListBases(const std::string& server_directory);
// The base from which a recovery starts; `bases` are in the order of ListBases(). kNotFound when no
// base fits and kInvalid when the time cannot be read, both in the words of the real plugin.
Result<BaseBackup> ChooseBase(const std::vector<BaseBackup>& bases, const RecoveryTarget& target);

}  // namespace slipway::sim::operators::cnpg
