// The backups of an instance, and the time that it can be restored to, as outputs of a step.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <slipway/kit/json.h>

namespace slipway::kit {

// The most backups that a document holds.
inline constexpr size_t kMostBackups = 200;

// `text`, cut between two characters to at most so many bytes.
std::string Shortened(std::string_view text, size_t most);

// An empty text and a 0 are not known.
struct BackupRecord {
  std::string id, type, trigger, state;
  int64_t asked_ms = 0;  // no part of the document: it orders them
  int64_t started_ms = 0, finished_ms = 0;
  std::string position, engine_version, reference, error;

  bool Is(std::string_view this_state) const { return state == this_state; }

  Json ToJson() const;
};

// Newest first.
void Order(std::vector<BackupRecord>& backups);
// outputs.backups of an ordered list.
Json BackupsOutput(const std::vector<BackupRecord>& backups);

// outputs.window, of an archive without gaps.
struct RecoveryWindow {
  int64_t from_ms = 0, to_ms = 0;  // 0: nothing can be restored
  std::string archiving = {};      // HEALTHY, FAILING, NOT_STARTED; empty: not known
  std::string archive_error = {};
  int64_t last_backup_ms = 0;
  std::string last_backup_error = {};

  Json ToJson() const;
};

}  // namespace slipway::kit
