#include "devcluster/cnpg/backups.h"
#include "devcluster/operators/cron.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

Json ChildBackup(const Json& parent, const Json& cluster, const std::string& name, bool immediate) {
  const Json& spec = parent["spec"];
  Json body = Json::Obj({{"cluster", spec["cluster"]}});
  for (const char* key :
       {"method", "pluginConfiguration", "target", "online", "onlineConfiguration"})
    if (spec.Has(key)) body.Set(key, spec[key]);
  Json labels = cluster.At("/spec/inheritedMetadata/labels");
  labels.Set("cnpg.io/cluster", NameOf(cluster))
      .Set("cnpg.io/immediateBackup", immediate ? "true" : "false");
  labels.Set("cnpg.io/scheduled-backup", NameOf(parent));
  Json metadata =
      Json::Obj({{"name", name},
                 {"namespace", NamespaceOf(parent)},
                 {"labels", std::move(labels)},
                 {"annotations", Json::Obj({{"cnpg.io/operatorVersion", kOperatorVersion}})}});
  const std::string& owner = spec["backupOwnerReference"].AsString();
  if (owner == "cluster" || owner == "self") {
    const Json& object = owner == "self" ? parent : cluster;
    metadata.Set("ownerReferences", Json::Arr({Json::Obj({{"apiVersion", kGroup},
                                                          {"controller", true},
                                                          {"kind", object["kind"]},
                                                          {"name", NameOf(object)},
                                                          {"uid", UidOf(object)}})}));
  }
  return Json::Obj({{"apiVersion", kGroup},
                    {"kind", "Backup"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(body)}});
}

}  // namespace

Result<int64_t> ReconcileScheduledBackup(PassEnvironment& env, const std::string& ns,
                                         const std::string& name) {
  TRY(const Json schedule, env.kube.Get({kGroup, "ScheduledBackup", ns, name}));
  const Json& spec = schedule["spec"];
  auto cluster = env.kube.Get({kGroup, "Cluster", ns, spec.At("/cluster/name").AsString()});
  if (BeingDeleted(schedule) || spec["suspend"].AsBool()) return -1;
  if (!cluster && cluster.error().code == Code::kNotFound) return Paced(env, kClusterMs);
  if (!cluster) return std::move(cluster).error();
  if (ClusterSpec::Parse(*cluster).fault == "operator-absent") return -1;
  const int64_t now = env.clock.NowMs();
  const int64_t planned = ParseTime(schedule.At("/status/nextScheduleTime").AsString());
  const bool first = !schedule["status"].Has("lastCheckTime");
  const bool due = first ? spec["immediate"].AsBool() : planned > 0 && planned <= now;
  const int64_t next = NextSchedule(spec["schedule"].AsString(), now);
  if (!first && !due) return planned > now ? planned - now : -1;
  Json status = Json::Obj({{"lastCheckTime", FormatSeconds(now)}});
  if (next > 0) status.Set("nextScheduleTime", FormatSeconds(next));
  if (due) {
    auto created =
        env.kube.Create(ChildBackup(schedule, *cluster, name + "-" + CompactTime(now), first));
    if (!created && created.error().code != Code::kAlreadyExists) return std::move(created).error();
    status.Set("lastScheduleTime", FormatSeconds(now));
  }
  TRY_VOID(PatchStatusOf(env, schedule, std::move(status)));
  return next > 0 ? next - now : -1;
}

}  // namespace slipway::sim::operators::cnpg
