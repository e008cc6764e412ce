// Every reason for refusing an engine.
#include "base/crypto.h"
#include "engine/test_support.h"
#include "engine/trust.h"

namespace slipway::engine {
namespace {

class Refusal : public EngineDirectory {
 protected:
  void ExpectRefused(const EngineStatus& status, const std::string& reason,
                     const std::string& words) {
    EXPECT_EQ(status.state, EngineState::kRefused);
    EXPECT_EQ(status.reason, reason) << status.message;
    EXPECT_NE(status.message.find(words), std::string::npos) << status.message;
  }
};

TEST_F(Refusal, NamesWhatTheFileIs) {
  ExpectRefused(StatusOf("fake", "nowhere.so"), "NotFound", "no such file");
  std::filesystem::create_directory(root_ / "dir.so");
  ExpectRefused(StatusOf("fake", "../dir.so"), "NotRegularFile", "not a regular file");
  std::filesystem::create_symlink(Install(SLIPWAY_ENGINE_FAKE, "fake.so"), root_ / "link.so");
  ExpectRefused(StatusOf("fake", "../link.so"), "NotRegularFile", "symbolic link");
  ASSERT_EQ(::mkfifo((root_ / "fifo.so").c_str(), 0600), 0);
  ExpectRefused(StatusOf("fake", "../fifo.so"), "NotRegularFile", "not a regular file");
  Put("text.so", "hello", 0644);
  ExpectRefused(StatusOf("fake", "../text.so"), "NotElf", "not an ELF file");
}

TEST_F(Refusal, WritableByOthers) {
  const std::string path = Install(SLIPWAY_ENGINE_FAKE, "fake.so");
  ::chmod(path.c_str(), 0666);
  ExpectRefused(StatusOf("fake", path), "WorldWritable", "fake.so is writable");
  ::chmod(path.c_str(), 0664);
  ExpectRefused(StatusOf("fake", path), "WorldWritable", "fake.so is writable");
  ::chmod(path.c_str(), 0644);
  ::chmod(root_.c_str(), 0777);
  ExpectRefused(StatusOf("fake", path), "WorldWritable", "directory");
  ::chmod(root_.c_str(), 01777);
  EXPECT_EQ(StatusOf("fake", path).state, EngineState::kLoaded) << "a sticky directory is fine";
}

TEST_F(Refusal, ConfigurationWritableByOthers) {
  Configure("one.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  ::chmod((root_ / "engines.d/one.yaml").c_str(), 0666);
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  ExpectRefused(registry.List().at(0), "WorldWritable", "writable by everybody");
}

TEST_F(Refusal, WrongOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const std::string path = Install(SLIPWAY_ENGINE_FAKE, "fake.so");
  ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
  ExpectRefused(StatusOf("fake", path), "WrongOwner", "belongs to another user");
}

TEST_F(Refusal, HashMismatch) {
  const std::string path = Install(SLIPWAY_ENGINE_FAKE, "fake.so");
  ExpectRefused(StatusOf("fake", path, "sha256: " + std::string(63, 'a') + "b\n"), "HashMismatch",
                "pins aaaa");
  const std::string right = Sha256Hex(ReadFileOrDie(path));
  EXPECT_EQ(StatusOf("fake", path, "sha256: \"" + right + "\"\n").state, EngineState::kLoaded);
}

TEST_F(Refusal, TruncatedFileNeverReachesTheLinker) {
  const std::string bytes = ReadFileOrDie(SLIPWAY_ENGINE_FAKE);
  Put("cut.so", std::string_view(bytes).substr(0, bytes.size() / 2), 0644);
  ExpectRefused(StatusOf("fake", "../cut.so"), "Truncated", "file");
  for (const auto& file : std::filesystem::directory_iterator(root_ / "state"))
    EXPECT_NE(file.path().extension(), ".so") << "nothing was staged";
}

TEST_F(Refusal, WhatTheNoteAndTheSymbolsSay) {
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_NO_NOTE, "b.so")), "NoNote",
                "SLIPWAY_ENGINE");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_ABI_MAJOR, "b.so")), "AbiMajor",
                "needs engine ABI 7");
  ExpectRefused(StatusOf("other", Install(SLIPWAY_ENGINE_BAD, "b.so")), "NameMismatch", "\"bad\"");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_EXPORT, "b.so")), "ExtraExports",
                "another_symbol");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_NO_ENTRY, "b.so")), "MissingSymbol",
                "slipway_engine_v1");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_RUN_PATH, "b.so")), "RunPath",
                "RUNPATH");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_DEPENDENCY, "b.so")),
                "ForbiddenDependency", "libresolv");
}

TEST_F(Refusal, WhatTheLinkerLeftOut) {
  const struct {
    const char *built, *reason;
  } cases[] = {{SLIPWAY_ENGINE_BAD_EXEC_STACK, "ExecutableStack"},
               {SLIPWAY_ENGINE_BAD_NO_RELRO, "NoRelro"},
               {SLIPWAY_ENGINE_BAD_LAZY, "LazyBinding"},
               {SLIPWAY_ENGINE_BAD_TEXT_RELOCATIONS, "TextRelocations"}};

  for (const auto& c : cases)
    ExpectRefused(StatusOf("bad", Install(c.built, "b.so")), c.reason, "bad 1.0.0");
}

TEST_F(Refusal, WhatShowsOnlyWhenItRuns) {
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_UNDEFINED, "b.so")), "LoadFailed",
                "undefined symbol");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_TABLE, "b.so")), "MissingSymbol",
                "incomplete");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_DESCRIBE, "b.so")), "BadDescribe",
                "/database_type");
  ExpectRefused(StatusOf("bad", Install(SLIPWAY_ENGINE_BAD_REQUIRES, "b.so")), "MissingFeature",
                "requires \"time-travel\" of its host; this host has arguments, generate");
  ExpectRefused(
      StatusOf("bad", Install(SLIPWAY_ENGINE_BAD, "b.so"), "settings: {no_handle: true}\n"),
      "OpenFailed", "no engine");
  ExpectRefused(
      StatusOf("fake", Install(SLIPWAY_ENGINE_FAKE, "f.so"), "settings: {refuse: true}\n"),
      "OpenFailed", "BadSettings: settings say refuse");
}

TEST_F(Refusal, SpinsWhileItIsOpened) {
  RegistryOptions options = Options();
  options.call_timeout_ms = 300;
  Configure("one.yaml", "bad", Install(SLIPWAY_ENGINE_BAD, "b.so"),
            "settings: {spin_in_open: true}\n");
  Registry registry(options, clock_, log_, metrics_);
  registry.Reload();
  EXPECT_EQ(registry.List().at(0).state, EngineState::kQuarantined);
  EXPECT_EQ(registry.List().at(0).reason, "Spun");
}

TEST_F(Refusal, BadConfigurationNamesTheLine) {
  Put("engines.d/one.yaml", "name: fake\npath: x.so\ncolour: red\n", 0644);
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  ExpectRefused(registry.List().at(0), "BadConfig", "one.yaml:3:1: unknown key \"colour\"");
}

TEST_F(Refusal, SpoiltStagedCopyIsReplaced) {
  const std::string path = Install(SLIPWAY_ENGINE_PLAIN, "plain.so");
  const std::string bytes = ReadFileOrDie(path), sha = Sha256Hex(bytes);
  std::filesystem::create_directory(root_ / "state");
  Put("state/" + sha + ".so", "spoilt", 0644);
  EXPECT_EQ(StatusOf("plain", path).state, EngineState::kLoaded);
  EXPECT_EQ(Sha256Hex(ReadFileOrDie((root_ / "state" / (sha + ".so")).string())), sha);

  struct stat s {};

  ASSERT_EQ(::stat((root_ / "state").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777u, 0700u);
}

}  // namespace
}  // namespace slipway::engine
