#include <algorithm>
#include <utility>

#include <slipway/kit/backups.h>

namespace slipway::kit {

namespace {

constexpr size_t kLongestError = 1024;

void SetKnown(Json& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.Set(name, value);
}

void SetKnown(Json& out, std::string_view name, int64_t value) {
  if (value > 0) out.Set(name, value);
}

}  // namespace

std::string Shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  const auto inside = [&] { return (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; };
  while (end > 0 && inside()) --end;
  return std::string(text.substr(0, end));
}

Json BackupRecord::ToJson() const {
  Json out = Json::Obj({{"id", id}, {"type", type}, {"trigger", trigger}, {"state", state}});
  SetKnown(out, "started_ms", started_ms);
  SetKnown(out, "finished_ms", finished_ms);
  SetKnown(out, "position", position);
  SetKnown(out, "engine_version", engine_version);
  SetKnown(out, "reference", reference);
  SetKnown(out, "error", Shortened(error, kLongestError));
  return out;
}

void Order(std::vector<BackupRecord>& backups) {
  std::sort(backups.begin(), backups.end(), [](const BackupRecord& a, const BackupRecord& b) {
    return std::pair(a.asked_ms, a.id) > std::pair(b.asked_ms, b.id);
  });
}

Json BackupsOutput(const std::vector<BackupRecord>& backups) {
  Json out = Json::Arr();
  for (size_t i = 0; i < std::min(backups.size(), kMostBackups); ++i) out.Push(backups[i].ToJson());
  return out;
}

Json RecoveryWindow::ToJson() const {
  const bool any = from_ms > 0 && to_ms > 0;
  // The two ends are told by two parties, whose clocks may differ by a second.
  const int64_t end_ms = std::max(from_ms, to_ms);
  Json windows = Json::Arr();
  if (any) {
    Json window = Json::Obj({{"from_ms", from_ms}, {"to_ms", end_ms}});
    if (archiving == "HEALTHY") window.Set("open", true);
    windows.Push(std::move(window));
  }
  Json out =
      Json::Obj({{"supported", true}, {"windows", std::move(windows)}, {"gaps", Json::Arr()}});
  if (any) out.Set("latest_ms", end_ms);
  SetKnown(out, "archiving", archiving);
  SetKnown(out, "archive_error", Shortened(archive_error, kLongestError));
  SetKnown(out, "last_backup_ms", last_backup_ms);
  SetKnown(out, "last_backup_error", Shortened(last_backup_error, kLongestError));
  return out.Set("confidence", "OBSERVED");
}

}  // namespace slipway::kit
