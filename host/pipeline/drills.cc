#include "pipeline/drills.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/backoff.h"
#include "base/crypto.h"
#include "pipeline/credentials.h"
#include "pipeline/failures.h"
#include "pipeline/stages.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr int64_t kStatementMs = 30'000;  // of one check
constexpr BackoffPolicy kLoginBackoff{200, 3000};
constexpr char kStore[] = "store";    // of the source, if it is the host's
constexpr char kChecks[] = "checks";  // in the instance's outputs: what the checks came to

std::optional<double> NumberOf(const std::string& text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string NameOf(const Json& check, size_t index) {
  return check["name"].AsString("check " + std::to_string(index + 1));
}

StageOutcome FailCheck(const char* reason, std::string message) {
  return StageOutcome::Of(StageFails{{Code::kPrecondition, reason, std::move(message)}});
}

void Note(Tick& tick, const Json& check, size_t index, const std::optional<std::string>& value,
          bool passed) {
  tick.outputs()[kChecks].Push(Json::Obj({{"name", NameOf(check, index)},
                                          {"value", value ? Json(*value) : Json()},
                                          {"passed", passed}}));
}

// Runs one check; a look runs no more than one, so that none holds a worker for long.
StageOutcome RunOne(Tick& tick, const Json& check, size_t index, size_t of) {
  if (auto found = tick.FindEngine(); !found) return FromEngineError(tick, found.error());
  const Json& proof = tick.engine().description()["login_proof"];
  const std::string name = proof["endpoint"].AsString("primary");
  const auto sealed = tick.deps().store.Credentials(tick.instance().id);
  if (!sealed) return FromClusterError(tick, sealed.error());
  if (!sealed->data_key) return FailCheck("ChecksNotRun", "the copy has no credentials");
  const auto fields = tick.deps().vault.Open(tick.instance().organization, tick.instance().id,
                                             *sealed->data_key, sealed->values);
  if (!fields) return FailCheck("ChecksNotRun", fields.error().message);
  connect::LoginTarget target =
      LoginAt(EndpointOf(tick.outputs(), name), proof, *fields, kStatementMs);
  target.statement = check["statement"].AsString();
  const connect::LoginResult login = connect::TryLogin(target);
  if (login.outcome == connect::LoginOutcome::kRefused) {
    Note(tick, check, index, std::nullopt, false);
    return FailCheck("CheckFailed", NameOf(check, index) + ": " + login.message);
  }
  if (login.outcome != connect::LoginOutcome::kProved)
    return {{StageRetries{{Code::kPrecondition, "LoginRefused", login.message},
                          store::WaitingFor{"Login", tick.instance().ns, name, login.message}}},
            BackoffMs(kLoginBackoff, tick.stage().attempts),
            false};
  const auto mismatch = Mismatch(check, login.value);
  std::optional<std::string> shown = login.value;
  if (shown) shown = connect::Presentable(*std::move(shown), target.password);
  Note(tick, check, index, shown, !mismatch);
  if (mismatch) return FailCheck("CheckFailed", NameOf(check, index) + ": " + *mismatch);
  return {{StageWaits{std::nullopt, "Checking",
                      std::to_string(index + 1) + " of " + std::to_string(of) + " checks passed"}},
          0,
          false};
}

}  // namespace

CreateRequest DrillOf(const store::InstanceRecord& source, const Json& wanted) {
  CreateRequest out;
  out.organization = source.organization;
  out.project = "drill-" + HexEncode(RandomBytes(4));
  out.database_type = source.database_type;
  out.tier = source.tier;
  out.source = Json::Obj({{"instanceId", source.id}});
  for (const char* member : {"backupId", "target"}) {
    if (!wanted[member].is_null()) out.source.Set(member, wanted[member]);
  }
  const Json& checks = wanted[kChecks];
  const Json spec = Json::ParseObject(source.spec);
  out.drill = Json::Obj({{kChecks, checks.is_array() ? checks : Json::MakeArray()},
                         {kStore, spec["backup"][kStore].AsString()}});
  out.labels = Json::Obj({{"drill-of", source.id}});
  return out;
}

std::optional<std::string> Mismatch(const Json& check, const std::optional<std::string>& value) {
  if (!value) return "the statement yields no value";
  const auto number = NumberOf(*value);
  const auto wants = [&](const char* what, const Json& wanted) {
    return "the value is " + connect::Presentable(*value, "") + "; " + what + " " + wanted.Dump() +
           " is wanted";
  };
  const Json& equals = check["equals"];
  const bool differs =
      equals.is_number() ? number != equals.AsDouble() : *value != equals.AsString();
  if (!equals.is_null() && differs) return wants("exactly", equals);
  const Json& least = check["atLeast"];
  if (!least.is_null() && !(number && *number >= least.AsDouble())) return wants("at least", least);
  const Json& most = check["atMost"];
  if (!most.is_null() && !(number && *number <= most.AsDouble())) return wants("at most", most);
  return std::nullopt;
}

Json DrillBackup(const Json& drill, const Json& description, std::vector<Error>& found) {
  if (!description["backup"]["copy_needs_backup"].AsBool()) return {};
  const std::string& store = drill[kStore].AsString();
  if (store.empty())
    found.push_back({Code::kInvalid, "NoStoreForDrill",
                     "a copy needs backups of its own, and those of the source are in no store of "
                     "the host",
                     "/source"});
  return store.empty() ? Json() : Json::Obj({{kStore, store}});
}

Json DrillArguments(const Json& drill, const std::string& backup_id, const Json& description,
                    std::vector<Error>& found) {
  const std::string& protocol = description["login_proof"]["protocol"].AsString();
  if (!drill[kChecks].empty() && !connect::ReadsValues(protocol))
    found.push_back({Code::kInvalid, "ChecksNotSupported",
                     "this host cannot run checks on this type of database", "/checks"});
  return Json::Obj({{kChecks, drill[kChecks]}, {"backup", backup_id}});
}

std::optional<store::BackupProof> ProofOf(const store::OperationRecord& operation) {
  if (!PolicyOf(operation.verb).is_drill) return std::nullopt;
  const Json arguments = Json::ParseObject(operation.arguments);
  const std::string& backup = arguments["drill"]["backup"].AsString();
  if (backup.empty()) return std::nullopt;
  // What happened after the checks, such as a cancel, takes nothing back.
  const bool passed = std::any_of(
      operation.stages.begin(), operation.stages.end(), [](const store::StageRecord& record) {
        return record.name == stage::kCheck && (record.state == store::StageState::kSucceeded ||
                                                record.state == store::StageState::kCompensated);
      });
  if (passed) return store::BackupProof{backup, "PASSED"};
  // A quota, an outage or a time-out is no fault of the backup's.
  const std::string& reason = operation.error["reason"].AsString();
  if (reason == "RestoreFailed" || reason == "CheckFailed")
    return store::BackupProof{backup, "FAILED"};
  return std::nullopt;
}

StageOutcome RunCheck(Tick& tick) {
  const Json arguments = Json::ParseObject(tick.operation().arguments);
  const auto& checks = arguments["drill"][kChecks].items();
  const Json& outputs = std::as_const(tick.outputs());
  const Json& proof = outputs["login_proof"];
  const size_t done = outputs[kChecks].size();
  if (done < checks.size()) {
    if (proof["state"].AsString() != "PROVED")
      return FailCheck("ChecksNotRun", "the login to the copy is " + proof["state"].AsString() +
                                           ": " + proof["message"].AsString());
    return RunOne(tick, checks[done], done, checks.size());
  }
  return StageOutcome::Of(StageReady{"login " + proof["state"].AsString() + ", " +
                                     std::to_string(done) + " checks passed"});
}

}  // namespace slipway::pipeline
