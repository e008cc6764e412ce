#include "connect/resolve.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "connect/login.h"
#include "connect/test_support.h"

namespace slipway::connect {
namespace {

TEST(Resolve, GivesNumericAddresses) {
  const Deadline deadline(10'000);
  EXPECT_EQ(Resolve("127.0.0.1", deadline).addresses, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(Resolve("::1", deadline).addresses, std::vector<std::string>{"::1"});
  const Resolved named = Resolve("localhost", deadline);
  EXPECT_NE(std::find(named.addresses.begin(), named.addresses.end(), "127.0.0.1"),
            named.addresses.end())
      << named.failure;
}

TEST(Resolve, NamesTheHostThatHasNoAddress) {
  for (const char* host : {"no-such-host.invalid", "", "a b", "300.1.1.1"}) {
    const Resolved resolved = Resolve(host, Deadline(10'000));
    EXPECT_TRUE(resolved.addresses.empty()) << host;
    EXPECT_EQ(resolved.failure.find(std::string(host) + ": "), 0u) << resolved.failure;
  }
}

// Runs in its own child process. Its name server takes queries and never answers.
bool EnterAWorldWhoseNameServerIsSilent() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 &&
      ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
    return false;
  const int server = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(53);
  char file[] = "/tmp/slipway-resolv-XXXXXX";
  ::close(::mkstemp(file));
  std::ofstream(file) << "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";
  const bool done = ::ioctl(server, SIOCSIFFLAGS, &loopback) == 0 &&
                    ::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                    ::mount(file, "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
  ::unlink(file);
  return done;  // the socket stays open
}

// Returns the failure; "" on success, "skip" when this machine does not allow the test.
std::string TryLoginsWhereNoNameServerAnswers() {
  if (!EnterAWorldWhoseNameServerIsSilent()) return "skip";
  for (const char* protocol : {"postgresql", "mysql", "mongodb"}) {
    LoginResult result;
    const int64_t took = ElapsedMs([&] {
      result = TryLogin({protocol, "db.example.test", 1, "app", "pw", "app", "SELECT 1", 200});
    });
    if (took > kPromptMs) return std::string(protocol) + " took " + std::to_string(took) + " ms";
    if (result.outcome != LoginOutcome::kUnreachable ||
        result.message != "db.example.test: the resolver does not answer")
      return std::string(protocol) + ": " + result.message;
  }
  for (int i = 0; i < 200; ++i)
    (void)Resolve("host" + std::to_string(i) + ".example.test", Deadline(1));
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  const auto threads = std::distance(begin(tasks), end(tasks));
  if (threads > 20) return std::to_string(threads) + " threads";
  if (Resolve("127.0.0.1", Deadline(1)).addresses.empty()) return "a numeric address waits as well";
  return "";
}

TEST(Resolve, ASilentNameServerHoldsUpNoLogin) {
  int answer[2];
  ASSERT_EQ(::pipe(answer), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string wrong = TryLoginsWhereNoNameServerAnswers();
    (void)!::write(answer[1], wrong.data(), wrong.size());
    ::_exit(0);
  }
  ::close(answer[1]);
  std::string wrong(1000, '\0');
  wrong.resize(
      static_cast<size_t>(std::max<ssize_t>(::read(answer[0], wrong.data(), wrong.size()), 0)));
  ::close(answer[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  if (wrong == "skip") GTEST_SKIP() << "no network and mount namespaces here";
  EXPECT_EQ(wrong, "");
}

}  // namespace
}  // namespace slipway::connect
