#include "pipeline/stages.h"

namespace slipway::pipeline {
namespace {

struct Entry {
  std::string_view name;
  bool engine;  // an engine fills it in
};

const std::vector<Entry>& Table(std::string_view verb) {
  static const std::vector<Entry> kCreate{
      {stage::kValidating, false},   {stage::kNamespaceCreation, true},
      {stage::kCrdDeployment, true}, {stage::kWaitingForReady, true},
      {stage::kCredentialGen, true}, {stage::kBackupConfig, true},
      {stage::kMetricsSetup, true},  {stage::kCompleted, false}};
  static const std::vector<Entry> kDelete{{stage::kValidating, false},
                                          {stage::kResourceDeletion, true},
                                          {stage::kNamespaceDeletion, false},
                                          {stage::kCompleted, false}};
  static const std::vector<Entry> kNone;
  return verb == "create" ? kCreate : verb == "delete" ? kDelete : kNone;
}

}  // namespace

std::vector<store::StageRecord> StagesOf(std::string_view verb) {
  std::vector<store::StageRecord> out;
  for (const Entry& entry : Table(verb)) {
    store::StageRecord record;
    record.name = entry.name;
    out.push_back(std::move(record));
  }
  return out;
}

std::vector<store::StageRecord> RollbackStages() {
  std::vector<store::StageRecord> out(2);
  out[0].name = stage::kResourceDeletion;
  out[1].name = stage::kNamespaceDeletion;
  for (auto& record : out) record.rollback = true;
  return out;
}

bool IsEngineStage(std::string_view verb, std::string_view name) {
  for (const Entry& entry : Table(verb)) {
    if (entry.name == name) return entry.engine;
  }
  return false;
}

bool HasTimeout(const store::StageRecord& record, std::string_view verb) {
  return record.rollback || verb != "delete";
}

}  // namespace slipway::pipeline
