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
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 200, true},
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
  Options options;
  options.threads = 1;
  TestServer server(
      [&](std::shared_ptr<Exchange> exchange) {
        if (exchange->request().path == "/hello") return parked.Park()(std::move(exchange));
        exchange->Respond(Text("ok"));
      },
      options);
  Client client(server.port());
  std::string burst;
  while (burst.size() < 1u << 20) burst += kGet;
  client.Send(burst);
  Client other(server.port());  // same worker: when it is served, the burst has been served, too
  for (int i = 0; i < 20; ++i) ASSERT_EQ(other.Get("/other").body, "ok");
  parked.Take()->Respond(Text("first"));
  const Reply reply = client.Read();
  EXPECT_EQ(reply.body, "first");
  EXPECT_TRUE(reply.Has("Connection: close\r\n"));
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

}  // namespace
}  // namespace slipway::http
