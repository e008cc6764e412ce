#include "pipeline/health.h"

#include <algorithm>

#include "base/backoff.h"
#include "pipeline/backups.h"
#include "pipeline/credentials.h"
#include "pipeline/effects.h"
#include "pipeline/endpoints.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr int64_t kStoreRetryMs = 1000, kCacheLookMs = 500, kAwayMs = 10'000;
constexpr char kObjectsPresent[] = "ObjectsPresent", kCredentialsCurrent[] = "CredentialsCurrent",
               kArchivingHealthy[] = "ArchivingHealthy", kBackedUp[] = "BackedUp";

std::string Named(const store::ObjectRecord& record) {
  return record.kind + " " + (record.ns.empty() ? "" : record.ns + "/") + record.name;
}

std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 10;
  std::string out;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) out += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kMost ? out + " and " + std::to_string(names.size() - kMost) + " more"
                              : out;
}

}  // namespace

// One look: what was loaded and what is to be written.
struct Health::View {
  store::InstanceRecord instance;
  std::vector<store::ObjectRecord> inventory;
  std::shared_ptr<engine::Engine> engine;
  Json outputs;
  store::Observation seen;
  std::vector<std::string> gone;  // objects of ours that are not there
  bool secret_lost = false;
  bool try_again_soon = false;

  // Replaces the condition of that type; `since` moves when the status does.
  void Say(const char* type, bool status, const std::string& reason, const std::string& message,
           int64_t now_ms) {
    Json list = Json::MakeArray();
    int64_t since = now_ms;
    for (const Json& known : std::as_const(outputs)["conditions"].items()) {
      if (known["type"].AsString() != type) {
        list.Push(known);
      } else if (known["status"].AsString() == (status ? "TRUE" : "FALSE")) {
        since = known["since_ms"].AsInt(now_ms);
      }
    }
    list.Push(Json::Obj({{"type", type},
                         {"status", status ? "TRUE" : "FALSE"},
                         {"reason", reason},
                         {"message", message},
                         {"since_ms", since}}));
    outputs.Set("conditions", std::move(list));
  }
};

Health::Memory Health::Remember(const std::string& instance_id) {
  const std::lock_guard lock(mutex_);
  return memories_[instance_id];
}

void Health::Keep(const std::string& instance_id, const Memory& memory) {
  const std::lock_guard lock(mutex_);
  memories_[instance_id] = memory;
}

void Health::WantFullLook(const std::string& instance_id) {
  const std::lock_guard lock(mutex_);
  const auto known = memories_.find(instance_id);
  if (known != memories_.end()) known->second.full_ms = -1;
}

void Health::WantFullLooks() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, memory] : memories_) memory.full_ms = -1;
}

Result<void> Health::Load(const std::string& instance_id, View& view) {
  TRY(view.instance, deps_.store.GetInstance(instance_id));
  TRY(view.inventory, deps_.store.Inventory(instance_id));
  auto outputs = Json::Parse(view.instance.outputs);
  view.outputs = outputs ? *std::move(outputs) : Json::MakeObject();
  view.seen.instance.state = view.instance.state;
  view.seen.instance.reason = view.instance.reason;
  view.seen.instance.message = view.instance.message;
  return {};
}

int64_t Health::Look(const std::string& instance_id) {
  View view;
  if (!Load(instance_id, view)) return kStoreRetryMs;
  const bool stands = view.instance.state == "ACTIVE" || view.instance.state == "DEGRADED";
  if (view.instance.deleted_ms != 0 || !stands) {
    const std::lock_guard lock(mutex_);
    memories_.erase(instance_id);
    return -1;
  }
  const int64_t resync = deps_.options.resync_ms * 3 / 4 + Jitter(deps_.options.resync_ms / 2 + 1);
  auto engine = deps_.engines.ForName(view.instance.engine);
  if (!engine) return resync;  // a reload wakes us
  view.engine = *std::move(engine);
  deps_.observer.EnsureWatches(view.engine->description()["watches"]);

  Memory memory = Remember(instance_id);
  const int64_t steady = deps_.clock.SteadyMs();
  const bool full = memory.full_ms < 0 || steady - memory.full_ms >= deps_.options.resync_ms / 2;
  engine::StepInput input;
  auto planned = deps_.store.LastPlanned(instance_id, VerbsWith(&VerbPolicy::counts_for_quota));
  if (!planned) return kStoreRetryMs;
  if (*planned) {
    if (auto filled = FillFrom(**planned, input); !filled) return resync;
  }
  auto spec = Json::Parse(view.instance.spec);
  if (spec) input.spec = *std::move(spec);
  input.verb = "observe";
  input.stage = "OBSERVE";
  input.now_ms = deps_.clock.NowMs();
  input.stage_started_ms =
      input.now_ms - (memory.unhealthy_ms >= 0 ? steady - memory.unhealthy_ms : 0);
  input.instance = FactsOf(view.instance);
  input.inventory = Inventory(view.inventory).Lines();
  Answer answer;
  AskFailure failure;
  const auto again = [&](const Error& error) {
    if (error.reason == "CacheNotSynced" || error.code == Code::kForbidden) return kCacheLookMs;
    const bool away = error.code == Code::kUnavailable || error.code == Code::kDeadline;
    return away ? kAwayMs : resync;
  };
  if (!Ask({deps_.cluster, deps_.observer}, *view.engine, input, answer, failure)) {
    WantFullLook(instance_id);  // much may have happened when we see again
    return failure.side == AskFailure::Side::kEngine ? kAwayMs : again(failure.error);
  }
  if (auto found = FindGone(view, answer.observed, memory, full); !found)
    return again(found.error());
  auto endpoints =
      ReadEndpoints(deps_.cluster, view.engine->description(), view.instance,
                    deps_.options.cluster_domain, answer.result.outputs, answer.observed);
  if (!endpoints) return again(endpoints.error());
  if (!endpoints->list.is_null()) view.outputs.Set("endpoints", endpoints->list);
  SayBackups(view, answer.result.outputs);
  if (full) {
    const Json& told = answer.result.outputs["credentials"];
    const Json source =
        told["secret"].is_string() ? told : std::as_const(view.outputs)["credentials"]["source"];
    if (auto followed = FollowSecret(view, source, answer.observed); !followed)
      return again(followed.error());
    memory.full_ms = steady;
  }

  const engine::Verdict& verdict = answer.result.verdict;
  const bool ready = verdict.state == engine::Verdict::State::kReady;
  store::InstanceChange& change = view.seen.instance;
  if (!view.gone.empty()) {
    change.state = "DEGRADED";
    change.reason = "ObjectMissing";
    change.message = Listed(view.gone) + (view.gone.size() == 1 ? " is gone" : " are gone");
    if (!ready && !verdict.message.empty()) change.message += "; " + verdict.message;
  } else {
    change.state = ready ? "ACTIVE" : "DEGRADED";
    change.reason = ready ? "" : verdict.reason;
    change.message = ready ? "" : verdict.message;
  }
  memory.unhealthy_ms = ready ? -1 : memory.unhealthy_ms >= 0 ? memory.unhealthy_ms : steady;
  Keep(instance_id, memory);
  if (auto stored = Store(view); !stored)
    return stored.error().code == Code::kUnavailable ? kStoreRetryMs : 0;
  if (view.try_again_soon) {
    WantFullLook(instance_id);
    return kAwayMs;
  }
  return ready ? resync : std::min(resync, answer.result.retry_after_ms.value_or(kResyncMs));
}

// Objects of the inventory that are not there. The caches show the watched kinds at once; the
// others are asked for in a full look.
Result<void> Health::FindGone(View& view, const Json& observed, Memory& memory, bool full) {
  std::vector<std::string> unwatched;
  for (const store::ObjectRecord& record : view.inventory) {
    if (record.uid.empty()) continue;  // never seen to exist
    if (deps_.observer.Watches(record.api_version, record.kind)) {
      const auto& items = observed.items();
      const bool there = std::any_of(items.begin(), items.end(), [&](const Json& object) {
        return store::SameObject(RecordOf(object), record);
      });
      if (!there && record.passing) view.seen.erase_objects.push_back(record);
      if (!there && !record.passing) view.gone.push_back(Named(record));
    } else if (full && !record.passing) {
      TRY(const Json found,
          GetOrNull(deps_.cluster, {record.api_version, record.kind, record.ns, record.name}));
      if (found.is_null()) unwatched.push_back(Named(record));
    }
  }
  if (full) memory.gone = unwatched;
  view.gone.insert(view.gone.end(), memory.gone.begin(), memory.gone.end());
  if (full || !view.gone.empty()) {
    TRY(const Json ns, GetOrNull(deps_.cluster, {"v1", "Namespace", "", view.instance.ns}));
    if (ns.is_null()) view.gone.insert(view.gone.begin(), "Namespace " + view.instance.ns);
  }
  const int64_t now = deps_.clock.NowMs();
  if (view.gone.empty()) {
    view.Say(kObjectsPresent, true, "AllPresent", "", now);
  } else {
    view.Say(kObjectsPresent, false, "ObjectMissing", Listed(view.gone), now);
  }
  return {};
}

// The backups, the window, and what is true of them.
void Health::SayBackups(View& view, const Json& told) {
  const int64_t now = deps_.clock.NowMs();
  TakeBackups(told, view.instance, deps_.clock, view.outputs, view.seen.backups);
  const Json& window = told["window"];
  if (!window.is_object()) return;
  const std::string& archiving = window["archiving"].AsString();
  if (archiving == "HEALTHY") {
    view.Say(kArchivingHealthy, true, "Archiving", "", now);
  } else {
    const bool failing = archiving == "FAILING";
    view.Say(kArchivingHealthy, false, failing ? "ArchivingFailing" : "ArchivingNotStarted",
             window["archive_error"].AsString(), now);
  }
  const int64_t last = window["last_backup_ms"].AsInt();
  const std::string& error = window["last_backup_error"].AsString();
  if (!error.empty()) {
    view.Say(kBackedUp, false, "LastBackupFailed", error, now);
  } else if (last == 0) {
    view.Say(kBackedUp, false, "NoBackupYet", "no backup has been completed", now);
  } else {
    view.Say(kBackedUp, true, "BackedUp", "", now);
  }
}

// Reads the Secret; when it is another one than the stored values came from, they are replaced and
// proved. `source` null: the instance has no credentials.
Result<void> Health::FollowSecret(View& view, const Json& source, const Json& observed) {
  if (!source["secret"].is_string()) return {};
  const int64_t now = deps_.clock.NowMs();
  auto read = ReadSecret(deps_.cluster, view.instance, source, view.inventory, observed);
  if (!read) {
    const Error& error = read.error();
    if (error.code != Code::kNotFound && error.reason != "SecretKeyMissing" &&
        error.reason != "ForbiddenEffect")
      return error;
    const std::string name = "Secret " + view.instance.ns + "/" + source["secret"].AsString();
    view.Say(kCredentialsCurrent, false,
             error.code == Code::kNotFound ? "SecretMissing" : error.reason,
             error.code == Code::kNotFound ? name + " is gone" : error.message, now);
    if (error.code == Code::kNotFound &&
        std::find(view.gone.begin(), view.gone.end(), name) == view.gone.end())
      view.gone.push_back(name);
    return {};
  }
  const Json& known = std::as_const(view.outputs)["credentials"];
  const Json& proved = std::as_const(view.outputs)["login_proof"];
  const bool same = known["version"].AsString() == read->version;
  const bool refused = proved["refused"].AsBool();
  if (same && !refused) {
    view.Say(kCredentialsCurrent, true, "Current", "", now);
    return {};
  }
  Json proof = Json::Obj({{"state", "SKIPPED"}, {"at", FormatTime(now)}});
  const Json& wanted = view.engine->description()["login_proof"];
  const std::string endpoint_name = wanted["endpoint"].AsString("primary");
  proof.Set("endpoint", endpoint_name);
  const Json& endpoint = EndpointOf(view.outputs, endpoint_name);
  bool current = true;
  if (endpoint["simulated"].is_string()) {
    proof.Set("message", endpoint["simulated"]);
  } else if (wanted.is_object() && endpoint.is_object()) {
    const connect::LoginResult login = connect::TryLogin(
        LoginAt(endpoint, wanted, read->fields, deps_.options.credential_login_timeout_ms));
    const bool says_no = login.outcome == connect::LoginOutcome::kRefused;
    if (login.outcome == connect::LoginOutcome::kProved) {
      proof.Set("state", "PROVED");
    } else if (login.outcome == connect::LoginOutcome::kNoConnector) {
      proof.Set("message", login.message);
    } else {
      proof.Set("state", "NOT_PROVED")
          .Set("message", (says_no ? "refused: " : "unreachable: ") + login.message);
      if (says_no) proof.Set("refused", true);
    }
    current = !says_no;
    view.try_again_soon = says_no || login.outcome == connect::LoginOutcome::kNotReady ||
                          login.outcome == connect::LoginOutcome::kNotListening;
  }
  if (current) {
    view.Say(kCredentialsCurrent, true, "Current", "", now);
  } else {
    view.Say(kCredentialsCurrent, false, "LoginRefused", std::as_const(proof)["message"].AsString(),
             now);
  }
  view.outputs.Set("login_proof", std::move(proof));
  if (same) return {};
  view.outputs.Set("credentials", Json::Obj({{"source", source}, {"version", read->version}}));
  auto sealed = deps_.vault.Seal(view.instance.organization, view.instance.id, read->fields);
  view.seen.data_key = std::move(sealed.data_key);
  view.seen.credentials = std::move(sealed.credentials);
  deps_.log.Info("credentials.followed", {{"instance", view.instance.id}});
  return {};
}

Result<void> Health::Store(View& view) {
  const std::string text = view.outputs.Dump();
  store::InstanceChange& change = view.seen.instance;
  if (text != view.instance.outputs) change.outputs = text;
  if (change.state == view.instance.state && change.reason == view.instance.reason &&
      change.message == view.instance.message && !change.outputs && !view.seen.data_key &&
      view.seen.erase_objects.empty() && view.seen.backups.backups.empty() &&
      !view.seen.backups.is_complete)
    return {};
  TRY_VOID(deps_.store.Observe(view.instance.id, view.seen));
  if (change.state != view.instance.state)
    deps_.log.Info(
        "instance.health",
        {{"instance", view.instance.id}, {"state", change.state}, {"reason", change.reason}});
  return {};
}

Result<void> Health::FollowCredentials(const std::string& instance_id) {
  View view;
  TRY_VOID(Load(instance_id, view));
  const Json source = std::as_const(view.outputs)["credentials"]["source"];
  auto engine = deps_.engines.ForName(view.instance.engine);
  if (!source["secret"].is_string() || !engine) return {};
  view.engine = *std::move(engine);
  Json observed;
  std::vector<kube::Informer::ObjectPtr> cached;
  deps_.observer.CollectAll(instance_id, cached);
  observed = Json::MakeArray();
  for (const auto& object : cached) observed.Push(object->Parse());
  if (auto followed = FollowSecret(view, source, observed); !followed)
    return {};  // the stored ones
  auto stored = Store(view);
  return !stored && stored.error().code == Code::kUnavailable ? std::move(stored) : Result<void>();
}

}  // namespace slipway::pipeline
