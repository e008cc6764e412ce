#include "store/sqlite.h"
#include "store/store_fixture.h"

namespace slipway::store {
namespace {

using AuditTest = StoreTest;

AuditRecord Action(const std::string& action, const std::string& actor = "ci") {
  AuditRecord out;
  out.actor = actor;
  out.action = action;
  out.request_id = "req-1";
  return out;
}

TEST_F(AuditTest, IsWrittenWithItsActionAndNotWithoutIt) {
  Submission submission = Creation("db");
  submission.audit = Action("instance.create");
  const auto made = store_->Submit(submission);
  ASSERT_TRUE(made);
  EXPECT_FALSE(store_->Submit(submission)) << "refused: the name is taken";
  ASSERT_TRUE(store_->PatchInstance(made->instance.id, 0, true, {}, Action("instance.patch")));
  ASSERT_FALSE(store_->PatchInstance(made->instance.id, 99, true, {}, Action("instance.patch")));
  const auto all = store_->ListAudit({});
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).action, "instance.patch");
  EXPECT_EQ(all->at(1).action, "instance.create");
  EXPECT_EQ(all->at(1).target_id, made->instance.id);
  EXPECT_EQ(all->at(1).organization, "acme");
  EXPECT_EQ(all->at(1).request_id, "req-1");
  EXPECT_EQ(all->at(1).at_ms, clock_.NowMs());
}

TEST_F(AuditTest, PagesAndFilters) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store_->Audit(Action("credentials.read", i % 2 == 0 ? "ci" : "ops")));
    clock_.Advance(10);
  }
  AuditFilter filter;
  filter.actor = "ci";
  filter.limit = 2;
  auto page = store_->ListAudit(filter);
  ASSERT_EQ(page->size(), 2u);
  filter.before_seq = page->back().seq;
  page = store_->ListAudit(filter);
  ASSERT_EQ(page->size(), 1u);
  AuditFilter late;
  late.from_ms = clock_.NowMs() - 20;
  EXPECT_EQ(store_->ListAudit(late)->size(), 2u);
  late.until_ms = late.from_ms + 1;
  EXPECT_EQ(store_->ListAudit(late)->size(), 1u);
}

TEST_F(AuditTest, NobodyChangesARecord) {
  ASSERT_TRUE(store_->Audit(Action("credentials.read")));
  store_.reset();
  auto db = Connection::Open(directory_ + "/slipway.db", Connection::Mode::kWriter);
  ASSERT_TRUE(db) << db.error().message;
  EXPECT_FALSE((*db)->Exec("UPDATE audit SET actor = 'nobody'"));
  EXPECT_FALSE((*db)->Exec("DELETE FROM audit"));
}

}  // namespace
}  // namespace slipway::store
