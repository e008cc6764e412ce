#include <atomic>
#include <fcntl.h>
#include <set>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "store/schema.h"
#include "store/store_fixture.h"

namespace slipway::store {
namespace {

using DurabilityTest = StoreTest;

TEST_F(DurabilityTest, DirectoryAndFileArePrivate) {
  struct stat info {};

  ASSERT_EQ(::stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
  for (const char* file : {"/slipway.db", "/slipway.db-wal", "/lock"}) {
    ASSERT_EQ(::stat((directory_ + file).c_str(), &info), 0) << file;
    EXPECT_EQ(info.st_mode & 0777u, 0600u) << file;
  }
}

TEST_F(DurabilityTest, ASecondHostIsRefused) {
  const auto second = Open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_EQ(second.error().reason, "StoreLocked");
  EXPECT_NE(second.error().message.find(directory_), std::string::npos);
  store_.reset();
  EXPECT_TRUE(Open());
}

class SchemaTest : public DurabilityTest {
 protected:
  void Tamper(const char* sql) {
    store_.reset();
    auto db = Connection::Open(directory_ + "/slipway.db", Connection::Mode::kWriter);
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->Exec(sql));
  }
};

TEST_F(SchemaTest, AChangedMigrationIsRefused) {
  Tamper("UPDATE schema_version SET sha256 = 'other'");
  EXPECT_REASON(Open(), kInternal, "StoreCorrupt");
}

TEST_F(SchemaTest, ANewerSchemaIsRefused) {
  Tamper("INSERT INTO schema_version (version, sha256, at_ms) VALUES (999, 'x', 0)");
  EXPECT_REASON(Open(), kInternal, "StoreTooNew");
}

TEST_F(SchemaTest, AForeignDatabaseIsRefused) {
  Tamper("DROP TABLE schema_version");
  EXPECT_REASON(Open(), kInternal, "StoreCorrupt");
}

TEST_F(SchemaTest, AFileThatIsNoDatabaseIsRefused) {
  store_.reset();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  const int fd = ::open((directory_ + "/slipway.db").c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string junk(8192, 'x');
  ASSERT_EQ(::write(fd, junk.data(), junk.size()), static_cast<ssize_t>(junk.size()));
  ::close(fd);
  EXPECT_REASON(Open(), kInternal, "StoreCorrupt");
}

TEST_F(SchemaTest, AFailedMigrationLeavesTheOldSchema) {
  Tamper("SELECT 1");
  auto db = Connection::Open(directory_ + "/slipway.db", Connection::Mode::kWriter);
  std::vector<Migration> migrations = Migrations();
  migrations.push_back(
      {999, "CREATE TABLE half (a INTEGER) STRICT; CREATE TABLE half (a INTEGER)"});
  EXPECT_FALSE(Migrate(**db, migrations, clock_));
  EXPECT_TRUE((*db)->Run("CREATE TABLE half (a INTEGER)")) << "it was rolled back";
  ASSERT_TRUE((*db)->Run("DROP TABLE half"));
  db->reset();
  EXPECT_TRUE(Open());
}

TEST_F(DurabilityTest, WritesThatWaitShareOneTransaction) {
  constexpr int kThreads = 8;
  std::vector<OperationRecord> operations;
  for (int i = 0; i < kThreads; ++i)
    operations.push_back(Created("db" + std::to_string(i)).operation);
  // The writer is held in its listener until all others wait.
  const Submission trigger = Creation("trigger");
  store_->OnEvents([&](const std::string& id) {
    while (id == trigger.operation.id && store_->stats().queued < kThreads)
      std::this_thread::yield();
  });
  ASSERT_TRUE(store_->Submit(trigger));
  const Store::Stats before = store_->stats();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (const OperationRecord& operation : operations) {
    threads.emplace_back([this, operation, &good] {
      Change change;
      change.operation = operation;
      change.operation.plan = operation.id;
      change.events = {{0, "", 0, "t", "{}"}};
      if (store_->Commit(change)) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  store_->OnEvents(nullptr);
  EXPECT_EQ(good, kThreads);
  EXPECT_EQ(store_->stats().writes - before.writes, 8u);
  EXPECT_EQ(store_->stats().groups - before.groups, 1u);
  EXPECT_NE(metrics_.Text().find("slipway_store_groups_total"), std::string::npos);
}

TEST_F(DurabilityTest, ManyThreadsCommitAndReadAtOnce) {
  constexpr int kThreads = 8, kRounds = 25;
  std::vector<OperationRecord> operations;
  for (int i = 0; i < kThreads; ++i)
    operations.push_back(Created("db" + std::to_string(i)).operation);
  const Store::Stats before = store_->stats();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (const OperationRecord& operation : operations) {
    threads.emplace_back([this, operation, &wrong] {
      for (int round = 1; round <= kRounds; ++round) {
        Change change;
        change.operation = operation;
        change.operation.revision = round - 1;
        change.operation.stages[0].attempts = round;
        if (!store_->Commit(change)) ++wrong;
        const auto read = store_->GetOperation(operation.id);
        if (!read || read->stages[0].attempts != round) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  const Store::Stats after = store_->stats();
  EXPECT_EQ(after.writes - before.writes, static_cast<uint64_t>(kThreads * kRounds));
  EXPECT_LT(after.groups - before.groups, after.writes - before.writes);
}

TEST_F(DurabilityTest, KilledHostLosesNothingThatItAcknowledged) {
  const OperationRecord operation = Created("db").operation;
  store_.reset();
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);
    auto store = Open();
    for (int i = 0; store; ++i) {
      Change change;
      change.operation = operation;
      change.operation.revision = i;
      change.events = {{0, "", 0, "e" + std::to_string(i), "{}"}};
      if (!(*store)->Commit(change)) break;
      if (::write(pipe[1], &i, sizeof i) != sizeof i) break;
    }
    ::_exit(1);
  }
  ::close(pipe[1]);
  int last = -1;
  while (last < 40 && ::read(pipe[0], &last, sizeof last) == sizeof last) {
  }
  ::kill(child, SIGKILL);
  while (::read(pipe[0], &last, sizeof last) == sizeof last) {
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  ASSERT_GE(last, 40);

  Reopen();
  std::set<std::string> types;
  const auto events = store_->Events(operation.id, 0, 1'000'000);
  for (const EventRecord& event : *events) types.insert(event.type);
  for (int i = 0; i <= last; ++i) EXPECT_TRUE(types.count("e" + std::to_string(i))) << i;
  store_.reset();
  auto db = Connection::Open(directory_ + "/slipway.db", Connection::Mode::kReader);
  std::string verdict;
  ASSERT_TRUE((*db)->Each("PRAGMA integrity_check", [&](Row& row) { verdict = row.Text(); }));
  EXPECT_EQ(verdict, "ok");
}

}  // namespace
}  // namespace slipway::store
