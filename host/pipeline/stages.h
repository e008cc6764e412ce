#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/records.h"

namespace slipway::pipeline {

// The stage names, once. The host owns them; an engine fills them in.
namespace stage {
inline constexpr std::string_view kValidating = "VALIDATING";
inline constexpr std::string_view kNamespaceCreation = "NAMESPACE_CREATION";
inline constexpr std::string_view kCrdDeployment = "CRD_DEPLOYMENT";
inline constexpr std::string_view kWaitingForReady = "WAITING_FOR_READY";
inline constexpr std::string_view kCredentialGen = "CREDENTIAL_GEN";
inline constexpr std::string_view kBackupConfig = "BACKUP_CONFIG";
inline constexpr std::string_view kMetricsSetup = "METRICS_SETUP";
inline constexpr std::string_view kResourceDeletion = "RESOURCE_DELETION";
inline constexpr std::string_view kNamespaceDeletion = "NAMESPACE_DELETION";
inline constexpr std::string_view kCompleted = "COMPLETED";
}  // namespace stage

// Stage list of a verb, all PENDING; empty for an unknown verb.
std::vector<store::StageRecord> StagesOf(std::string_view verb);
// What a rollback of `verb` appends.
std::vector<store::StageRecord> RollbackStages();
// Is `name` a stage of `verb` that an engine may fill in?
bool IsEngineStage(std::string_view verb, std::string_view name);
// Deletion has no time-out: it goes on, saying what it waits for, until nothing is left.
bool HasTimeout(const store::StageRecord& record, std::string_view verb);

}  // namespace slipway::pipeline
