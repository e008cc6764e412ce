// The host notes an engine that ends the process, names it, and does not call it a third time. It
// never blames a good engine.
#include <csignal>
#include <cstdlib>
#include <spawn.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "engine/crash_notes.h"
#include "engine/test_support.h"

extern char** environ;

namespace slipway::engine {
namespace {

// engine_crash_child, with its outputs in files and its standard input open.
class Child {
 public:
  Child(const std::filesystem::path& root, std::vector<std::string> more)
      : out_((root / "out").string()), err_((root / "err").string()) {
    std::vector<std::string> words = {SLIPWAY_CRASH_CHILD, (root / "engines.d").string(),
                                      (root / "state").string()};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int input[2];
    EXPECT_EQ(::pipe2(input, O_CLOEXEC), 0);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input[0], 0);
    constexpr int kFresh = O_WRONLY | O_CREAT | O_TRUNC;
    ::posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), kFresh, 0600);
    ::posix_spawn_file_actions_addopen(&files, 2, err_.c_str(), kFresh, 0600);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(input[0]);
    input_ = input[1];
  }

  ~Child() {
    if (pid_ <= 0) return;
    Signal(SIGKILL);
    Wait();
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Signal(int signal) { ::kill(pid_, signal); }

  // Waits until it ends by itself.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    if (input_ >= 0) ::close(input_);
    return status;
  }

  // Closes its input first.
  int Finish() {
    ::close(input_);
    input_ = -1;
    return Wait();
  }

  static std::string Text(const std::string& path) {
    const auto text = ReadFile(path);
    return text ? *text : std::string();
  }

  std::string out() const { return Text(out_); }

  std::string log() const { return Text(err_); }

 private:
  const std::string out_, err_;
  pid_t pid_ = 0;
  int input_ = -1;
};

class Crashes : public EngineDirectory {
 protected:
  Crashes() {
    Configure("bad.yaml", "bad", Install(SLIPWAY_ENGINE_BAD, "bad.so"));
    Configure("fake.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  }

  static std::string Document(const std::string& word) {
    return R"({"schema":1,"operation":{"id":"op-7"},"name":"x","do":")" + word + "\"}";
  }

  // The output of a new process that loads all engines and makes no call.
  std::string Statuses() {
    Child child(root_, {});
    EXPECT_EQ(child.Finish(), 0) << child.log();
    log_text_ = child.log();
    return child.out();
  }

  // The next process's log line about the crash.
  Json Logged() {
    Statuses();
    for (size_t at = 0; at < log_text_.size();) {
      const size_t end = std::min(log_text_.find('\n', at), log_text_.size());
      const auto line = Json::Parse(std::string_view(log_text_).substr(at, end - at));
      if (line && (*line)["event"].AsString() == "engine.crashed") return *line;
      at = end + 1;
    }
    return {};
  }

  std::string log_text_;
};

const char* const kWays[] = {"crash-segfault", "crash-abort", "crash-exit", "crash-overflow",
                             "crash-in-thread"};
constexpr char kGood[] = "fake LOADED \n";

TEST_F(Crashes, TwiceInOneCallAndTheBytesAreNotCalledAgain) {
  for (const char* way : kWays) {
    for (const char* function : {"validate", "step"}) {
      SCOPED_TRACE(std::string(way) + " in " + function);
      std::filesystem::remove_all(root_ / "state");
      for (int life = 1; life <= 2; ++life) {
        Child child(root_, {"BAD", function, Document(way)});
        EXPECT_NE(child.Wait(), 0);
        EXPECT_EQ(child.out(), std::string("bad LOADED \n") + kGood) << child.log();
        if (life == 2) break;
        const Json logged = Logged();
        EXPECT_EQ(logged["engine"].AsString(), "bad");
        EXPECT_EQ(logged["function"].AsString(),
                  std::string(way) == "crash-in-thread" ? "thread" : function);
        EXPECT_EQ(logged["times"].AsInt(), 1);
        EXPECT_EQ(logged["sha256"].AsString().size(), 64u);
        EXPECT_EQ(logged["operation"].AsString(),
                  logged["function"].AsString() == "thread" ? "" : "op-7");
      }
      Child next(root_, {"BAD", function, Document("well")});
      EXPECT_EQ(next.Finish(), 0);
      EXPECT_EQ(next.out().rfind(std::string("bad QUARANTINED EngineCrashed\n") + kGood, 0), 0u)
          << next.out();
      EXPECT_NE(next.out().find("error EngineCrashed bad 1.0.0 ended the host 2 times in "),
                std::string::npos)
          << next.out();
      Child neighbour(root_, {"FAKE", function, Document("well")});
      EXPECT_EQ(neighbour.Finish(), 0);
      EXPECT_NE(neighbour.out().find("answered"), std::string::npos) << neighbour.out();
    }
  }
}

TEST_F(Crashes, InOpenAndTheHostStartsWithoutThatFile) {
  for (const char* way : kWays) {
    SCOPED_TRACE(way);
    std::filesystem::remove_all(root_ / "state");
    Configure("bad.yaml", "bad", (root_ / "bad.so").string(),
              std::string("settings: {be: ") + way + "}\n");
    for (int life = 1; life <= 2; ++life) EXPECT_NE(Child(root_, {}).Wait(), 0);
    const bool thread = std::string(way) == "crash-in-thread";
    EXPECT_EQ(Statuses(), std::string("bad ") + (thread ? "QUARANTINED" : "INCOMPATIBLE") +
                              " EngineCrashed\n" + kGood);
    EXPECT_EQ(Statuses().find("LOADED EngineCrashed"), std::string::npos) << "and stays so";
    Configure("bad.yaml", "bad", (root_ / "bad.so").string());
    EXPECT_EQ(Statuses(), std::string("bad LOADED \n") + kGood) << "other settings";
  }
}

TEST_F(Crashes, InAConstructorAndOtherBytesClearIt) {
  for (const char* way : kWays) {
    SCOPED_TRACE(way);
    std::filesystem::remove_all(root_ / "state");
    Install(SLIPWAY_ENGINE_BAD, "bad.so");
    ::setenv("BAD_ENGINE_CONSTRUCTOR", way, 1);
    for (int life = 1; life <= 2; ++life) EXPECT_NE(Child(root_, {}).Wait(), 0);
    const std::string statuses = Statuses();
    ::unsetenv("BAD_ENGINE_CONSTRUCTOR");
    const bool thread = std::string(way) == "crash-in-thread";
    EXPECT_EQ(statuses, std::string("bad ") + (thread ? "QUARANTINED" : "INCOMPATIBLE") +
                            " EngineCrashed\n" + kGood);
    Install(SLIPWAY_ENGINE_BAD_NEXT, "bad.so");
    EXPECT_EQ(Statuses(), std::string("bad LOADED \n") + kGood);
  }
}

TEST_F(Crashes, OfAThreadAfterTheCall) {
  const std::string file = (root_ / "answered").string();
  ::setenv("BAD_ENGINE_WAITS_FOR", file.c_str(), 1);
  for (int life = 1; life <= 2; ++life) {
    std::filesystem::remove(file);
    Child child(root_, {"BAD", "step", Document("crash-after-the-call")});
    while (child.out().find("answered") == std::string::npos) ::usleep(2000);
    Put("answered", "", 0600);
    EXPECT_NE(child.Wait(), 0);
  }
  ::unsetenv("BAD_ENGINE_WAITS_FOR");
  EXPECT_EQ(Logged()["function"].AsString(), "thread");
  EXPECT_EQ(Statuses(), std::string("bad QUARANTINED EngineCrashed\n") + kGood);
}

TEST_F(Crashes, OfTheHostItselfAreItsOwn) {
  for (int life = 1; life <= 3; ++life) EXPECT_NE(Child(root_, {"abort"}).Wait(), 0);
  EXPECT_EQ(Statuses(), std::string("bad LOADED \n") + kGood);
  EXPECT_NE(log_text_.find("host.crashed"), std::string::npos) << log_text_;
  EXPECT_EQ(log_text_.find("engine.crashed"), std::string::npos) << log_text_;
}

TEST_F(Crashes, KilledHostsQuarantineNobody) {
  for (int life = 0; life < 6; ++life) {
    Child child(root_, {"BAD", "step", Document("spin")});
    const auto spins = [&] {
      const CrashNotes notes((root_ / "state").string());
      return !notes.left().empty() && notes.left().front().call == "step";
    };
    while (!spins()) ::usleep(2000);
    const int signal = life % 2 == 0 ? SIGKILL : SIGSEGV;  // from outside: not the engine's fault
    child.Signal(signal);
    EXPECT_NE(child.Wait(), 0);
    EXPECT_EQ(Statuses(), std::string("bad LOADED \n") + kGood);
    EXPECT_NE(log_text_.find("engine.call_cut_off"), std::string::npos) << log_text_;
    EXPECT_NE(log_text_.find("op-7"), std::string::npos);
    EXPECT_EQ(log_text_.find("engine.crashed"), std::string::npos) << log_text_;
  }
}

TEST_F(Crashes, SpoiltNotesAreForgotten) {
  std::filesystem::create_directory(root_ / "state");
  for (const size_t size : {size_t{0}, size_t{10}, size_t{200'000}}) {
    Put("state/calls.notes", std::string(size, '\xff'), 0600);
    EXPECT_EQ(Statuses(), std::string("bad LOADED \n") + kGood);
  }
}

TEST_F(Crashes, OfEngineBytesThatAnOperationIsPinnedTo) {
  const std::string bad = Sha256Hex(ReadFileOrDie((root_ / "bad.so").string()));
  const std::string fake = Sha256Hex(ReadFileOrDie((root_ / "fake.so").string()));
  for (int life = 1; life <= 2; ++life) {
    Child child(root_, {"BAD", "step", Document("crash-abort")});
    EXPECT_NE(child.Wait(), 0);
  }
  Install(SLIPWAY_ENGINE_BAD_NEXT, "bad.so");
  Registry next(Options(), clock_, log_, metrics_);
  next.Reload();
  EXPECT_EQ(next.ForSha("bad", bad).error().reason, "EngineCrashed");
  EXPECT_EQ((*next.SuccessorOf("bad", "1.0.0"))->version(), "1.1.0");
  EXPECT_TRUE(next.ForSha("fake", fake));
}

}  // namespace
}  // namespace slipway::engine
