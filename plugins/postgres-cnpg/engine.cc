// PostgreSQL on CloudNativePG: describe, validate, plan, step. See sdk/DOCUMENTS.md for the documents
// and the operator's own rules in the comments beside each of ours.
#include <slipway/engine.hpp>

#include <algorithm>
#include <cmath>

#include "manifests.h"
#include "readiness.h"
#include "spec.h"

namespace cnpg {
namespace {

constexpr char kDescription[] = R"({"schema":1,"engine":")" SLIPWAY_ENGINE_NAME R"(","version":")" SLIPWAY_ENGINE_VERSION R"(","title":"PostgreSQL on CloudNativePG",
"database_type":"POSTGRESQL","verbs":["create","delete","observe"],
"capabilities":{"backup":true,"metrics":true,"replicas":true,"failover":true},
"name_limit":41,
"parameters_schema":{"type":"object","additionalProperties":{"type":["string","number","boolean"]}},
"watches":[
 {"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","keep":["/status/phase","/status/phaseReason","/status/readyInstances","/status/currentPrimary","/status/targetPrimary","/status/conditions","/status/pluginStatus","/spec/plugins"]},
 {"apiVersion":"v1","kind":"Pod","keep":["/status/phase","/status/conditions","/status/containerStatuses","/status/initContainerStatuses"]},
 {"apiVersion":"v1","kind":"PersistentVolumeClaim","keep":["/status/phase"]},
 {"apiVersion":"v1","kind":"Service","keep":["/spec/type","/spec/ports","/status/loadBalancer"]},
 {"apiVersion":"batch/v1","kind":"Job","keep":["/status/conditions"]}],
"crds_required":["postgresql.cnpg.io/v1/Cluster"],
"crds_optional":["postgresql.cnpg.io/v1/ScheduledBackup","barmancloud.cnpg.io/v1/ObjectStore","monitoring.coreos.com/v1/PodMonitor"],
"applies":["postgresql.cnpg.io/v1/Cluster","postgresql.cnpg.io/v1/ScheduledBackup","barmancloud.cnpg.io/v1/ObjectStore","monitoring.coreos.com/v1/PodMonitor","networking.k8s.io/v1/NetworkPolicy"],
"login_proof":{"protocol":"postgresql","endpoint":"primary","statement":"SELECT 1"},
"insight_queries":[],"plan_compat":[]})";

// A ScheduledBackup's children add 15 characters and its name becomes a label value of at most 63;
// with "-backup" that leaves 41. (The Cluster itself may have 50.)
constexpr size_t kNameLimit = 41;

[[noreturn]] void Bad(const std::string& field, const std::string& reason, const std::string& message) { throw slipway::Error(SLIPWAY_INVALID, reason, message, field); }

Spec TrustedSpec(const Value& value) { return ReadSpec(value, [](const auto& field, const auto& reason, const auto& message) { Bad(field, reason, message); }); }

bool HasKind(const Value& input, const char* kind) {
  const Value& kinds = At(input, "facts.kinds");
  return kinds.IsObject() && kinds.HasMember(kind) && Bool(kinds[kind]);
}

std::string Result(const Verdict& verdict, const Instance& instance, const std::vector<std::string>& apply, const std::string& more = {}) {
  return "{\"schema\":1,\"apply\":" + Array(apply) + ",\"verdict\":" + verdict.Text(instance.ns) + more + "}";
}

std::string Endpoints(const Instance& instance, const Spec& spec) {
  std::vector<std::string> list{Obj().Str("name", "primary").Str("role", "READ_WRITE").Str("service", instance.name + "-rw").Num("port", 5432).Text()};
  if (spec.instances > 1) list.push_back(Obj().Str("name", "replicas").Str("role", "READ_ONLY").Str("service", instance.name + "-ro").Num("port", 5432).Text());
  return Array(list);
}

Verdict Ready() { return {"ready", "", "", "", "", ""}; }

class Postgres final : public slipway::Engine {
 public:
  explicit Postgres(std::string_view config) {
    const Document settings = Parse(config.empty() ? "{}" : config);
    if (!settings.ObjectEmpty()) Bad("/" + std::string(Str(settings.MemberBegin()->name)), "UnknownSetting", "this engine has no settings");
  }

  void describe(slipway::Call& call) const override { call.write(kDescription); }

  void validate(slipway::Call& call, std::string_view request) const override {
    const Document input = Parse(request);
    const std::string_view name = Str(At(input, "instance.name"));
    if (name.size() > kNameLimit) call.fail({SLIPWAY_INVALID, "NameTooLong", "the name may have 41 characters: objects derived from it add up to 22", "/name"});
    if (!name.empty() && (name[0] < 'a' || name[0] > 'z')) call.fail({SLIPWAY_INVALID, "InvalidName", "the name must start with a letter (DNS-1035): Services are named after it", "/name"});
    const Spec spec = ReadSpec(At(input, "spec"), [&](const auto& field, const auto& reason, const auto& message) { call.fail({SLIPWAY_INVALID, reason, message, field}); });
    if (call.failed() == SLIPWAY_OK) call.write("{\"schema\":1,\"spec\":" + WriteSpec(spec) + ",\"warnings\":[]}");
  }

  void plan(slipway::Call& call, std::string_view text) const override {
    const Document input = Parse(text);
    const Spec spec = TrustedSpec(At(input, "spec"));
    const auto stage = [](const char* name) { return Obj().Str("name", name); };
    const auto skip = [](const char* reason, const char* message) { return Obj().Str("reason", reason).Str("message", message); };
    std::vector<std::string> stages;
    if (Str(At(input, "verb")) == "delete") {
      stages = {stage("RESOURCE_DELETION").Text()};
    } else if (Str(At(input, "verb")) == "create") {
      for (const char* name : {"NAMESPACE_CREATION", "CRD_DEPLOYMENT", "WAITING_FOR_READY", "CREDENTIAL_GEN"}) stages.push_back(stage(name).Text());
      Obj backup = stage("BACKUP_CONFIG");
      if (!spec.backup) backup.Add("skip", skip("BackupNotRequested", "no backup was asked for"));
      Obj metrics = stage("METRICS_SETUP");
      if (!spec.pod_monitor) metrics.Add("skip", skip("TierExcludesMetrics", "the tier has no PodMonitor"));
      stages.push_back(backup.Text());
      stages.push_back(metrics.Text());
    } else {
      throw slipway::Error(SLIPWAY_UNSUPPORTED, "VerbUnsupported", "this engine cannot " + std::string(Str(At(input, "verb"))));
    }
    // One more than the instances: the job that clones a replica runs beside them.
    const int64_t pods = spec.instances + 1;
    Obj quota;
    quota.Str("pods", std::to_string(pods + 1)).Str("persistentvolumeclaims", std::to_string(pods)).Str("requests.storage", std::to_string(QuantityBytes(spec.storage) * pods));
    quota.Str("requests.memory", std::to_string(QuantityBytes(spec.memory) * pods)).Str("requests.cpu", std::to_string(std::llround(CpuMillis(spec.cpu) * static_cast<double>(pods))) + "m");
    call.write("{\"schema\":1,\"stages\":" + Array(stages) + ",\"quota\":" + quota.Text() + ",\"carry\":{}}");
  }

  void step(slipway::Call& call, std::string_view text) const override {
    const Document input = Parse(text);
    const Instance instance = ReadInstance(At(input, "instance"));
    const Spec spec = TrustedSpec(At(input, "spec"));
    const std::string_view verb = Str(At(input, "verb")), stage = Str(At(input, "stage"));
    const Value& observed = At(input, "observed");
    const int64_t since = call.now_ms() - Int(At(input, "stage_started_ms"), call.now_ms());
    if (verb == "delete") return call.write(Remove(instance, input, observed));
    if (verb == "observe") {
      return call.write(Result(JudgeCluster(instance, spec, observed, spec.backup.has_value(), 0), instance, {}, ",\"outputs\":{\"endpoints\":" + Endpoints(instance, spec) + "}"));
    }
    if (verb != "create") throw slipway::Error(SLIPWAY_UNSUPPORTED, "VerbUnsupported", "this engine cannot " + std::string(verb));
    if (stage == "NAMESPACE_CREATION") return call.write(Result(Ready(), instance, {NetworkPolicyManifest(instance)}));
    if (stage == "CRD_DEPLOYMENT") {
      Verdict verdict = Ready();
      if (FindObject(observed, "Cluster", instance.name) == nullptr) {
        verdict = {"progressing", "WaitingForCluster", "the Cluster was sent and has not been seen yet", "Cluster", instance.name, "NotObserved"};
      }
      return call.write(Result(verdict, instance, {ClusterManifest(instance, spec, false)}));
    }
    if (stage == "WAITING_FOR_READY") return call.write(Result(JudgeCluster(instance, spec, observed, false, since), instance, {}));
    if (stage == "CREDENTIAL_GEN") return call.write(Credentials(instance, spec, input));
    if (stage == "BACKUP_CONFIG") return call.write(Backups(instance, spec, input, observed, since));
    if (stage == "METRICS_SETUP") return call.write(Metrics(instance, input));
    throw slipway::Error(SLIPWAY_UNSUPPORTED, "StageUnsupported", "this engine does nothing in " + std::string(stage));
  }

 private:
  static double CpuMillis(const std::string& cpu) {
    const bool millis = !cpu.empty() && cpu.back() == 'm';
    return std::strtod(cpu.c_str(), nullptr) * (millis ? 1 : 1000);
  }

  static std::string Credentials(const Instance& instance, const Spec& spec, const Value& input) {
    const std::string secret = instance.name + "-app";
    const std::string need = ",\"need\":{\"app_secret\":" + Obj().Str("apiVersion", "v1").Str("kind", "Secret").Str("name", secret).Text() + "}";
    const Value& known = At(input, "needs.app_secret");
    const Value& keys = At(known, "keys");
    bool complete = keys.IsArray();
    for (const char* wanted : {"username", "password", "dbname"}) {
      complete = complete && std::any_of(keys.Begin(), keys.End(), [&](const Value& key) { return Str(key) == wanted; });
    }
    if (!complete) {
      return Result({"progressing", "WaitingForSecret", "the operator has not written the application's Secret yet", "Secret", secret, "NotComplete"}, instance, {}, need + ",\"retry_after_ms\":500");
    }
    const std::string fields = Obj().Str("username", "username").Str("password", "password").Str("database", "dbname").Text();
    return Result(Ready(), instance, {}, need + ",\"outputs\":{\"endpoints\":" + Endpoints(instance, spec) + ",\"credentials\":{\"secret\":" + Quote(secret) + ",\"fields\":" + fields + "}}");
  }

  static std::string Backups(const Instance& instance, const Spec& spec, const Value& input, const Value& observed, int64_t since) {
    if (!spec.backup) return Result({"skipped", "BackupNotRequested", "no backup was asked for", "", "", ""}, instance, {});
    if (!HasKind(input, "barmancloud.cnpg.io/v1/ObjectStore")) {
      return Result({"blocked", "BackupPluginMissing", "the cluster does not serve ObjectStore: install the Barman Cloud plugin", "CustomResourceDefinition", "objectstores.barmancloud.cnpg.io", "NotInstalled"},
                    instance, {});
    }
    const std::vector<std::string> apply{ObjectStoreManifest(instance, spec), ClusterManifest(instance, spec, true), ScheduledBackupManifest(instance, spec)};
    const Value* cluster = FindObject(observed, "Cluster", instance.name);
    // The plugin rolls the pods. Until the operator lists it in the status, healthy is the state from before.
    bool listed = false;
    if (cluster != nullptr && At(*cluster, "status.pluginStatus").IsArray()) {
      for (const Value& plugin : At(*cluster, "status.pluginStatus").GetArray()) listed = listed || Str(At(plugin, "name")) == kPluginName;
    }
    Verdict verdict = JudgeCluster(instance, spec, observed, true, since);
    if (verdict.state == "ready" && !listed) {
      verdict = {"progressing", "WaitingForPlugin", "the operator has not taken up the backup plugin yet", "Cluster", instance.name, "PluginNotListed"};
    }
    return Result(verdict, instance, apply);
  }

  static std::string Metrics(const Instance& instance, const Value& input) {
    if (!HasKind(input, "monitoring.coreos.com/v1/PodMonitor")) {
      return Result({"skipped", "PodMonitorCrdMissing", "the cluster does not serve PodMonitor: the Prometheus operator is not installed", "", "", ""}, instance, {});
    }
    return Result(Ready(), instance, {PodMonitorManifest(instance)});
  }

  // ScheduledBackup, then the Cluster with its pods and volumes, then what they used until the end.
  static std::string Remove(const Instance& instance, const Value& input, const Value& observed) {
    const Value& inventory = At(input, "inventory");
    std::vector<std::string> first, rest;
    bool cluster_there = false;
    if (inventory.IsArray()) {
      for (const Value& object : inventory.GetArray()) {
        const std::string_view kind = Str(At(object, "kind"));
        cluster_there = cluster_there || kind == "Cluster";
        (kind == "ScheduledBackup" || kind == "Cluster" ? first : rest).push_back(Dump(object));
      }
    }
    const auto answer = [&](const std::vector<std::string>& remove, const Verdict& verdict) {
      return "{\"schema\":1,\"delete\":" + Array(remove) + ",\"verdict\":" + verdict.Text(instance.ns) + ",\"retry_after_ms\":500}";
    };
    if (!first.empty()) {
      // ScheduledBackups sort behind Clusters in the inventory or before them; both may go at once.
      return answer(first, {"progressing", "DeletingCluster", "the Cluster is being deleted", "Cluster", instance.name, "Deleting"});
    }
    if (observed.IsArray()) {
      for (const Value& object : observed.GetArray()) {
        const std::string kind(Str(At(object, "kind"))), name(Str(At(object, "metadata.name")));
        return answer({}, {"progressing", "WaitingForDeletion", kind + " " + name + " is still there", kind, name, "Terminating"});
      }
    }
    if (!rest.empty()) return answer(rest, {"progressing", "DeletingRest", "the last objects are being deleted", "", "", ""});
    return answer({}, Ready());
  }
};

}  // namespace
}  // namespace cnpg

SLIPWAY_ENGINE(cnpg::Postgres, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
