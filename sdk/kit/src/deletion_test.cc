#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <slipway/kit/deletion.h>

namespace slipway::kit {
namespace {

Json Line(const char* kind, const char* name) {
  return Json::Obj(
      {{"apiVersion", "v1"}, {"kind", kind}, {"namespace", "acme"}, {"name", name}, {"uid", "u"}});
}

Json There(const char* kind, const char* name, bool going = false) {
  Json metadata = Json::Obj({{"name", name}, {"namespace", "acme"}});
  if (going) metadata.Set("deletionTimestamp", "2026-01-01T00:00:00Z");
  return Json::Obj({{"apiVersion", "v1"}, {"kind", kind}, {"metadata", std::move(metadata)}});
}

Json Inventory(std::initializer_list<Json> lines) {
  return Json::Obj({{"inventory", Json::Arr(lines)}});
}

std::vector<std::string> Deleted(const Json& answer) {
  std::vector<std::string> out;
  for (const Json& ref : answer["delete"].items()) out.push_back(ref["name"].AsString());
  return out;
}

using Names = std::vector<std::string>;

TEST(Teardown, TakesOneStepAtATime) {
  const Json input = Inventory(
      {Line("Policy", "p"), Line("Schedule", "s1"), Line("Cluster", "c"), Line("Schedule", "s2")});
  Teardown down(input);
  down.Delete({"Schedule"}, "DeletingSchedule", "the schedules are being deleted", 5);
  EXPECT_TRUE(down.Settled());
  down.DeleteServed("Cluster", nullptr, "DeletingCluster", 20);
  down.DeleteRest({"Policy"});
  const Json answer = down.Answer();
  EXPECT_EQ(Deleted(answer), (Names{"s1", "s2"}));
  EXPECT_EQ(answer.At("verdict/reason").AsString(), "DeletingSchedule");
  EXPECT_EQ(answer.At("verdict/waitingFor/name").AsString(), "s1");
  EXPECT_EQ(answer["delete"].items()[0].Dump(),
            R"({"apiVersion":"v1","kind":"Schedule","namespace":"acme","name":"s1"})");
}

TEST(Teardown, DeletesInTheOrderOfTheKinds) {
  const Json input = Inventory({Line("A", "a"), Line("B", "b"), Line("A", "a2")});
  Teardown down(input);
  down.DeleteRest({"B", "A", "C"});
  EXPECT_EQ(Deleted(down.Answer()), (Names{"b", "a", "a2"}));
}

TEST(Teardown, DeletesTheServedObjectOnceAndWaitsUntilItIsGone) {
  const Json input = Inventory({Line("Cluster", "c")});
  const Json there = There("Cluster", "c"), going = There("Cluster", "c", true);
  const auto answer = [&](const Json* observed) {
    Teardown down(input);
    down.DeleteServed("Cluster", observed, "DeletingCluster", 20);
    return down.Answer();
  };
  EXPECT_EQ(Deleted(answer(&there)), Names{"c"});
  EXPECT_EQ(answer(&there).At("verdict/reason").AsString(), "WaitingForDeletion");
  EXPECT_EQ(Deleted(answer(&going)), Names{});
  EXPECT_EQ(answer(&going).At("verdict/waitingFor/reason").AsString(), "Terminating");
  // Never observed: the inventory alone says that it may exist.
  EXPECT_EQ(Deleted(answer(nullptr)), Names{"c"});
  EXPECT_EQ(answer(nullptr).At("verdict/reason").AsString(), "DeletingCluster");
  EXPECT_EQ(answer(nullptr).At("verdict/message").AsString(), "the Cluster is being deleted");
}

TEST(Teardown, DeletesObservedObjectsThatAreNotGoing) {
  const Json first = There("Claim", "one", true), second = There("Claim", "two");
  const Json input = Inventory({});
  Teardown down(input);
  down.DeleteObserved({&first, &second}, 60);
  EXPECT_EQ(Deleted(down.Answer()), Names{"two"});
  EXPECT_EQ(down.Answer().At("verdict/waitingFor/name").AsString(), "one");
}

TEST(Teardown, IsReadyWhenNothingIsLeft) {
  const Json input = Inventory({Line("Foreign", "x")});
  Teardown down(input);
  down.Delete({"Schedule"}, "DeletingSchedule", "", 0);
  down.DeleteServed("Cluster", nullptr, "DeletingCluster", 20);
  down.Await(std::vector<const Json*>{}, 50);
  down.Await(std::optional<Judgement>{});
  down.DeleteRest({"Policy"});
  const Json answer = down.Answer();
  EXPECT_EQ(answer.At("verdict/state").AsString(), "ready");
  EXPECT_FALSE(answer.Has("delete"));
}

TEST(StillThere, NamesTheFinalizersThatHoldIt) {
  Json held = There("Claim", "one", true);
  Json metadata = held["metadata"];
  held.Set("metadata", metadata.Set("finalizers", Json::Arr({"a/b", "c"})));
  const Judgement judgement = StillThere(held, 40);
  EXPECT_EQ(judgement.message, "Claim one is held by a/b, c");
  EXPECT_EQ(judgement.waiting_for["reason"].AsString(), "Finalizers: a/b, c");
  EXPECT_EQ(StillThere(There("Claim", "one"), 40).waiting_for["reason"].AsString(), "StillThere");
}

}  // namespace
}  // namespace slipway::kit
