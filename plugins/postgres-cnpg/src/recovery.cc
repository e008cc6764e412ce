#include "recovery.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace cnpg {

namespace {

constexpr size_t kLongestPointName = 63;
constexpr int64_t kLastXid = 4294967295;

bool IsTime(std::string_view text) {
  return TimeMs(text).has_value();
}

// "16/B374D848"
bool IsLsn(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto is_half = [](std::string_view half) {
    return !half.empty() && half.size() <= 8 &&
           half.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  };
  return is_half(text.substr(0, slash)) && is_half(text.substr(slash + 1));
}

bool IsXid(std::string_view text) {
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const auto xid = Integer(text);
  return xid && *xid >= 1 && *xid <= kLastXid;
}

bool IsPointName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestPointName &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

struct Target {
  std::string_view type;
  const char* member;         // of the operator's recoveryTarget; null: none
  bool needs_backup = false;  // the operator does not look for a base backup itself
  bool can_exclude = false;
  bool (*is_value)(std::string_view) = nullptr;  // null: it has no value
  const char* rule = "";
};

constexpr Target kTargets[] = {
    {"LATEST", nullptr},
    {"TIME", "targetTime", false, true, IsTime,
     "must be a time such as 2026-09-21T05:00:00Z: RFC 3339, at most microseconds"},
    {"LSN", "targetLSN", false, true, IsLsn, "must be a position in the log such as 16/B374D848"},
    {"XID", "targetXID", true, true, IsXid, "must be a transaction id from 1 to 4294967295"},
    {"NAME", "targetName", true, false, IsPointName,
     "must be the name of a restore point: 1 to 63 bytes without control characters"},
    {"BACKUP", "targetImmediate", true, false}};

const Target* FindTarget(const Json& type) {
  const auto* found = std::find_if(std::begin(kTargets), std::end(kTargets),
                                   [&](const Target& t) { return t.type == type.AsString(); });
  return found != std::end(kTargets) ? found : nullptr;
}

void CheckValue(const Target& target, const Json& value, const Complain& complain) {
  constexpr char kPointer[] = "/source/target/value";
  const std::string type(target.type);
  if (target.is_value == nullptr) {
    if (!value.IsNull()) complain(kPointer, "UnknownField", "a target " + type + " has no value");
  } else if (value.IsNull()) {
    complain(kPointer, "Required", "the value of a target " + type + " " + target.rule);
  } else if (!value.IsString() || !target.is_value(value.AsString())) {
    complain(kPointer, "InvalidValue", "the value of a target " + type + " " + target.rule);
  }
}

Json NormalisedTarget(const Json& given, const Complain& complain) {
  const Target* target = FindTarget(given["type"]);
  if (target == nullptr) {
    complain("/source/target/type", "InvalidValue",
             "type must be LATEST, TIME, LSN, XID, NAME or BACKUP");
    return {};
  }
  CheckValue(*target, given["value"], complain);
  Json out = Json::Obj({{"type", target->type}});
  if (target->is_value != nullptr) out.Set("value", given["value"]);
  if (target->can_exclude) out.Set("exclusive", given["exclusive"].AsBool());
  return out;
}

// Where the source's archive is. Its schedule and its retention are the source's own business.
Json ArchiveOf(const Json& given) {
  const Json& backup = given["spec"]["backup"];
  Json out = Json::Obj({{"destinationPath", backup["destinationPath"]},
                        {"credentialsSecret", given["credentials_secret"]}});
  for (const char* member :
       {"endpointURL", "accessKeyIdKey", "secretAccessKeyKey", "regionKey", "caKey"}) {
    if (backup.Has(member)) out.Set(member, backup[member]);
  }
  return out;
}

// The base backup, where the target needs one.
void SetBackupId(Json& out, const Json& given, const Complain& complain) {
  const Target* target = FindTarget(out["target"]["type"]);
  if (target == nullptr || !target->needs_backup) return;
  const std::string& reference = given["backup"]["reference"].AsString();
  if (reference.empty()) {
    const std::string type(target->type);
    if (given["backup"].IsNull()) {
      complain("/source/backupId", "Required", "a backup is needed for a target " + type);
    } else {
      complain("/source/backupId", "BackupNotUsable",
               "this backup is needed for a target " + type + ", but it is not complete");
    }
  }
  out.Set("backup_id", reference);
}

void CheckRoom(const Json& given, const Sizing& sizing, const Complain& complain) {
  const std::string& storage = given["spec"]["storage"].AsString();
  if (Bytes(storage).value_or(0) <= sizing.storage_bytes) return;
  complain("/tier", "TierTooSmall",
           "the source has a storage of " + storage + ", a restore needs as much, and here are " +
               FromBytes(sizing.storage_bytes));
}

bool IsDone(const Json& job) {
  return job.At("status/succeeded").AsInt() > 0 &&
         job["metadata"]["name"].AsString().ends_with("-full-recovery");
}

std::string Joined(const std::string& first, const std::string& second) {
  return first + (first.empty() || second.empty() ? "" : "; ") + second;
}

}  // namespace

Json NormalisedSource(const Json& given, const Sizing& sizing, const Complain& complain) {
  const Json& who = given["instance"];
  if (who["name"].AsString().empty() ||
      (who["seed"].AsString().empty() && who["id"].AsString().empty())) {
    complain("/source", "WrongType", "source must name an instance");
    return {};
  }
  if (!given["spec"]["backup"].IsObject()) {
    complain("/source/instanceId", "BackupNotConfigured",
             "the instance " + who["name"].AsString() + " has no backups to restore from");
  } else if (!IsObjectName(given["credentials_secret"].AsString())) {
    complain("/source", "WrongType", "credentials_secret must name a Secret");
  }
  CheckRoom(given, sizing, complain);
  Json out = Json::Obj({{"instance", Json::Obj({{"id", who["id"]}, {"name", who["name"]}})},
                        {"archive", ArchiveOf(given)},
                        {"server", LifeNameOf(who)},
                        {"target", NormalisedTarget(given["target"], complain)}});
  SetBackupId(out, given, complain);
  return out;
}

void CheckSource(const Json& source, const Complain& complain) {
  if (source.IsNull()) return;
  const Target* target = FindTarget(source.At("target/type"));
  const bool good = target != nullptr && source["server"].IsString() &&
                    source.At("archive/destinationPath").IsString() &&
                    source.At("archive/credentialsSecret").IsString() &&
                    (target->is_value == nullptr || source.At("target/value").IsString()) &&
                    (!target->needs_backup || source["backup_id"].IsString());
  if (!good) complain("/source", "WrongType", "source is not what this engine wrote");
}

Json RecoveryTarget(const Json& source) {
  const Target* target = FindTarget(source.At("target/type"));
  if (target == nullptr || target->member == nullptr) return {};
  Json out = Json::Obj();
  if (target->needs_backup) out.Set("backupID", source["backup_id"]);
  out.Set(target->member, target->is_value == nullptr ? Json(true) : source.At("target/value"));
  if (source.At("target/exclusive").AsBool()) out.Set("exclusive", true);
  return out;
}

Judgement JudgeRestore(const Instance& instance, const Observed& observed, int64_t waited_ms) {
  if (auto absent = kCluster.Absent(instance, observed.cluster)) return *absent;
  const std::string& primary = observed.cluster->At("status/currentPrimary").AsString();
  if (!primary.empty()) return Ready("Restored", "the data is restored, " + primary + " has it");
  const auto& jobs = observed.jobs;
  if (std::any_of(jobs.begin(), jobs.end(), [](const Json* job) { return IsDone(*job); }))
    return Ready("Restored", "the data is restored");
  Judgement health = JudgeCluster(instance, observed, false, waited_ms);
  const auto trouble = FindTrouble(observed);
  if (health.state == VerdictState::kFailed) {
    // The Job says no more than that it failed too often; its pods know why.
    const auto why = WorstOfPods(observed.job_pods);
    return Failed("RestoreFailed", Joined(why ? why->message : "", health.message));
  }
  if (health.reason != "WaitingForInstances") return health;
  health.reason = "Restoring";
  health.message = "the data is being restored" + (trouble ? "; " + trouble->message : "");
  health.percent = -1;
  return health;
}

}  // namespace cnpg
