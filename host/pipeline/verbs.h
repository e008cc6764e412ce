#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "store/records.h"

namespace slipway::pipeline {

class Tick;
class Warrant;
struct StageOutcome;

// The names of the stages, once. The host owns them; an engine fills them in.
namespace stage {
inline constexpr std::string_view kValidating = "VALIDATING";
inline constexpr std::string_view kNamespaceCreation = "NAMESPACE_CREATION";
inline constexpr std::string_view kCrdDeployment = "CRD_DEPLOYMENT";
inline constexpr std::string_view kWaitingForReady = "WAITING_FOR_READY";
inline constexpr std::string_view kCredentialGen = "CREDENTIAL_GEN";
inline constexpr std::string_view kBackupConfig = "BACKUP_CONFIG";
inline constexpr std::string_view kMetricsSetup = "METRICS_SETUP";
inline constexpr std::string_view kRestore = "RESTORE";
inline constexpr std::string_view kBackup = "BACKUP";
inline constexpr std::string_view kQuota = "QUOTA";
inline constexpr std::string_view kQuotaRelease = "QUOTA_RELEASE";
inline constexpr std::string_view kCheck = "CHECK";
inline constexpr std::string_view kRestart = "RESTART";
inline constexpr std::string_view kSwitchover = "SWITCHOVER";
inline constexpr std::string_view kCredentialCheck = "CREDENTIAL_CHECK";
inline constexpr std::string_view kResourceDeletion = "RESOURCE_DELETION";
inline constexpr std::string_view kNamespaceDeletion = "NAMESPACE_DELETION";
inline constexpr std::string_view kCompleted = "COMPLETED";
}  // namespace stage

enum class By { kHost, kEngine, kBoth };

// A stage of a verb: one look at it, which may be repeated at any time. It has no Warrant, so it
// cannot delete.
struct StageDef {
  std::string_view name;
  By by;
  StageOutcome (*run)(Tick&);
  const char* asked_by = nullptr;  // the argument of the operation that asks for it; null: always
  // It has a limit, may be cancelled, and fails the operation, whatever the verb says of others.
  bool may_fail = false;
  // Going back to the previous spec takes it again.
  bool reverts = false;
};

// A stage of the demolition, which deletes. It runs for a verb that ends its instance and for the
// undo of one that made it, and for no other: a Warrant is made in Tick alone.
struct DemolitionDef {
  std::string_view name;
  By by;
  StageOutcome (*run)(Tick&, const Warrant&);
};

enum class AfterFailure {
  kUndo,         // take away what was made, unless the caller wants it RETAINed
  kRevert,       // go back to the previous spec; nothing is deleted
  kKeep,         // leave everything as it is: FAILED
  kNeverGiveUp,  // BLOCKED: a person must act, retry goes on
};

// Everything that the host wants to know of a verb. Nobody compares a verb's name.
struct VerbPolicy {
  std::string_view name = {};
  std::span<const StageDef> stages = {};
  std::string_view engine_verb = {};  // what the engine is told
  AfterFailure after_failure = AfterFailure::kKeep;
  bool demolishes = false;        // the demolition comes before the last stage
  bool cancellable = false;       // until it is being undone
  bool supersedes = false;        // ends the operation that runs, instead of being refused
  bool timed = true;              // its stages have limits
  bool plans = true;              // asks the engine for a plan; else it runs the stored one
  bool counts_for_quota = false;  // its plan's `quota` is what the instance needs
  bool changes_spec = false;      // its end is another spec of the instance
  bool makes_instance = false;    // its failure is the instance's
  bool needs_source = false;      // makes its instance out of another one's backups
  bool needs_backup = false;      // works on an instance that has a backup section only
  bool needs_replica = false;     // works on an instance of several members only
  bool is_drill = false;          // its instance is thrown away; its end says something of a backup
  bool ends_instance = false;     // takes away an instance that stood
  std::string_view instance_meanwhile = {};  // state of the instance; "": as it was
  std::string_view instance_after = {};      // after success
};

// The row of that name; for an unknown name (of a newer host) a row without stages.
const VerbPolicy& PolicyOf(std::string_view verb);
// The verb that makes instances to stay, out of a source or out of nothing.
const VerbPolicy& MakingVerb(bool needs_source);
// What an engine is told in a stage of that name: a demolition is a delete, whatever verb it
// undoes.
std::string_view EngineVerb(const VerbPolicy& policy, std::string_view stage);
// The names of the verbs that `wanted` picks, for the store's queries.
std::vector<std::string> VerbsWith(bool VerbPolicy::*wanted);

// The stage list of a verb with these arguments, all PENDING.
std::vector<store::StageRecord> StagesOf(const VerbPolicy& policy,
                                         const Json& arguments = Json::MakeObject());
// What the way back of a verb appends: nothing where what was made stays.
std::vector<store::StageRecord> WayBackOf(const VerbPolicy& policy);
// nullptr when the verb has no such stage.
const StageDef* FindStage(const VerbPolicy& policy, std::string_view name);
const DemolitionDef* FindDemolition(std::string_view name);
// Is the operation in a stage of its own that may fail?
bool MayFailNow(const store::OperationRecord& operation);
// The argument of a delete that asks for a backup first.
inline constexpr char kFinalBackup[] = "final_backup";
// Is it a stage of any verb?
bool IsStage(std::string_view name);
// Does an engine fill in this stage of the verb?
bool IsEngineStage(const VerbPolicy& policy, std::string_view name);

}  // namespace slipway::pipeline
