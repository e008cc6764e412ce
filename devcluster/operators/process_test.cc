#include "devcluster/operators/process.h"

#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace slipway::sim::operators {
namespace {

// The program is in a place like the home directory of root, which the account cannot enter.
TEST(Process, RunsAProgramThatItsAccountCannotReach) {
  char name[] = "/tmp/slipway-program-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string directory = name, program = directory + "/echo";
  std::filesystem::copy_file("/bin/echo", program);
  ASSERT_EQ(chmod(name, 0700), 0);
  auto output = RunForOutput({{program, "here"}, "", Account::ForDatabases()}, 60'000, -1);
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "here\n");
}

TEST(Process, OneThatIsNotThereFails) {
  EXPECT_FALSE(RunToEnd({{"/nonexistent/program"}, "", Account::ForDatabases()}, 60'000, -1));
}

}  // namespace
}  // namespace slipway::sim::operators
