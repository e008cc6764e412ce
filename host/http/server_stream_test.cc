#include <atomic>
#include <mutex>
#include <thread>

#include "http/server.h"
#include "http/test_client.h"

namespace slipway::http {
namespace {

TEST(ServerStream, StreamsInChunks) {
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

TEST(ServerStream, StreamsToOldClientsUntilTheEnd) {
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

TEST(ServerStream, StartsNoStreamForHead) {
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

TEST(ServerStream, BreaksAnAbortedStreamOff) {
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

TEST(ServerStream, AbortsWithHalfALine) {
  TestServer server(
      [](std::shared_ptr<Exchange> exchange) { exchange->AbortWith("HTTP/1.1 200 OK\r\nConte"); });
  Client client(server.port());
  client.Send(kGet);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(client.received(), "HTTP/1.1 200 OK\r\nConte");
}

TEST(ServerStream, NoticesThatAStreamsClientHasGone) {
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

TEST(ServerStream, StandsManyStreamsThatComeAndGo) {
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

TEST(ServerStart, SaysWhenItsAddressIsTaken) {
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

TEST(ServerStop, FinishesWhatIsInFlightBeforeItStops) {
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

TEST(ServerStop, DoesNotWaitLongerThanTold) {
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
