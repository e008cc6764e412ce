#pragma once

#include <filesystem>
#include <memory>
#include <stdlib.h>
#include <string>

#include <gtest/gtest.h>

#include "base/ids.h"
#include "store/store.h"

namespace slipway::store {

// A store in a directory of its own; Reopen() is a clean restart.
class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string pattern = testing::TempDir() + "slipway-store-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    directory_ = root_ + "/data";
    Reopen();
  }

  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  void Reopen() {
    store_.reset();
    auto store = Open();
    ASSERT_TRUE(store) << store.error().reason << " " << store.error().message;
    store_ = *std::move(store);
  }

  Result<std::unique_ptr<Store>> Open() {
    return Store::Open({.directory = directory_}, clock_, log_, metrics_);
  }

  Submission Creation(const std::string& name, const std::string& project = "shop",
                      const std::string& ns = "acme-shop") {
    InstanceRecord instance;
    instance.id = NewId("ins", clock_);
    instance.organization = "acme";
    instance.project = project;
    instance.name = name;
    instance.ns = ns;
    instance.database_type = "postgres";
    instance.tier = "STANDARD";
    Submission submission;
    submission.operation = Operation("create", instance.id);
    submission.instance = instance;
    return submission;
  }

  Submission Deletion(const std::string& instance_id) {
    Submission submission;
    submission.operation = Operation("delete", instance_id);
    submission.admit = [](const InstanceRecord&, const OperationRecord* live) -> Result<Admission> {
      Admission out;
      if (live == nullptr) return out;
      out.superseded.emplace();
      out.superseded->operation = *live;
      out.superseded->operation.state = OperationState::kCancelled;
      out.superseded->events = {{0, "", 0, "operation.cancelled", "{}"}};
      out.superseded->takes_over = true;
      return out;
    };
    return submission;
  }

  OperationRecord Operation(const std::string& verb, const std::string& instance_id) {
    OperationRecord operation;
    operation.id = NewId("op", clock_);
    operation.instance_id = instance_id;
    operation.organization = "acme";
    operation.verb = verb;
    StageRecord first, second;
    first.name = "VALIDATE";
    second.name = "PROVISION";
    operation.stages = {first, second};
    return operation;
  }

  Submitted Created(const std::string& name) {
    auto submitted = store_->Submit(Creation(name));
    EXPECT_TRUE(submitted) << (submitted ? "" : submitted.error().message);
    return *submitted;
  }

  // Ends an operation; `deleted` ends its instance too.
  void Finish(OperationRecord operation, OperationState state, bool deleted = false) {
    operation.state = state;
    operation.finished_ms = clock_.NowMs();
    Change change;
    change.operation = operation;
    change.operation.revision = store_->GetOperation(operation.id)->revision;
    if (deleted) {
      change.instance.emplace();
      change.instance->deleted = true;
    }
    auto committed = store_->Commit(change);
    ASSERT_TRUE(committed) << committed.error().message;
  }

  std::string root_, directory_;
  ManualClock clock_;
  Logger log_{clock_, 2, Logger::Format::kHuman, Logger::Level::kError};
  Metrics metrics_;
  std::unique_ptr<Store> store_;
};

#define EXPECT_REASON(expression, expected_code, expected_reason) \
  do {                                                            \
    const auto refused = (expression);                            \
    ASSERT_FALSE(refused);                                        \
    EXPECT_EQ(refused.error().code, Code::expected_code);         \
    EXPECT_EQ(refused.error().reason, expected_reason);           \
  } while (0)

}  // namespace slipway::store
