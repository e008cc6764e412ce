#include "store/writer.h"

#include <atomic>
#include <thread>

#include "store/store_fixture.h"

namespace slipway::store {
namespace {

// A writer over a database of two small tables.
class WriterTest : public StoreTest {
 protected:
  WriterTest() {
    store_.reset();
    auto db = Connection::Open(directory_ + "/slipway.db", Connection::Mode::kWriter);
    EXPECT_TRUE(
        (*db)->Exec("CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;"
                    "CREATE TABLE child (id INTEGER REFERENCES parent (id)) STRICT"));
    writer_ = std::make_unique<Writer>(*std::move(db), clock_, log_, metrics_);
  }

  // Holds the writer's thread in one group and runs `works` together in the next.
  std::vector<Result<void>> Together(std::vector<std::function<Result<void>(Transaction&)>> works) {
    std::atomic<bool> started{false};
    std::thread first([&] {
      EXPECT_TRUE(writer_->Submit([&](Transaction&) -> Result<void> {
        started = true;
        while (writer_->stats().queued < works.size()) std::this_thread::yield();
        return {};
      }));
    });
    while (!started) std::this_thread::yield();
    std::vector<Result<void>> results(works.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < works.size(); ++i)
      threads.emplace_back([&, i] { results[i] = writer_->Submit(works[i]); });
    for (std::thread& thread : threads) thread.join();
    first.join();
    return results;
  }

  int64_t Parents() {
    return *writer_->Write<int64_t>([](Transaction& tx) -> Result<int64_t> {
      int64_t count = 0;
      TRY_VOID(tx.db.Each("SELECT COUNT(*) FROM parent", [&](Row& row) { count = row.Int(); }));
      return count;
    });
  }

  static Result<void> AddParent(Transaction& tx) {
    TRY_VOID(tx.db.Run("INSERT INTO parent DEFAULT VALUES"));
    tx.events_of.push_back("good");
    return {};
  }

  std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, AWriteThatFailsRollsBackAlone) {
  std::vector<std::string> heard;
  writer_->OnEvents([&](const std::string& id) { heard.push_back(id); });
  const auto results = Together({AddParent,
                                 [](Transaction& tx) -> Result<void> {
                                   TRY_VOID(AddParent(tx));
                                   tx.events_of.push_back("bad");
                                   return Error{Code::kConflict, "Mine", "no"};
                                 },
                                 AddParent});
  EXPECT_TRUE(results[0]);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().reason, "Mine");
  EXPECT_TRUE(results[2]);
  EXPECT_EQ(Parents(), 2);
  writer_->OnEvents(nullptr);
  EXPECT_EQ(heard, std::vector<std::string>{"good"}) << "once, without the one that failed";
}

TEST_F(WriterTest, AFailedCommitFailsAllAndTheNextOneWorks) {
  const auto results = Together({AddParent, [](Transaction& tx) -> Result<void> {
                                   TRY_VOID(tx.db.Exec("PRAGMA defer_foreign_keys = ON"));
                                   TRY_VOID(tx.db.Run("INSERT INTO child (id) VALUES (77)"));
                                   return {};
                                 }});
  for (const auto& result : results) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kUnavailable);
    EXPECT_EQ(result.error().reason, "StoreWriteFailed");
  }
  EXPECT_EQ(Parents(), 0);
  EXPECT_TRUE(writer_->Submit(AddParent));
  EXPECT_EQ(Parents(), 1);
}

TEST_F(WriterTest, AFullDiskIsAnErrorAndNotTheEnd) {
  ASSERT_TRUE(writer_->Submit([](Transaction& tx) -> Result<void> {
    TRY_VOID(tx.db.Each("PRAGMA max_page_count = 1", [](Row&) {}));
    return {};
  }));
  const auto full = writer_->Submit([](Transaction& tx) -> Result<void> {
    TRY_VOID(tx.db.Run("CREATE TABLE big AS SELECT zeroblob(1000000) AS b"));
    return {};
  });
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().reason, "StoreWriteFailed");
  EXPECT_TRUE(writer_->Submit(AddParent)) << "fits in a page that is there";
}

TEST_F(WriterTest, DestructionEndsWhatWaits) {
  const auto results = Together({AddParent, AddParent});
  writer_.reset();
  for (const auto& result : results) EXPECT_TRUE(result);
}

}  // namespace
}  // namespace slipway::store
