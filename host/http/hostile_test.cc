// Hostile or slow clients lose their own connection and harm no other client.
#include <atomic>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <net/if.h>
#include <random>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

#include "http/server.h"
#include "http/test_client.h"

namespace {

std::atomic<bool> g_wake_ups_are_slow{false};

}  // namespace

// Replaces the C library's read(2). It gives other threads time between a worker's look into its
// queue and its read of the eventfd that signals new entries.
extern "C" ssize_t read(int fd, void* into, size_t size) {
  static const auto next =
      reinterpret_cast<ssize_t (*)(int, void*, size_t)>(::dlsym(RTLD_NEXT, "read"));
  if (g_wake_ups_are_slow && size == sizeof(uint64_t)) ::poll(nullptr, 0, 2);
  return next(fd, into, size);
}

namespace slipway::http {
namespace {

// One worker, so that a client which blocks it blocks all clients. The deadlines are short enough
// for a test.
Options OneWorker() {
  Options options;
  options.threads = 1;
  return options;
}

Options Impatient() {
  Options options = OneWorker();
  options.limits.head_ms = 60;
  options.limits.body_ms = 60;
  options.limits.idle_ms = 1000;  // a client that is slow on a busy machine is not idle
  options.limits.stall_ms = 60;
  return options;
}

Handler BigAnswers(size_t size) {
  return [size](std::shared_ptr<Exchange> exchange) {
    if (exchange->request().path != "/big") return TestServer::Echo(std::move(exchange));
    Response response;
    response.body.assign(size, 'x');
    exchange->Respond(std::move(response));
  };
}

TEST(SlowReader, CostsOthersNothing) {
  TestServer server(BigAnswers(32u << 20), OneWorker());
  Client slow(server.port(), 4096);
  slow.Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(slow.More());  // the answer has begun, and the server cannot finish it
  Client other(server.port());
  for (int i = 0; i < 200; ++i) ASSERT_EQ(other.Get("/x").status, 200) << i;
  const Reply reply = slow.Read();  // it reads after all; part of the head was received before
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.size(), 32u << 20);
}

TEST(SlowReader, IsDroppedWhenItTakesNothing) {
  TestServer server(BigAnswers(32u << 20), Impatient());
  Client slow(server.port(), 4096);
  slow.Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(slow.More());
  EXPECT_TRUE(Eventually([&] { return server.server().connections() == 0; }));
}

TEST(SlowReader, OfAStreamIsDroppedAtTheBacklogLimit) {
  Parked parked;
  Options options = OneWorker();
  options.limits.stream_backlog = 64 * 1024;
  TestServer server(parked.Park(), options);
  Client slow(server.port(), 4096);
  slow.Send(kGet);
  auto stream = parked.Take()->StartStream(200, "text/event-stream", {});
  const std::string event(1000, 'e');
  int written = 0;
  while (stream->Write(event) && written < 100'000) ++written;
  EXPECT_LT(written, 100'000);
  EXPECT_TRUE(stream->closed());
}

TEST(SlowReader, CannotHaveManyAnswersPreparedForIt) {
  std::atomic<int> handled{0};
  TestServer server(
      [&](std::shared_ptr<Exchange> exchange) {
        ++handled;
        Response response;
        response.body.assign(1u << 20, 'x');
        exchange->Respond(std::move(response));
      },
      Impatient());
  Client slow(server.port(), 4096);
  std::string burst;
  for (int i = 0; i < 1000; ++i) burst += kGet;
  slow.Send(burst);
  ASSERT_TRUE(slow.More());
  EXPECT_TRUE(Eventually([&] { return server.server().connections() == 0; }));
  EXPECT_LT(handled, 50);
}

TEST(SlowWriter, GetsADeadline) {
  TestServer server({}, Impatient());

  const struct {
    std::string_view bytes;
    int status;
    std::string_view reason;
  } kCases[] = {
      {"", 0, ""},
      {"GET / HT", 408, "HeadTimeout"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: ", 408, "HeadTimeout"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 408, "BodyTimeout"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 408,
       "BodyTimeout"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", 408, "BodyTimeout"},
  };

  for (const auto& test : kCases) {
    Client client(server.port());
    client.Send(test.bytes);
    const Reply reply = client.Read();
    EXPECT_EQ(reply.status, test.status) << test.bytes;
    EXPECT_NE(reply.body.find(test.reason), std::string::npos) << reply.body;
    EXPECT_TRUE(client.AtEnd()) << test.bytes;
  }
}

TEST(SlowWriter, CannotBuyTimeByDripping) {
  TestServer server({}, Impatient());
  for (const bool body : {false, true}) {
    Client client(server.port());
    client.Send(body ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     : "GET / HTTP/1.1\r\nHost: a\r\n");
    bool refused = false;
    for (int i = 0; i < 1000 && !refused; ++i) {
      client.Send(body ? "1\r\nx\r\n" : "X: y\r\n");
      refused = client.More(10);
    }
    EXPECT_TRUE(refused);
    EXPECT_EQ(client.Read().status, 408);
  }
}

TEST(SlowWriter, IsHeldToItOnTheSecondRequestToo) {
  TestServer server({}, Impatient());
  Client client(server.port());
  EXPECT_EQ(client.Get("/x").status, 200);
  client.Send("GET / H");
  EXPECT_EQ(client.Read().status, 408);
}

TEST(IdleClient, IsClosedWithoutAWord) {
  TestServer server({}, Impatient());
  Client client(server.port());
  EXPECT_EQ(client.Get("/x").status, 200);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(client.received(), "");
}

TEST(SlowHandler, MayTakeItsTime) {
  Parked parked;
  TestServer server(parked.Park(), Impatient());
  Client client(server.port());
  Client other(server.port());
  client.Send(kGet);
  auto exchange = parked.Take();
  auto stream = [&] {
    other.Send(kGet);
    return parked.Take()->StartStream(200, "text/plain", {});
  }();
  Client idle(server.port());
  EXPECT_TRUE(idle.AtEnd());  // proves that idle_ms has passed
  exchange->Respond(Text("at last"));
  EXPECT_EQ(client.Read().body, "at last");
  EXPECT_TRUE(stream->Write("x"));
  stream->Close();
  EXPECT_EQ(other.Read().body, "x");
}

TEST(RefusedClient, IsNotListenedToForEver) {
  TestServer server({}, OneWorker());
  Client client(server.port());
  client.Send("nonsense\r\n\r\n");
  const std::string flood(1u << 20, 'x');
  int sent = 0;
  while (client.Send(flood) && sent < 1000) ++sent;
  EXPECT_LT(sent, 1000);
  EXPECT_EQ(Client(server.port()).Get("/x").status, 200);
}

TEST(TooManyClients, AreTurnedAway) {
  Options options;
  options.limits.connections = 3;
  TestServer server({}, options);
  std::vector<std::unique_ptr<Client>> in;
  for (int i = 0; i < 3; ++i) {
    in.push_back(std::make_unique<Client>(server.port()));
    EXPECT_EQ(in.back()->Get("/x").status, 200);
  }
  Client out(server.port());
  EXPECT_TRUE(out.AtEnd());
  EXPECT_NE(out.received().find("503"), std::string::npos) << out.received();
  in.pop_back();
  ASSERT_TRUE(Eventually([&] { return server.server().connections() == 2; }));
  EXPECT_EQ(Client(server.port()).Get("/x").status, 200);
}

TEST(ConnectionLimit, StaysBelowTheDescriptorLimit) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  int highest = 0;
  for (int fd = 0; fd < 4096; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) highest = fd;
  }
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(highest) + 60;
  const size_t limit = low.rlim_cur / 10 * 8;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  TestServer server;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < limit + 5; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->Send(kGet);
    EXPECT_EQ(clients.back()->Read().status == 200, i < limit) << i;
  }
}

TEST(MemoryBudget, IsSharedByAllConnections) {
  Parked parked;
  Options options;
  options.limits.total_bytes = 4u << 20;
  TestServer server(parked.Park(), options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    clients.back()->Send(std::string(999'999, 'x'));
  }
  EXPECT_TRUE(Eventually([&] { return server.server().connections() <= 4; }));
  clients.clear();
  ASSERT_TRUE(Eventually([&] { return server.server().connections() == 0; }));
  Client later(server.port());
  later.Send(kGet);
  parked.Take()->Respond(Text("given back"));
  EXPECT_EQ(later.Read().body, "given back");
}

TEST(Flood, DoesNotKeepAWorkerForItself) {
  TestServer server({}, OneWorker());
  std::atomic<bool> stop{false};
  Client flood(server.port());
  std::thread sender([&] {
    std::string burst;
    while (burst.size() < 256 * 1024) burst += kGet;
    while (!stop && flood.Send(burst)) {
    }
  });
  std::thread receiver([&] {
    char sink[65536];
    while (!stop && ::recv(flood.fd(), sink, sizeof sink, 0) > 0) {
    }
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Client(server.port()).Get("/x").status, 200);
  stop = true;
  ::shutdown(flood.fd(), SHUT_RDWR);
  sender.join();
  receiver.join();
}

size_t Descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// A client connects while a server stops, too late for a refusal. The server must leave no
// descriptor, apart from a reactor's two, which Pistache itself leaks.
TEST(LateClient, LeavesNothingBehind) {
  const auto left = [](bool with_client) {
    const size_t before = Descriptors();
    for (int i = 0; i < 300; ++i) {
      TestServer server({}, OneWorker());
      if (with_client) const Client client(server.port());
    }
    return Descriptors() - before;
  };
  const size_t without = left(false);
  EXPECT_EQ(left(true), without);
}

TEST(BrokenClients, LeaveNothingBehind) {
  TestServer server(BigAnswers(4u << 20));
  for (int i = 0; i < 300; ++i) {
    Client client(server.port());
    client.Send(i % 3 ? "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
                      : "POST / HTTP/1.1\r\nHost: a\r\nContent-Le");
    i % 2 ? client.Reset() : client.Close();
  }
  EXPECT_TRUE(Eventually([&] { return server.server().connections() == 0; }));
  EXPECT_EQ(Client(server.port()).Get("/x").status, 200);
}

std::string Mutate(std::string text, std::mt19937& random) {
  static const std::string kPieces[] = {"\r\n",
                                        "\r",
                                        "\n",
                                        ":",
                                        " ",
                                        std::string(1, '\0'),
                                        "\xff",
                                        "=",
                                        ";",
                                        ",",
                                        "?",
                                        "&",
                                        "%",
                                        "//////////",
                                        "\"",
                                        "\r\n\r\n",
                                        "-1",
                                        "0",
                                        "99999999999999999999",
                                        "Content-Length: 5\r\n",
                                        "Host: [\r\n",
                                        "Connection: x\r\n",
                                        "Expect: x\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Upgrade: h2c\r\nConnection: Upgrade\r\n"};
  const auto below = [&](size_t bound) { return random() % (bound + 1); };
  for (size_t rounds = 1 + below(4); rounds > 0; --rounds) {
    const size_t at = below(text.size());
    switch (below(4)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.insert(at, kPieces[random() % std::size(kPieces)]);
        break;
      case 2:
        text.erase(at, below(12));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(40)));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

TEST(MutatedRequests, DoNotStopTheServer) {
  const std::string kSeeds[] = {
      "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nAccept: text/html;q=0.8, "
      "*/*\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a:80\r\nContent-Length: 11\r\nContent-Type: "
      "application/json\r\n\r\n{\"a\":\"bcd\"}",
      "GET /q?a=1&b=%20&c=&d HTTP/1.1\r\nHost: [::1]:99\r\nCookie: a=b; c=d\r\n\r\n",
      "PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\nabcd\r\n5\r\n12345\r\n0\r\n\r\n",
  };
  TestServer server({}, OneWorker());
  Client witness(server.port());
  std::mt19937 random(20'22);
  std::vector<std::unique_ptr<Client>> open;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = Mutate(kSeeds[random() % std::size(kSeeds)], random);
    const size_t cut = random() % (text.size() + 1);
    open.push_back(std::make_unique<Client>(server.port()));
    open.back()->Send(std::string_view(text).substr(0, cut));
    open.back()->Send(std::string_view(text).substr(cut));
    if (open.size() == 32) open.erase(open.begin(), open.begin() + 16);
    if (i % 50 == 0) {
      ASSERT_EQ(witness.Get("/witness").status, 200) << i;
    }
  }
  EXPECT_EQ(witness.Get("/witness").status, 200);
}

TEST(BurstOfClients, IsListenedToWhole) {
  TestServer server({}, OneWorker());
  g_wake_ups_are_slow = true;
  for (int i = 0; i < 50; ++i) {
    Client first(server.port());
    ::poll(nullptr, 0, i % 10);  // the second client comes while a worker adopts the first
    Client second(server.port());
    second.Send(kGet);
    EXPECT_EQ(second.Read().status, 200) << i;
    if (HasFailure()) break;
  }
  g_wake_ups_are_slow = false;
}

bool SetLoopback(bool up) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool done = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags =
      static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  done = done && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return done;
}

// Returns 0 when the server dropped the client and still runs. It has its own network and cuts the
// only link during an answer: the kernel gives up the connection.
int ServeAClientWhoseNetworkGoes() {
  Parked parked;
  Options options = OneWorker();
  options.limits.stall_ms = 1000;
  TestServer server(parked.Park(), options);
  Client client(server.port());
  client.Send(kGet);
  const auto exchange = parked.Take();
  if (!exchange || !SetLoopback(false)) return 3;
  exchange->Respond(Text("into the void"));
  if (!Eventually([&] { return server.server().connections() == 0; })) return 4;
  if (!SetLoopback(true)) return 3;
  Client other(server.port());
  other.Send(kGet);
  const auto next = parked.Take();
  if (!next) return 5;
  next->Respond(Text("served"));
  return other.Read().body == "served" ? 0 : 6;
}

TEST(VanishedClient, CostsOthersNothing) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) ::_exit(2);
    ::_exit(SetLoopback(true) ? ServeAClientWhoseNetworkGoes() : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) GTEST_SKIP() << "no network namespaces here";
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace slipway::http
