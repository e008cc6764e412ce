#include "http/server.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/executor.h"
#include "http/test_client.h"

namespace slipway::http {
namespace {

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

// Keeps exchanges until the test answers them.
class Parked {
 public:
  Handler Park() {
    return [this](std::shared_ptr<Exchange> exchange) {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(exchange));
      arrived_.notify_all();
    };
  }

  std::shared_ptr<Exchange> Take() {
    std::unique_lock lock(mutex_);
    const bool there =
        arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return !waiting_.empty(); });
    EXPECT_TRUE(there);
    if (!there) return nullptr;
    auto exchange = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return exchange;
  }

  size_t size() {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::shared_ptr<Exchange>> waiting_;
};

Response Text(std::string body) {
  Response response;
  response.body = std::move(body);
  response.content_type = "text/plain";
  return response;
}

// Polls with a bound; for states that only another thread of the server can reach.
template <class Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

TEST(Server, AnswersAGet) {
  TestServer server;
  Client client(server.port());
  const Reply reply = client.Get("/hello?x=1");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "GET /hello 0");
  EXPECT_TRUE(reply.Has("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_TRUE(reply.Has("Content-Type: text/plain\r\n"));
  EXPECT_FALSE(reply.Has("Connection:"));
  EXPECT_EQ(client.Get("/again").body, "GET /again 0") << "the connection stays";
}

TEST(Server, GivesTheHandlerTheWholeRequest) {
  std::promise<Request> seen;
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    seen.set_value(exchange->request());
    exchange->Respond({});
  });
  Client client(server.port());
  client.Send(
      "PUT /v1/a%2Fb?q=%20 HTTP/1.1\r\nHost: a\r\nX-Thing:  v \r\nx-thing: w\r\nContent-Length: "
      "2\r\n\r\nhi");
  EXPECT_EQ(client.Read().status, 200);
  const Request request = seen.get_future().get();
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/v1/a%2Fb?q=%20");
  EXPECT_EQ(request.segments, (std::vector<std::string>{"v1", "a/b"}));
  EXPECT_EQ(*request.Query("q"), " ");
  EXPECT_EQ(*request.Header("x-thing"), "v");
  EXPECT_EQ(request.body, "hi");
  EXPECT_EQ(request.peer, "127.0.0.1");
}

TEST(Server, ClosesWhenTheProtocolSaysSo) {
  TestServer server;

  const struct {
    std::string_view request;
    int status;
    bool stays;
  } kCases[] = {
      {kGet, 200, true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, false},
      {"GET / HTTP/1.0\r\n\r\n", 200, false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, true},
      {"GET / HTTP/1.1\r\n\r\n", 400, false},
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, false},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, false},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413, false},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
       false},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, false},
  };

  for (const auto& test : kCases) {
    Client client(server.port());
    client.Send(test.request);
    const Reply reply = client.Read();
    EXPECT_EQ(reply.status, test.status) << test.request;
    EXPECT_EQ(!reply.Has("Connection: close"), test.stays) << test.request;
    if (test.stays) {
      EXPECT_EQ(client.Get("/x").status, 200) << test.request;
    } else {
      EXPECT_TRUE(client.AtEnd()) << test.request;
    }
  }
}

TEST(Server, InterpretsNothingAfterARefusal) {
  std::atomic<int> handled{0};
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    ++handled;
    exchange->Respond({});
  });
  Client client(server.port());
  std::string attack =
      "POST / HTTP/1.1\r\nHost: a\r\nX-Request-Id: r1\r\nContent-Length: 2000000\r\n\r\n";
  for (int i = 0; i < 1000; ++i) attack += kGet;
  client.Send(attack);
  const Reply reply = client.Read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_TRUE(reply.Has("X-Request-Id: r1\r\n"));
  EXPECT_EQ(reply.body, "{\"reason\":\"BodyTooLarge\"}");
  client.Send(attack);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(handled, 0);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Parked parked;
  TestServer server(parked.Park());
  Client client(server.port());
  std::string burst;
  for (int i = 0; i < 20; ++i)
    burst += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  client.Send(burst);
  for (int i = 0; i < 20; ++i) {
    auto exchange = parked.Take();
    ASSERT_TRUE(exchange);
    EXPECT_EQ(parked.size(), 0u) << "one at a time";
    exchange->Respond(Text(exchange->request().path));
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Read().body, "/" + std::to_string(i));
}

TEST(Server, BoundsWhatWaitsBehindARequest) {
  Parked parked;
  TestServer server(parked.Park());
  Client client(server.port());
  std::string burst;
  while (burst.size() < 1u << 20) burst += kGet;
  client.Send(burst);
  ASSERT_TRUE(Eventually([&] { return parked.size() == 1; }));
  parked.Take()->Respond(Text("first"));
  const Reply reply = client.Read();
  EXPECT_EQ(reply.body, "first");
  EXPECT_TRUE(client.AtEnd());
}

TEST(Server, ReadsARequestCutAnywhere) {
  TestServer server;
  const std::string request =
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\nabcd\r\n2;x\r\nef\r\n0\r\nT: 1\r\n\r\n";
  Client client(server.port());
  for (size_t cut = 1; cut < request.size(); ++cut) {
    client.Send(std::string_view(request).substr(0, cut));
    client.Send(std::string_view(request).substr(cut));
    ASSERT_EQ(client.Read().body, "POST /x 6") << cut;
  }
  for (const char c : request) client.Send(std::string_view(&c, 1));
  EXPECT_EQ(client.Read().body, "POST /x 6");
}

TEST(Server, AnswersHeadWithoutABody) {
  TestServer server;
  Client client(server.port());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const Reply reply = client.Read(true);
  EXPECT_TRUE(reply.Has("Content-Length: 13\r\n")) << reply.head;
  EXPECT_TRUE(reply.Has("Content-Type: text/plain\r\n"));
  EXPECT_EQ(client.Get("/next").body, "GET /next 0") << "no stray bytes in between";
}

TEST(Server, SendsNoBodyWith204And304) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    Response response = Text("must not be seen");
    response.status = std::stoi(exchange->request().segments[0]);
    exchange->Respond(std::move(response));
  });
  Client client(server.port());
  for (const char* path : {"/204", "/304"}) {
    client.Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const Reply reply = client.Read(true);
    EXPECT_FALSE(reply.Has("Content-")) << reply.head;
  }
  EXPECT_EQ(client.Get("/200").body, "must not be seen");
}

TEST(Server, HonoursExpect) {
  TestServer server;
  Client client(server.port());
  client.Send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("abc");
  EXPECT_EQ(client.Read().body, "POST /x 3");
  client.Send(
      "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(client.Read().status, 413) << "before the body is sent";
}

TEST(Server, CarriesLargeBodiesBothWays) {
  Options options;
  options.limits.body_bytes = 20u << 20;
  TestServer server(
      [](std::shared_ptr<Exchange> exchange) { exchange->Respond(Text(exchange->request().body)); },
      options);
  Client client(server.port());
  std::string body(16u << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  for (const bool chunked : {false, true}) {
    std::thread sender([&] {
      if (!chunked) {
        client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n");
        client.Send(body);
        return;
      }
      client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (size_t at = 0; at < body.size(); at += 1u << 20) {
        client.Send("100000\r\n");
        client.Send(std::string_view(body).substr(at, 1u << 20));
        client.Send("\r\n");
      }
      client.Send("0\r\n\r\n");
    });
    const Reply reply = client.Read();
    sender.join();
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body == body) << chunked;
  }
}

TEST(Server, TakesAnswersFromOtherThreads) {
  Executor pool("answers", 4, 1000);
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    pool.Post([exchange] { exchange->Respond(Text(exchange->request().path)); });
  });
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    clients.emplace_back([&, t] {
      Client client(server.port());
      for (int i = 0; i < 50; ++i) {
        const std::string path = "/" + std::to_string(t) + "-" + std::to_string(i);
        if (client.Get(path).body == path) ++right;
      }
    });
  }
  for (auto& thread : clients) thread.join();
  EXPECT_EQ(right, 400);
  pool.Drain();
}

TEST(Server, AnswersOnceOnly) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->Respond(Text("one"));
    exchange->Respond(Text("two"));
    EXPECT_TRUE(exchange->StartStream(200, "text/plain", {})->closed());
    exchange->AbortWith("three");
  });
  Client client(server.port());
  EXPECT_EQ(client.Get("/").body, "one");
  EXPECT_EQ(client.Get("/").body, "one");
}

TEST(Server, AnswersForADroppedExchange) {
  TestServer server([](std::shared_ptr<Exchange> exchange) { exchange.reset(); });
  Client client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: r7\r\n\r\n");
  const Reply reply = client.Read();
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "{\"reason\":\"Unanswered\"}");
  EXPECT_TRUE(reply.Has("X-Request-Id: r7\r\n"));
}

TEST(Server, KeepsAHandlersExceptionToItself) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    if (exchange->request().path == "/throw") throw std::runtime_error("secret");
    exchange->Respond(Text("fine"));
  });
  Client client(server.port());
  const Reply reply = client.Get("/throw");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  EXPECT_EQ(client.Get("/").body, "fine");
}

TEST(Server, SurvivesARefusalThatThrows) {
  SystemClock clock;
  Logger log(clock, STDERR_FILENO, Logger::Format::kHuman, Logger::Level::kError);
  Server server(
      {}, TestServer::Echo,
      [](int, std::string_view, std::string_view) -> Response { throw std::runtime_error("x"); },
      log);
  ASSERT_TRUE(server.Start());
  Client client(server.port());
  client.Send("nonsense\r\n\r\n");
  EXPECT_EQ(client.Read().status, 400);
}

TEST(Server, StreamsInChunks) {
  Parked parked;
  TestServer server(parked.Park());
  Client client(server.port());
  client.Send(kGet);
  auto stream = parked.Take()->StartStream(200, "text/event-stream", {{"X-A", "b"}});
  for (const char* part : {"one", "two"}) {
    EXPECT_TRUE(stream->Write(part));
    if (part == std::string("one")) {
      while (client.received().find("one") == std::string::npos) ASSERT_TRUE(client.More());
    }
  }
  EXPECT_TRUE(stream->Write(""));
  EXPECT_FALSE(stream->closed());
  stream->Close();
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->Write("late"));
  const Reply reply = client.Read();
  EXPECT_EQ(reply.body, "onetwo");
  EXPECT_TRUE(reply.Has("Content-Type: text/event-stream\r\nX-A: b\r\n"));
  client.Send(kGet);
  auto next = parked.Take();
  EXPECT_FALSE(stream->Write("into the next answer"));
  stream->Abort();
  next->Respond(Text("still here"));
  EXPECT_EQ(client.Read().body, "still here");
}

TEST(Server, StreamsToOldClientsUntilTheEnd) {
  Parked parked;
  TestServer server(parked.Park());
  Client client(server.port());
  client.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto stream = parked.Take()->StartStream(200, "text/plain", {});
  EXPECT_TRUE(stream->Write("one"));
  EXPECT_TRUE(stream->Write("two"));
  stream->Close();
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(client.received().ends_with("Connection: close\r\n\r\nonetwo")) << client.received();
}

TEST(Server, StartsNoStreamForHead) {
  Parked parked;
  TestServer server(parked.Park());
  Client client(server.port());
  client.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto stream = parked.Take()->StartStream(200, "text/plain", {});
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->Write("x"));
  EXPECT_EQ(client.Read(true).status, 200);
  client.Send(kGet);
  parked.Take()->Respond(Text("next"));
  EXPECT_EQ(client.Read().body, "next");
}

TEST(Server, BreaksAnAbortedStreamOff) {
  Parked parked;
  TestServer server(parked.Park());
  for (const bool forgotten : {false, true}) {
    Client client(server.port());
    client.Send(kGet);
    auto stream = parked.Take()->StartStream(200, "text/plain", {});
    EXPECT_TRUE(stream->Write("part"));
    if (forgotten) {
      stream.reset();
    } else {
      stream->Abort();
      EXPECT_TRUE(stream->closed());
    }
    EXPECT_TRUE(client.AtEnd());
    EXPECT_NE(client.received().find("part"), std::string::npos);
    EXPECT_EQ(client.received().find("0\r\n\r\n"), std::string::npos);
  }
}

TEST(Server, AbortsWithHalfALine) {
  TestServer server(
      [](std::shared_ptr<Exchange> exchange) { exchange->AbortWith("HTTP/1.1 200 OK\r\nConte"); });
  Client client(server.port());
  client.Send(kGet);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(client.received(), "HTTP/1.1 200 OK\r\nConte");
}

TEST(Server, NoticesThatAStreamsClientHasGone) {
  Parked parked;
  TestServer server(parked.Park());
  for (const bool reset : {false, true}) {
    Client client(server.port());
    client.Send(kGet);
    auto exchange = parked.Take();
    auto stream = exchange->StartStream(200, "text/plain", {});
    EXPECT_FALSE(exchange->client_gone());
    reset ? client.Reset() : client.Close();
    EXPECT_TRUE(Eventually([&] { return stream->closed(); }));
    EXPECT_TRUE(exchange->client_gone());
    EXPECT_FALSE(stream->Write("x"));
  }
  EXPECT_TRUE(Eventually([&] { return server.server().connections() == 0; }));
}

TEST(Server, StandsManyStreamsThatComeAndGo) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Stream>> streams;
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    auto stream = exchange->StartStream(200, "text/event-stream", {});
    std::lock_guard lock(mutex);
    streams.push_back(std::move(stream));
  });
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      std::lock_guard lock(mutex);
      std::erase_if(streams, [](const auto& stream) { return !stream->Write("data: 12345\n\n"); });
    }
  });
  std::vector<std::thread> clients;
  std::atomic<int> served{0};
  for (int t = 0; t < 6; ++t) {
    clients.emplace_back([&, t] {
      for (int i = 0; i < 15; ++i) {
        Client client(server.port());
        client.Send(kGet);
        while (client.received().find("12345") == std::string::npos && client.More()) {
        }
        if (client.received().find("12345") != std::string::npos) ++served;
        if ((t + i) % 2) client.Reset();
      }
    });
  }
  for (auto& thread : clients) thread.join();
  stop = true;
  writer.join();
  EXPECT_EQ(served, 90);
  EXPECT_TRUE(Eventually([&] { return server.server().connections() == 0; }));
}

TEST(Server, SaysWhenItsAddressIsTaken) {
  TestServer server;
  Options options;
  options.port = server.port();
  Server second(options, TestServer::Echo, TestServer::Refuse, server.log());
  const Result<void> started = second.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kUnavailable);
  EXPECT_EQ(started.error().reason, "AddressInUse");
  EXPECT_NE(started.error().message.find("127.0.0.1:" + std::to_string(server.port())),
            std::string::npos);
  options.address = "203.0.113.9";
  Server third(options, TestServer::Echo, TestServer::Refuse, server.log());
  EXPECT_EQ(third.Start().error().reason, "AddressUnusable");
}

TEST(Server, FinishesWhatIsInFlightBeforeItStops) {
  Parked parked;
  TestServer server(parked.Park());
  Client busy(server.port());
  Client idle(server.port());
  Client streaming(server.port());
  streaming.Send(kGet);
  auto stream = parked.Take()->StartStream(200, "text/plain", {});
  busy.Send(kGet);
  auto exchange = parked.Take();
  ASSERT_TRUE(Eventually([&] { return server.server().connections() == 3; }));
  std::thread stopper([&] { server.server().Stop(10'000); });
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_EQ(streaming.Read().status, 200) << "ended properly";
  EXPECT_TRUE(stream->closed());
  EXPECT_TRUE(Eventually([&] { return !Client(server.port()).connected(); }))
      << "no new connections";
  exchange->Respond(Text("done"));
  const Reply reply = busy.Read();
  EXPECT_EQ(reply.body, "done");
  EXPECT_TRUE(reply.Has("Connection: close\r\n"));
  stopper.join();
  EXPECT_TRUE(busy.AtEnd());
  EXPECT_EQ(server.server().connections(), 0u);
}

TEST(Server, DoesNotWaitLongerThanTold) {
  Parked parked;
  std::shared_ptr<Exchange> late;
  {
    TestServer server(parked.Park());
    Client client(server.port());
    client.Send(kGet);
    late = parked.Take();
    server.server().Stop(10);
    EXPECT_TRUE(client.AtEnd());
    EXPECT_TRUE(late->client_gone());
    server.server().Stop(10);
  }
  late->Respond(Text("to nobody, of a server that is no more"));
}

}  // namespace
}  // namespace slipway::http
