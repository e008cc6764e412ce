#include "engine/elf_probe.h"

#include <cstring>
#include <elf.h>
#include <random>

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace slipway::engine {
namespace {

std::string Load(const char* path) {
  auto text = ReadFile(path);
  EXPECT_TRUE(text) << path;
  return text ? *text : std::string();
}

std::string Reason(std::string_view file) {
  const auto facts = ProbeElf(file);
  return facts ? "" : facts.error().reason;
}

TEST(ElfProbe, ReadsNoteExportsAndDependencies) {
  const auto facts = ProbeElf(Load(SLIPWAY_ENGINE_FAKE));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->engine, "fake");
  EXPECT_EQ(facts->version, "1.0.0");
  EXPECT_EQ(facts->abi_major, 1);
  EXPECT_EQ(facts->exports, std::vector<std::string>{"slipway_engine_v1"});
  EXPECT_FALSE(facts->has_run_path);
  EXPECT_FALSE(facts->needed.empty());
}

TEST(ElfProbe, RefusesEveryTruncation) {
  const std::string file = Load(SLIPWAY_ENGINE_PLAIN);
  for (size_t size = 0; size < file.size(); size += 97) {
    EXPECT_NE(Reason(std::string_view(file).substr(0, size)), "") << size;
  }
  EXPECT_EQ(Reason(std::string_view(file).substr(0, file.size() - 1)), "Truncated");
  EXPECT_EQ(Reason(std::string_view(file).substr(0, 40)), "Truncated");
}

TEST(ElfProbe, TellsMachinesAndKindsApart) {
  std::string file = Load(SLIPWAY_ENGINE_PLAIN);
  EXPECT_EQ(Reason("#!/bin/sh\n"), "NotElf");
  EXPECT_EQ(Reason(""), "NotElf");
  std::string other = file;
  const uint16_t arm = EM_AARCH64;
  std::memcpy(other.data() + offsetof(Elf64_Ehdr, e_machine), &arm, sizeof arm);
  EXPECT_EQ(Reason(other), "WrongMachine");
  other = file;
  const uint16_t object = ET_REL;
  std::memcpy(other.data() + offsetof(Elf64_Ehdr, e_type), &object, sizeof object);
  EXPECT_EQ(Reason(other), "NotElf");
}

TEST(ElfProbe, TellsWhatTheLinkerLeftOut) {
  const struct {
    const char *path, *reason, *words;
  } cases[] = {
      {SLIPWAY_ENGINE_BAD, "", ""},
      {SLIPWAY_ENGINE_BAD_EXEC_STACK, "ExecutableStack", "noexecstack"},
      {SLIPWAY_ENGINE_BAD_NO_RELRO, "NoRelro", "-z relro"},
      {SLIPWAY_ENGINE_BAD_LAZY, "LazyBinding", "-z now"},
      {SLIPWAY_ENGINE_BAD_TEXT_RELOCATIONS, "TextRelocations", "-fPIC"},
  };

  for (const auto& c : cases) {
    const auto facts = ProbeElf(Load(c.path));
    ASSERT_TRUE(facts) << c.path;
    const auto checked = CheckFacts(*facts, "bad");
    EXPECT_EQ(checked ? "" : checked.error().reason, c.reason) << c.path;
    const std::string message = checked ? "" : checked.error().message;
    EXPECT_NE(message.find(c.words), std::string::npos) << message;
  }
}

TEST(ElfProbe, RefusesWritableCode) {
  std::string file = Load(SLIPWAY_ENGINE_PLAIN);
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const size_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, file.data() + at, sizeof segment);
    if (segment.p_type != PT_LOAD) continue;
    segment.p_flags |= PF_W;
    std::memcpy(file.data() + at, &segment, sizeof segment);
  }
  const auto facts = ProbeElf(file);
  ASSERT_TRUE(facts);
  EXPECT_EQ(CheckFacts(*facts, "plain").error().reason, "WritableCode");
}

TEST(ElfProbe, SurvivesMutatedBytes) {
  const std::string file = Load(SLIPWAY_ENGINE_PLAIN);
  std::mt19937_64 random(20260);
  int accepted = 0;
  for (int round = 0; round < 500; ++round) {
    std::string mutant = file;
    for (uint64_t i = 0, n = 1 + random() % 16; i < n; ++i) {
      // Half of the mutations hit the headers at both ends.
      const uint64_t span = random() % 2 == 0 ? mutant.size() : 1024;
      const uint64_t at = random() % 2 == 0 ? random() % span : mutant.size() - 1 - random() % span;
      mutant[at] = static_cast<char>(random() % 4 == 0 ? 0xff : random());
    }
    const auto facts = ProbeElf(mutant);
    if (!facts) {
      EXPECT_FALSE(facts.error().message.empty());
      continue;
    }
    ++accepted;
    if (const auto checked = CheckFacts(*facts, "plain"); !checked) {
      EXPECT_TRUE(Json::Parse(Json::Quote(checked.error().message))) << "unprintable message";
    }
  }
  EXPECT_LT(accepted, 500);
}

}  // namespace
}  // namespace slipway::engine
