#include "devcluster/mongodb/scaling.h"

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

// A replica set that never ran gets all of its members at once; arbiters always come one by one.
int64_t Step(int64_t current, int64_t wanted, bool always) {
  if (current == wanted || (!always && current == 0)) return wanted;
  return wanted < current ? current - 1 : current + 1;
}

Json NumberOrNull(int64_t number) {
  return number == 0 ? Json() : Json(number);
}

}  // namespace

Scaling::Scaling(const InstanceSpec& spec, const Json& status)
    : members_(spec.members),
      arbiters_(spec.arbiters),
      current_set_(status["currentStatefulSetReplicas"].AsInt()),
      current_config_(status["currentMongoDBMembers"].AsInt()),
      current_set_arbiters_(status["currentStatefulSetArbitersReplicas"].AsInt()),
      current_config_arbiters_(status["currentMongoDBArbiters"].AsInt()) {}

int64_t Scaling::set_members() const {
  return Step(current_set_, members_, false);
}

int64_t Scaling::set_arbiters() const {
  return Step(current_set_arbiters_, arbiters_, true);
}

int64_t Scaling::config_members() const {
  return Step(current_config_, members_, false);
}

int64_t Scaling::config_arbiters() const {
  if (members_scaling() || config_members() < members_) return current_config_arbiters_;
  return Step(current_config_arbiters_, arbiters_, true);
}

bool Scaling::ConfigFirst(bool tls, bool ready, bool exists, bool version_changes) const {
  // With TLS the config has a new member before the member's pod exists, so waiting for it is in
  // vain.
  if (tls && !ready) return true;
  if (tls && exists) return false;
  const bool grows = members_ > current_set_ && current_set_ != 0;
  if (grows || current_set_arbiters_ < arbiters_) return current_set_ == 0;
  if (members_ < current_set_) return true;
  return !version_changes;
}

void Scaling::Count(Json& status) const {
  const int64_t set = set_members(), config = config_members();
  const int64_t arbiters = set_arbiters(), config_arbiters_now = config_arbiters();
  status.Set("currentStatefulSetReplicas", set).Set("currentMongoDBMembers", config);
  SetOrErase(status, "currentStatefulSetArbitersReplicas", NumberOrNull(arbiters));
  SetOrErase(status, "currentMongoDBArbiters", NumberOrNull(config_arbiters_now));
}

std::string Scaling::Message() const {
  return "Performing scaling operation, currentMembers=" + std::to_string(current_set_) +
         ", desiredMembers=" + std::to_string(members_);
}

}  // namespace slipway::sim::operators::mongodb
