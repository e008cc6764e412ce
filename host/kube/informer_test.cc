#include "kube/informer.h"

#include <gtest/gtest.h>

#include "kube/informer_test_support.h"

namespace slipway::kube {
namespace {

TEST_F(InformerTest, ListsInPagesThenFollowsTheWatch) {
  Serve([](const Request& r, Connection& c) {
    if (IsWatch(r)) {
      c.BeginChunks();
      c.Chunk(EventLine("ADDED", ConfigMapJson("c", "11")) +
              EventLine("MODIFIED", ConfigMapJson("a", "12")));
      c.Chunk(EventLine("DELETED", ConfigMapJson("b", "13")));
      return c.Hang();
    }
    if (!r.query.contains("continue"))
      return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}, "next"));
    c.Reply(200, ListBody("10", {ConfigMapJson("b", "2")}));
  });
  EXPECT_EQ(told_.Next(5), "+a1 +b2 +c11 ~a12 -b13 ");
  EXPECT_TRUE(informer_->synced());
  EXPECT_TRUE(informer_->served());
  EXPECT_EQ(informer_->Get("ns", "a")->Parse().At("/data/k").AsString(), "v12");
  EXPECT_EQ(informer_->Get("ns", "b"), nullptr);
  EXPECT_EQ(informer_->All().size(), 2u);
  EXPECT_GT(informer_->bytes(), 100u);
  const Request list = server_->requests().at(1), watch = Watches().at(0);
  EXPECT_EQ(list.query.at("limit"), "500");
  EXPECT_EQ(list.query.at("labelSelector"), "app=x");
  EXPECT_EQ(watch.query.at("resourceVersion"), "10");
  EXPECT_EQ(watch.query.at("allowWatchBookmarks"), "true");
  EXPECT_EQ(watch.query.at("labelSelector"), "app=x");
  const int seconds = std::stoi(watch.query.at("timeoutSeconds"));
  EXPECT_GE(seconds, 261);
  EXPECT_LE(seconds, 290);
}

TEST_F(InformerTest, EventsCutAnywhereArePutTogether) {
  Serve([](const Request& r, Connection& c) {
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {}));
    c.BeginChunks();
    const std::string all =
        EventLine("ADDED", ConfigMapJson("a", "11")) + EventLine("ADDED", ConfigMapJson("b", "12"));
    for (size_t i = 0; i < all.size(); i += 7) c.Chunk(std::string_view(all).substr(i, 7));
    c.Hang();
  });
  EXPECT_EQ(told_.Next(2), "+a11 +b12 ");
}

TEST_F(InformerTest, ADroppedConnectionResumesAndHalfALineIsNotApplied) {
  Serve([](const Request& r, Connection& c) {
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {}));
    c.BeginChunks();
    const std::string half = EventLine("MODIFIED", ConfigMapJson("a", "12"));
    if (r.query.at("resourceVersion") == "10") {
      c.Chunk(EventLine("ADDED", ConfigMapJson("a", "11")) + half.substr(0, half.size() / 2));
      return c.Close();
    }
    EXPECT_EQ(r.query.at("resourceVersion"), "11");
    c.Chunk(EventLine("MODIFIED", ConfigMapJson("a", "12")));
    c.Hang();
  });
  EXPECT_EQ(told_.Next(2), "+a11 ~a12 ");
  EXPECT_EQ(server_->Count(IsList), 1u) << "no need to list again";
}

TEST_F(InformerTest, AWholeLineWithoutItsEndIsNotAppliedEither) {
  Serve([](const Request& r, Connection& c) {
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {}));
    c.BeginChunks();
    std::string line = EventLine("ADDED", ConfigMapJson("a", "11"));
    line.pop_back();
    c.Chunk(line);
    c.EndChunks();
  });
  ASSERT_TRUE(server_->WaitFor(2, IsWatch));
  EXPECT_EQ(told_.pending(), 0u);
}

TEST_F(InformerTest, BookmarksMoveTheVersionAndRepeatedEventsAreSilent) {
  Serve([](const Request& r, Connection& c) {
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
    c.BeginChunks();
    if (r.query.at("resourceVersion") == "10") {
      c.Chunk(EventLine("BOOKMARK", R"({"kind":"ConfigMap","metadata":{"resourceVersion":"55"}})"));
      return c.EndChunks();
    }
    EXPECT_EQ(r.query.at("resourceVersion"), "55");
    c.Chunk(EventLine("MODIFIED", ConfigMapJson("a", "1")) +
            EventLine("MODIFIED", ConfigMapJson("a", "56")) +
            EventLine("MODIFIED", ConfigMapJson("a", "56")) +
            EventLine("MODIFIED", ConfigMapJson("a", "57")));
    c.Hang();
  });
  EXPECT_EQ(told_.Next(3), "+a1 ~a56 ~a57 ");
}

TEST_F(InformerTest, AWindowThatIsGoneListsAgainAndTellsTheDeletionsMissed) {
  Serve([this](const Request& r, Connection& c) {
    if (!IsWatch(r)) {
      switch (++lists_) {
        case 1:
          return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1"), ConfigMapJson("b", "2")}));
        case 2:
          return c.Reply(200, ListBody("20", {ConfigMapJson("b", "2"), ConfigMapJson("c", "15")}));
        default:
          return c.Reply(200, ListBody("30", {ConfigMapJson("c", "15", "another")}));
      }
    }
    if (++watches_ == 1) return c.Reply(410, kGoneStatus);  // in the status
    c.BeginChunks();
    if (watches_ == 2) c.Chunk(EventLine("ERROR", kGoneStatus));  // in an event
    c.Hang();
  });
  EXPECT_EQ(told_.Next(4), "+a1 +b2 -a1 +c15 ");
  EXPECT_EQ(told_.Next(3), "-b2 -c15 +c15 ") << "the same name with another UID is another object";
}

TEST_F(InformerTest, AKindThatIsNotServedIsEmptyUntilItIs) {
  server_.emplace([this](const Request& r, Connection& c) {
    if (r.path == "/apis/example.com/v1") {
      if (!installed_) {
        c.Reply(404, "404 page not found");
        return gate_.Open();
      }
      return c.Reply(200, R"({"resources":[{"name":"things","kind":"Thing","namespaced":true}]})");
    }
    if (IsWatch(r)) {
      c.BeginChunks();
      return c.Hang();
    }
    c.Reply(200, ListBody("5", {ConfigMapJson("t", "4")}));
  });
  client_.emplace(server_->config(), FastOptions(), clock_, log_, metrics_);
  informer_ = client_->Watch({"example.com/v1", "Thing", "", "", "", {}},
                             [this](auto c, const auto& object) { told_(c, object); });
  ASSERT_TRUE(gate_.Wait());
  // A second look, a look being two questions, proves that the first one was taken in.
  ASSERT_TRUE(
      server_->WaitFor(3, [](const Request& r) { return r.path == "/apis/example.com/v1"; }));
  EXPECT_TRUE(informer_->synced());
  EXPECT_FALSE(informer_->served());
  installed_ = true;
  EXPECT_EQ(told_.Next(1), "+t4 ");
  EXPECT_TRUE(informer_->served());
}

TEST_F(InformerTest, AKindThatIsTakenAwayTakesItsObjectsAlong) {
  installed_ = true;
  server_.emplace([this](const Request& r, Connection& c) {
    if (r.path == "/readyz") return c.Reply(200, "ok");
    if (!installed_) return c.Reply(404, "404 page not found");
    if (AnswerDiscovery(r, c)) return;
    if (!IsWatch(r)) return c.Reply(200, ListBody("5", {ConfigMapJson("t", "4")}));
    c.BeginChunks();
    gate_.Wait();
    installed_ = false;
    c.Close();
  });
  client_.emplace(server_->config(), FastOptions(), clock_, log_, metrics_);
  informer_ = client_->Watch({"v1", "ConfigMap", "", "", "", {}},
                             [this](auto c, const auto& object) { told_(c, object); });
  EXPECT_EQ(told_.Next(1), "+t4 ");
  gate_.Open();
  EXPECT_EQ(told_.Next(1), "-t4 ");
  EXPECT_FALSE(informer_->served());
}

TEST_F(InformerTest, AProxyThatAnswers404ToEverythingTakesNoObjectsAlong) {
  installed_ = true;
  server_.emplace([this](const Request& r, Connection& c) {
    if (!installed_) return c.Reply(404, "404 page not found");
    if (AnswerDiscovery(r, c)) return;
    if (!IsWatch(r)) return c.Reply(200, ListBody("5", {ConfigMapJson("t", "4")}));
    c.BeginChunks();
    if (++watches_ > 1) return c.Hang();
    gate_.Wait();
    installed_ = false;
    c.Close();
  });
  client_.emplace(server_->config(), FastOptions(), clock_, log_, metrics_);
  informer_ = client_->Watch({"v1", "ConfigMap", "", "", "", {}},
                             [this](auto c, const auto& object) { told_(c, object); });
  EXPECT_EQ(told_.Next(1), "+t4 ");
  gate_.Open();
  ASSERT_TRUE(server_->WaitFor(2, [](const Request& r) { return r.path == "/readyz"; }));
  EXPECT_TRUE(informer_->served());
  EXPECT_EQ(informer_->All().size(), 1u);
  // Nor has it spoilt what the client knows of kinds.
  installed_ = true;
  EXPECT_TRUE(client_->Discover("v1", "ConfigMap"));
  ASSERT_TRUE(server_->WaitFor(2, IsWatch));
  EXPECT_EQ(told_.pending(), 0u);
}

TEST_F(InformerTest, AnExpiredPageAndAFailingListStartAgain) {
  Serve([this](const Request& r, Connection& c) {
    if (IsWatch(r)) {
      c.BeginChunks();
      return c.Hang();
    }
    switch (++lists_) {
      case 1:
        return c.Reply(503, "busy");
      case 2:
        return c.Close();
      case 3:
        return c.Reply(200, ListBody("10", {ConfigMapJson("stale", "1")}, "token"));
      case 4:
        return c.Reply(410, kGoneStatus);
      case 5:
        return c.Reply(200, ListBody("11", {ConfigMapJson("a", "1")}, "token2"));
      case 6:
        EXPECT_EQ(r.query.at("continue"), "token2");
        return c.Reply(500, "oops");
      default:
        EXPECT_EQ(r.query.at("continue"), "token2");
        return c.Reply(200, ListBody("11", {ConfigMapJson("b", "2")}));
    }
  });
  EXPECT_EQ(told_.Next(2), "+a1 +b2 ") << "what an expired list had brought is forgotten";
  EXPECT_EQ(told_.pending(), 0u);
}

TEST_F(InformerTest, ASilentWatchIsOpenedAgainOnAnotherConnection) {
  Serve(
      [](const Request& r, Connection& c) {
        if (!IsWatch(r)) return c.Reply(200, ListBody("10", {}));
        c.BeginChunks();
        c.Hang();
      },
      [](ClientOptions& options) { options.watch_idle_ms = 40; });
  ASSERT_TRUE(server_->WaitFor(2, IsWatch));
  const auto watches = Watches();
  EXPECT_NE(watches[0].connection, watches[1].connection);
}

TEST_F(InformerTest, AServerThatIsAwayForLongIsTroubleUntilAWatchIsOpenEvenAQuietOne) {
  const auto serve = [this](int64_t stale_ms) {
    Serve(
        [this](const Request& r, Connection& c) {
          if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
          if (!installed_) return ++watches_ % 2 == 0 ? c.Reply(503, "away") : c.Close();
          c.BeginChunks();
          gate_.Open();
          c.Hang();
        },
        [=](ClientOptions& options) { options.watch_stale_ms = stale_ms; });
    ASSERT_EQ(told_.Next(1), "+a1 ");
    ASSERT_TRUE(server_->WaitFor(6, IsWatch));
  };
  serve(60'000);
  EXPECT_FALSE(informer_->trouble()) << "a moment without a watch is everyday";
  TearDown();
  serve(50);
  ASSERT_TRUE(Eventually([&] { return informer_->trouble().has_value(); }));
  EXPECT_EQ(informer_->trouble()->code, Code::kUnavailable);
  EXPECT_TRUE(informer_->Get("ns", "a")) << "what is known is kept";
  installed_ = true;
  ASSERT_TRUE(gate_.Wait());
  EXPECT_TRUE(Eventually([&] { return !informer_->trouble(); }));
}

TEST_F(InformerTest, ARefusalIsTroubleAtOnceUntilAWatchIsOpenEvenAQuietOne) {
  Serve([this](const Request& r, Connection& c) {
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
    if (!installed_)
      return c.Reply(403, R"({"kind":"Status","message":"no","reason":"Forbidden","code":403})");
    c.BeginChunks();
    c.Hang();
  });
  ASSERT_TRUE(Eventually([&] { return informer_->trouble().has_value(); }));
  EXPECT_EQ(informer_->trouble()->code, Code::kForbidden);
  installed_ = true;
  EXPECT_TRUE(Eventually([&] { return !informer_->trouble(); }));
}

TEST_F(InformerTest, ALineThatIsNoEventEndsTheWatchAndItResumes) {
  Serve([](const Request& r, Connection& c) {
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {}));
    c.BeginChunks();
    if (r.query.at("resourceVersion") == "10") {
      c.Chunk(EventLine("ADDED", ConfigMapJson("a", "11")) + "garbage\n" +
              EventLine("ADDED", ConfigMapJson("x", "99")));
      return c.Hang();
    }
    c.Chunk(EventLine("ADDED", ConfigMapJson("b", "12")));
    c.Hang();
  });
  EXPECT_EQ(told_.Next(2), "+a11 +b12 ") << "nothing behind the garbage is believed";
}

TEST_F(InformerTest, NoCallbackRunsAfterItIsGone) {
  std::atomic<bool> gone{false};
  std::atomic<int> late{0}, seen{0};
  Gate flowing;
  server_.emplace([this](const Request& r, Connection& c) {
    if (AnswerDiscovery(r, c)) return;
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {}));
    c.BeginChunks();
    for (int i = 11; c.open() && i < 200'000; ++i)
      c.Chunk(EventLine("MODIFIED", ConfigMapJson("a", std::to_string(i))));
  });
  client_.emplace(server_->config(), FastOptions(), clock_, log_, metrics_);
  informer_ = client_->Watch({"v1", "ConfigMap", "", "", "", {}}, [&](auto, const auto&) {
    if (gone) ++late;
    if (++seen == 50) flowing.Open();
  });
  ASSERT_TRUE(flowing.Wait());
  informer_.reset();
  gone = true;
  ASSERT_TRUE(client_->Ping()) << "the loop goes on";
  EXPECT_EQ(late, 0);
}

TEST_F(InformerTest, ManyCanBeStartedAndDroppedAtAnyMoment) {
  server_.emplace([this](const Request& r, Connection& c) {
    if (AnswerDiscovery(r, c)) return;
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
    c.BeginChunks();
    c.Hang();
  });
  client_.emplace(server_->config(), FastOptions(), clock_, log_, metrics_);
  for (int i = 0; i < 100; ++i) {
    std::atomic<int> told{0};
    std::vector<std::unique_ptr<Informer>> informers;
    for (int j = 0; j < 3; ++j)
      informers.push_back(
          client_->Watch({"v1", "ConfigMap", "", "", "", {}}, [&](auto, const auto&) { ++told; }));
    if (i % 3 == 0) (void)client_->Discover("v1", "Pod");
  }
}

TEST_F(InformerTest, WatchesUseAnExecPluginsCredential) {
  server_.emplace([this](const Request& r, Connection& c) {
    if (r.headers.at("authorization") != "Bearer exec-token") return c.Reply(401, "{}");
    if (AnswerDiscovery(r, c)) return;
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
    c.BeginChunks();
    c.Hang();
  });
  Config config = server_->config();
  config.exec.command = "/bin/echo";
  config.exec.api_version = "client.authentication.k8s.io/v1beta1";
  config.exec.args = {
      R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"exec-token"}})"};
  client_.emplace(config, FastOptions(), clock_, log_, metrics_);
  informer_ = client_->Watch({"v1", "ConfigMap", "", "", "", {}},
                             [this](auto c, const auto& object) { told_(c, object); });
  EXPECT_EQ(told_.Next(1), "+a1 ");
}

}  // namespace
}  // namespace slipway::kube
