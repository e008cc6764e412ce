#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// What a Barman Cloud server's directory holds: base/ID with data.tar and backup.info, and wals/.
// A base that has no backup.info is not complete and is not one. Reads files; any thread.

// One base backup, as its backup.info says.
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

// "16/B374D848" as a number; 0 when it is none.
uint64_t ParseLsn(const std::string& text);
// The segment that holds the byte before a position, as PostgreSQL names the end of a backup, or
// the one at it.
std::string SegmentBefore(int64_t timeline, uint64_t lsn, uint64_t segment_bytes);
std::string SegmentAt(int64_t timeline, uint64_t lsn, uint64_t segment_bytes);
// Where a file of the archive lies below the server's directory.
std::string ArchivedPath(const std::string& file);
// A target's time in milliseconds, -1 when nobody can read it. PostgreSQL's form is read too, and
// without a zone it is UTC.
int64_t ParseTargetTime(const std::string& text);
// The same time for recovery_target_time, with its zone.
std::string TargetTimeWithZone(const std::string& text);

bool IsBackupId(const std::string& name);
std::string BackupInfo(const BaseBackup& backup);  // the text of backup.info
// The complete ones, the oldest end first.
std::vector<BaseBackup> ListBases(const std::string& server_directory);
// The base that a recovery starts from, in the words of the real plugin when there is none.
Result<BaseBackup> ChooseBase(const std::vector<BaseBackup>& bases, const RecoveryTarget& target);

}  // namespace slipway::sim::operators::cnpg
