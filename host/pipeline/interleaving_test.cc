// Random interleavings: two to four instances of a project are made and deleted, some of them by
// restore drills, while looks, the
// cluster's controllers, errors of the API server, outages and kills of the host come in any order.
// However they come, in the end every operation is over, a namespace stands exactly where an
// instance lives, and its quota is the sum of what lives in it.
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "pipeline/test_support.h"

namespace slipway::pipeline::testing {
namespace {

using store::OperationState;

class Interleaving {
 public:
  Interleaving(World& world, uint32_t seed, int number)
      : world_(world), random_(seed), project_("p" + std::to_string(number)) {}

  // "" when the end is as it must be, else what is wrong.
  std::string Run() {
    const size_t wanted = 2 + Pick(3);
    world_.cluster.fault = [this](const char*, const std::string&, bool after) {
      return Fault(after);
    };
    for (int step = 0; step < 60; ++step) Step(wanted);
    world_.cluster.away = false;
    world_.cluster.fault = nullptr;
    while (ids_.size() < wanted) Make();
    return Settle();
  }

 private:
  size_t Pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  bool OneIn(size_t n) { return Pick(n) == 0; }

  std::string Ns() const { return "acme-" + project_; }

  std::optional<Error> Fault(bool after) {
    if (OneIn(120)) throw Killed();
    if (OneIn(25))
      return Error{Code::kUnavailable, after ? "ConnectionLost" : "ServiceUnavailable", "later"}
          .Retryable();
    if (!after && OneIn(60)) return Error{Code::kConflict, "Conflict", "changed"};
    return std::nullopt;
  }

  void Make() {
    const bool drill = OneIn(4);
    ids_.push_back(world_
                       .Create(project_, "db" + std::to_string(ids_.size()), "ROLLBACK",
                               [&](store::OperationRecord& operation) {
                                 if (!drill) return;
                                 operation.verb = "drill";
                                 operation.stages = StagesOf(PolicyOf("drill"));
                               })
                       .instance.id);
  }

  void Step(size_t wanted) {
    switch (Pick(10)) {
      case 0:
        if (ids_.size() < wanted) Make();
        break;
      case 1:
        if (!ids_.empty()) static_cast<void>(world_.Submit(ids_[Pick(ids_.size())], "delete"));
        break;
      case 2:
        world_.cluster.RunControllers();
        break;
      case 3:
        world_.MakeReady(Ns(), "db" + std::to_string(Pick(wanted)));
        break;
      case 4:
        if (OneIn(6)) world_.cluster.away = !world_.cluster.away;
        world_.clock.Advance(static_cast<int64_t>(Pick(3000)));
        if (OneIn(5)) world_.clock.wall += OneIn(2) ? 3'600'000 : -3'600'000;
        break;
      case 5:
        if (!ids_.empty() && OneIn(3)) {
          const auto last = world_.Last(ids_[Pick(ids_.size())]);
          static_cast<void>(world_.store->Edit(
              last.id,
              [](const auto& operation, const auto&, const auto*) { return Cancel(operation, 1); },
              {}, {}));
        }
        break;
      default:
        if (!ids_.empty()) world_.Look(ids_[Pick(ids_.size())]);
    }
  }

  std::string Settle() {
    for (int round = 0; round < 200; ++round) {
      bool live = false;
      for (size_t i = 0; i < ids_.size(); ++i) {
        world_.MakeReady(Ns(), "db" + std::to_string(i));
        world_.Look(ids_[i]);
        live = live || !store::IsTerminal(world_.Last(ids_[i]).state);
      }
      world_.cluster.RunControllers();
      world_.clock.Advance(1500);
      if (!live) break;
    }
    size_t alive = 0;
    for (const std::string& id : ids_) {
      const auto operation = world_.Last(id);
      const auto instance = world_.Instance(id);
      if (!store::IsTerminal(operation.state))
        return "operation " + operation.verb + " is " + store::Name(operation.state) + " in " +
               operation.stages[operation.stage].name + " waiting for " +
               (operation.stages[operation.stage].waiting_for
                    ? operation.stages[operation.stage].waiting_for->kind + " " +
                          operation.stages[operation.stage].waiting_for->message
                    : "nothing");
      if (operation.rollback_outcome == "PARTIAL") return "an undo is PARTIAL";
      if (instance.deleted_ms == 0) ++alive;
      if (instance.deleted_ms == 0 && instance.state != "ACTIVE")
        return "an instance that stands is " + instance.state + " " + instance.reason;
      const bool there = world_.cluster.Find("ConfigMap", Ns(), instance.name) != nullptr;
      if (there != (instance.deleted_ms == 0))
        return instance.name + (there ? " is deleted and stands" : " stands and is gone");
    }
    if ((world_.cluster.Find("Namespace", "", Ns()) != nullptr) != (alive > 0))
      return "the namespace and its " + std::to_string(alive) + " instances disagree";
    if (alive == 0) return "";
    const Json* quota = world_.cluster.Find("ResourceQuota", Ns(), "slipway");
    const std::string sum = quota == nullptr ? "none" : quota->At("/spec/hard/pods").AsString();
    return sum == std::to_string(alive) ? ""
                                        : "the quota is " + sum + " for " + std::to_string(alive);
  }

  World& world_;
  std::mt19937 random_;
  const std::string project_;
  std::vector<std::string> ids_;
};

TEST(Interleavings, EndAsTheyMust) {
  const char* given = std::getenv("SLIPWAY_SEED");
  const char* rounds = std::getenv("SLIPWAY_INTERLEAVINGS");
  const uint32_t seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10))
                                         : std::random_device{}();
  const int count = rounds != nullptr ? std::atoi(rounds) : 10'000 / 60;  // of 60 steps each
  std::printf("seed %u, %d interleavings of 60 random steps\n", seed, count);
  std::string pattern = ::testing::TempDir() + "slipway-interleave-XXXXXX";
  const std::string root = ::mkdtemp(pattern.data());
  {
    World world(root + "/store");
    for (int i = 0; i < count; ++i) {
      const std::string wrong = Interleaving(world, seed + static_cast<uint32_t>(i), i).Run();
      ASSERT_EQ(wrong, "") << "SLIPWAY_SEED=" << seed + static_cast<uint32_t>(i)
                           << " SLIPWAY_INTERLEAVINGS=1";
      world.cluster.objects.clear();
    }
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace slipway::pipeline::testing
