#include <algorithm>

#include "devcluster/behaviour.h"

namespace slipway::sim {

namespace {

// Maps an API group to the behaviour that plays it. The objects of a group without `start` are only
// read by others, so nobody waits for them.
struct Player {
  const char* group;
  std::unique_ptr<Behaviour> (*start)(const kube::Config&, const BehaviourOptions&, const Clock&,
                                      Logger&, Metrics&);
};

constexpr Player kPlayers[] = {{"postgresql.cnpg.io", &StartCnpg},
                               {"mongodbcommunity.mongodb.com", &StartMongodb},
                               {"planetscale.com", &StartVitess},
                               {"barmancloud.cnpg.io", nullptr},
                               {"monitoring.coreos.com", nullptr}};

}  // namespace

bool HasPlayer(std::string_view group) {
  return std::any_of(std::begin(kPlayers), std::end(kPlayers),
                     [group](const Player& player) { return player.group == group; });
}

std::vector<std::unique_ptr<Behaviour>> StartBehaviours(const kube::Config& cluster,
                                                        const BehaviourOptions& options,
                                                        const Clock& clock, Logger& log,
                                                        Metrics& metrics) {
  std::vector<std::unique_ptr<Behaviour>> out;
  std::vector<std::string> groups;
  for (const Player& player : kPlayers) {
    groups.emplace_back(player.group);
    if (player.start != nullptr) out.push_back(player.start(cluster, options, clock, log, metrics));
  }
  out.push_back(StartWorkloads(cluster, options, groups, clock, log, metrics));
  return out;
}

}  // namespace slipway::sim
