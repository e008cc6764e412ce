// What becomes of each refusal, and of a request that cannot be.
#include <filesystem>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "pipeline/create.h"
#include "pipeline/test_support.h"

namespace slipway::pipeline::testing {
namespace {

using store::OperationState;

class FailuresTest : public ::testing::Test {
 protected:
  FailuresTest() {
    std::string pattern = ::testing::TempDir() + "slipway-failures-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    world_ = std::make_unique<World>(root_ + "/store");
  }

  ~FailuresTest() override {
    world_.reset();
    std::filesystem::remove_all(root_);
  }

  // A call about a kind fails from now on.
  void Refuse(const std::string& call, const std::string& kind, const Error& error) {
    world_->cluster.fault = [=](const char* made, const std::string& of,
                                bool after) -> std::optional<Error> {
      if (!after && call == made && kind == of) return error;
      return std::nullopt;
    };
  }

  std::string root_;
  std::unique_ptr<World> world_;
};

TEST_F(FailuresTest, ARefusalOfTheServerIsWaitedForByItsName) {
  struct Case {
    Error error;
    const char *kind, *ns, *name, *reason;
  };

  const Case cases[] = {
      {{Code::kExhausted, "QuotaExceeded",
        "configmaps \"db\" is forbidden: exceeded quota: theirs, requested: count/configmaps=1"},
       "ResourceQuota",
       "acme-shop",
       "theirs",
       "Exceeded"},
      {{Code::kExhausted, "QuotaExceeded", "too many"},
       "ResourceQuota",
       "acme-shop",
       "",
       "Exceeded"},
      {{Code::kForbidden, "Forbidden", "forbidden: because it is being terminated"},
       "Namespace",
       "",
       "acme-shop",
       "Terminating"},
      {{Code::kForbidden, "Forbidden",
        "configmaps \"db\" is forbidden: User \"u\" cannot patch resource \"configmaps\" in API "
        "group "
        "\"\" in the namespace \"acme-shop\""},
       "Permission",
       "acme-shop",
       "patch configmaps",
       nullptr},
      {{Code::kUnauthenticated, "Unauthorized", "Unauthorized"},
       "Permission",
       "",
       "",
       "Unauthorized"},
      {Error{Code::kConflict, "FieldManagerConflict", "conflict"}, "APIServer", "", "",
       "FieldManagerConflict"},
      {{Code::kNotFound, "KindNotFound", "no such kind"}, "APIServer", "", "", "KindNotFound"},
  };
  for (const Case& each : cases) {
    Refuse("apply", "ConfigMap", each.error);
    const std::string id = world_->Create("shop", "db").instance.id;
    for (int i = 0; i < 20; ++i) world_->Look(id);
    const store::OperationRecord now = world_->Last(id);
    const auto& waiting = now.stages[now.stage].waiting_for;
    ASSERT_TRUE(waiting) << each.error.message;
    EXPECT_EQ(waiting->kind, each.kind) << each.error.message;
    EXPECT_EQ(waiting->ns, each.ns) << each.error.message;
    EXPECT_EQ(waiting->name, each.name) << each.error.message;
    if (each.reason != nullptr) {
      EXPECT_EQ(waiting->reason, each.reason);
    }
    EXPECT_EQ(waiting->message, each.error.message);
    world_->cluster.fault = nullptr;
    ASSERT_TRUE(world_->Submit(id, "delete"));
    EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded) << each.error.message;
  }
}

TEST_F(FailuresTest, WhatNoWaitingMendsEndsTheCreate) {
  Refuse("apply", "ConfigMap", {Code::kInvalid, "Invalid", "spec.x: Invalid value"});
  const std::string id = world_->Create("shop", "db").instance.id;
  const store::OperationRecord done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["reason"].AsString(), "Invalid");
  EXPECT_EQ(done.rollback_outcome, "COMPLETE");
}

TEST_F(FailuresTest, ANamespaceOfSomebodyElseIsLeftAlone) {
  const Json theirs = Json::Obj({{"apiVersion", "v1"},
                                 {"kind", "Namespace"},
                                 {"metadata", Json::Obj({{"name", "acme-shop"}})}});
  ASSERT_TRUE(world_->cluster.Create(theirs));
  const std::string id = world_->Create("shop", "db").instance.id;
  const store::OperationRecord done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["reason"].AsString(), "NamespaceNotOurs");
  EXPECT_NE(world_->cluster.Find("Namespace", "", "acme-shop"), nullptr);
}

TEST_F(FailuresTest, AMissingOperatorIsSaidBeforeAnythingIsMade) {
  Refuse("discover", "ConfigMap", {Code::kNotFound, "KindNotFound", "no such kind"});
  const std::string id = world_->Create("shop", "db").instance.id;
  const store::OperationRecord done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["reason"].AsString(), "OperatorNotInstalled");
  EXPECT_TRUE(world_->cluster.objects.empty());
}

TEST_F(FailuresTest, AnUndoThatDoesNotEndNamesWhatIsLeft) {
  world_->options.stage_timeout_ms[""] = 12'000;
  const std::string id = world_->Create("shop", "db").instance.id;
  Refuse("delete", "ConfigMap", Error{Code::kUnavailable, "InternalError", "no"}.Retryable());
  const store::OperationRecord done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.rollback_outcome, "PARTIAL");
  ASSERT_FALSE(done.remnants.items().empty());
  EXPECT_EQ(done.remnants.items()[0]["name"].AsString(), "db");
}

TEST_F(FailuresTest, ACreateNamesEveryProblemWithItsField) {
  CreateRequest request;
  request.organization = "Acme!";
  request.project = "-";
  request.name = "UPPER";
  request.database_type = "FAKE";
  request.tier = "NONE";
  request.on_failure = "EXPLODE";
  Findings findings;
  world_->options.tiers = {Tier{}};
  const CreateContext context{world_->options, world_->engines, *world_->store, world_->clock};
  const auto resolved = ResolveCreate(request, "ins_1", context, findings);
  ASSERT_FALSE(resolved);
  std::vector<std::string> fields;
  for (const Error& problem : findings.problems) fields.push_back(problem.field);
  EXPECT_EQ(fields,
            (std::vector<std::string>{"/orgId", "/projectName", "/name", "/onFailure", "/tier"}));

  request = {};
  request.organization = std::string(40, 'a');
  request.project = std::string(40, 'b');
  request.database_type = "FAKE";
  findings = {};
  world_->engines.gone = Error{Code::kUnsupported, "UnknownType", "there is no such type"};
  ASSERT_FALSE(ResolveCreate(request, "ins_1", context, findings));
  EXPECT_EQ(findings.problems.front().reason, "NameTooLong");
  EXPECT_EQ(findings.problems.back().field, "/databaseType");
  world_->engines.gone = Error{Code::kUnavailable, "EngineUnavailable", "not now"};
  findings = {};
  EXPECT_EQ(ResolveCreate(request, "ins_1", context, findings).error().reason, "EngineUnavailable");
}

}  // namespace
}  // namespace slipway::pipeline::testing
