#include "sim/behaviour.h"

namespace slipway::sim {

std::vector<std::unique_ptr<Behaviour>> StartBehaviours(const kube::Config& cluster,
                                                        const BehaviourOptions& options,
                                                        const Clock& clock, Logger& log,
                                                        Metrics& metrics) {
  std::vector<std::unique_ptr<Behaviour>> out;
  for (const auto start : {&StartCnpg, &StartMongodb, &StartVitess})
    out.push_back(start(cluster, options, clock, log, metrics));
  return out;
}

}  // namespace slipway::sim
