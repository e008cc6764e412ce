#include "sizes.h"

namespace vitess {

namespace {

constexpr Sizes kSmall = {{25, 64, 256},
                          {50, 128, 128},
                          {50, 128, 128},
                          {50, 128, 256},
                          {50, 128, 512},
                          {10, 32, 128},
                          1};
constexpr Sizes kMedium = {{100, 256, 512},
                           {50, 128, 128},
                           {50, 128, 128},
                           {250, 512, 1024},
                           {250, 512, 1024},
                           {10, 32, 128},
                           2};
constexpr Sizes kLarge = {{200, 512, 1024},
                          {100, 256, 256},
                          {100, 256, 256},
                          {1000, 1024, 2048},
                          {500, 1024, 2048},
                          {10, 32, 128},
                          4};

}  // namespace

Json Amount::Resources() const {
  return Json::Obj({{"requests", Json::Obj({{"cpu", FromMillis(cpu_millis)},
                                            {"memory", std::to_string(memory_mi) + "Mi"}})},
                    {"limits", Json::Obj({{"memory", std::to_string(memory_limit_mi) + "Mi"}})}});
}

const Sizes& SizesOf(const Database& database) {
  if (database.sizing.memory_bytes < 2 * kGi) return kSmall;
  return database.sizing.memory_bytes < 8 * kGi ? kMedium : kLarge;
}

Json Quota(const Database& database) {
  const Sizes& sizes = SizesOf(database);
  const auto cells = static_cast<int64_t>(database.cells.size());
  const int64_t backups = database.HasBackup() ? database.Shards() : 0;
  int64_t cpu = 0, memory_mi = 0, pods = 0;
  const auto add = [&](int64_t count, int64_t millis, int64_t mi) {
    pods += count;
    cpu += count * millis;
    memory_mi += count * mi;
  };
  const auto add_part = [&](int64_t count, const Amount& amount) {
    add(count, amount.cpu_millis, amount.memory_mi);
  };
  // Deployments make a new pod before they take an old one away.
  add_part(kEtcdMembers, sizes.etcd);
  add_part(cells + cells, sizes.vtctld);
  add_part(2 * cells * database.Shards(), sizes.vtorc);
  add_part(cells * (database.GatewaysPerCell() + 1), sizes.gateway);
  const int64_t mysqld_mi = database.sizing.memory_bytes >> 20;
  const int64_t beside_cpu = sizes.vttablet.cpu_millis + sizes.exporter.cpu_millis;
  const int64_t beside_mi = sizes.vttablet.memory_mi + sizes.exporter.memory_mi;
  add(database.Tablets(), database.sizing.cpu_millis + beside_cpu, mysqld_mi + beside_mi);
  // A full backup is a mysqld of its own; then the reader of the bucket, and the jobs of
  // incremental backups and of those on demand.
  add(backups, database.sizing.cpu_millis, mysqld_mi);
  add(2 * backups, 50, 64);
  if (backups > 0) add(1, 100, 128);
  const int64_t volumes = database.Tablets() + kBackupVolumes * backups;
  const int64_t etcd_bytes = kEtcdMembers * (sizes.etcd_storage_gi << 30);
  return QuotaAmounts{.cpu_millis = cpu,
                      .memory_bytes = memory_mi * kMi,
                      .storage_bytes = volumes * database.sizing.storage_bytes + etcd_bytes,
                      .pods = pods,
                      .claims = volumes + kEtcdMembers}
      .ToJson();
}

}  // namespace vitess
